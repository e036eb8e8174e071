"""The bytes that Kafka's consumers put into a group: what a member wants, and what it was given.

Both begin with a version (int16); a newer one than is known is read as the newest that is, as Kafka's
``ConsumerProtocol`` does.
"""

from struct import Struct
from struct import error as struct_error
from typing import Final, NamedTuple

from ottla.model.errors import MalformedMessage
from ottla.model.ids import TopicPartition
from ottla.protocol.messages import consumer_protocol_assignment as assignments
from ottla.protocol.messages import consumer_protocol_subscription as subscriptions

CONSUMER_PROTOCOL: Final = "consumer"
"""The protocol type of groups whose members are Kafka's consumers."""

NEWEST_SUBSCRIPTION: Final = 3
NEWEST_ASSIGNMENT: Final = 3
_version = Struct(">h")


class Subscription(NamedTuple):
    """What a member says when it joins; ``owned`` is what it still has, of that ``generation`` (-1: not said)."""

    topics: list[str]
    owned: list[TopicPartition]
    generation: int
    user_data: bytes | None = None


def encode_subscription(subscription: Subscription) -> bytes:
    """Write it in a version that clients since Kafka 2.8 read whole, and older ones as far as they know it."""
    message = subscriptions.ConsumerProtocolSubscription(
        topics=sorted(subscription.topics),
        user_data=subscription.user_data,
        owned_partitions=[
            subscriptions.TopicPartition(topic=topic, partitions=partitions)
            for topic, partitions in _grouped(subscription.owned)
        ],
        generation_id=subscription.generation,
    )
    out = bytearray(_version.pack(2))
    subscriptions.encode(message, 2, out)
    return bytes(out)


def decode_subscription(data: bytes) -> Subscription:
    """Read it; MalformedMessage for bytes that are none."""
    message = subscriptions.decode(data, 2, _read_version(data, NEWEST_SUBSCRIPTION))
    owned = [TopicPartition(part.topic, number) for part in message.owned_partitions for number in part.partitions]
    return Subscription(message.topics, owned, message.generation_id, message.user_data)


def encode_assignment(partitions: list[TopicPartition]) -> bytes:
    """Write what a member gets."""
    message = assignments.ConsumerProtocolAssignment(
        assigned_partitions=[
            assignments.TopicPartition(topic=topic, partitions=numbers) for topic, numbers in _grouped(partitions)
        ]
    )
    out = bytearray(_version.pack(1))
    assignments.encode(message, 1, out)
    return bytes(out)


def decode_assignment(data: bytes) -> list[TopicPartition]:
    """Read it, in order; MalformedMessage for bytes that are none."""
    message = assignments.decode(data, 2, _read_version(data, NEWEST_ASSIGNMENT))
    return sorted(
        TopicPartition(part.topic, number) for part in message.assigned_partitions for number in part.partitions
    )


def _read_version(data: bytes, newest: int) -> int:
    try:
        version: int = _version.unpack_from(data)[0]
    except struct_error:
        raise MalformedMessage("no version") from None
    if version < 0:
        raise MalformedMessage(f"version {version}")
    return min(version, newest)


def _grouped(partitions: list[TopicPartition]) -> list[tuple[str, list[int]]]:
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        topics.setdefault(topic, []).append(partition)
    return list(topics.items())

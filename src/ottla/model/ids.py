"""Names of things: topic partitions and Kafka's uuids.

A uuid is 16 plain ``bytes`` everywhere inside Ottla (it is hashed, compared and copied to the wire far more often
than it is read by a person); its text form is Kafka's: URL-safe base64 without padding, 22 characters
(``org.apache.kafka.common.Uuid``).
"""

import base64
import binascii
from typing import NamedTuple

Uuid = bytes
"""16 bytes, big-endian."""

ZERO_UUID: Uuid = bytes(16)
"""Stands for "no id" on the wire."""

METADATA_UUID: Uuid = bytes(15) + b"\x01"
"""Reserved by Kafka for the metadata topic; never given to a topic."""


class TopicPartition(NamedTuple):
    """A topic's name and the number of one of its partitions."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


def uuid_to_text(uuid: Uuid) -> str:
    """Return the 22-character text form."""
    return base64.urlsafe_b64encode(uuid).rstrip(b"=").decode("ascii")


def uuid_from_text(text: str) -> Uuid:
    """Return the 16 bytes that ``text`` stands for; raise ValueError if it is not a Kafka uuid."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"==", altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"not a uuid: {text!r}") from error
    if len(raw) != 16:
        raise ValueError(f"not a uuid: {text!r} has {len(raw)} bytes instead of 16")
    return raw


def uuid_from_entropy(entropy: bytes) -> Uuid:
    """Return a random uuid from 16 random bytes, with the version and variant bits of RFC 9562 section 5.4.

    Kafka never hands out an id whose text starts with a dash (command lines would take it for an option); the caller
    draws again when :func:`uuid_to_text` of the result does.
    """
    raw = bytearray(entropy)
    raw[6] = (raw[6] & 0x0F) | 0x40
    raw[8] = (raw[8] & 0x3F) | 0x80
    return bytes(raw)

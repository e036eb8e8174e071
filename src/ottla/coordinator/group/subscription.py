"""What of a consumer's opaque metadata the coordinator understands: the topics it subscribes to.

Every version of ConsumerProtocolSubscription begins as version 0 does: int16 version, then an array of topic names.
Reading only that much keeps the coordinator independent of what clients add behind it.
"""

import struct
from collections.abc import Iterable

CONSUMER_PROTOCOL_TYPE = "consumer"
_HEAD = struct.Struct(">hi")
_SIZE = struct.Struct(">h")


def subscribed_topics(subscriptions: Iterable[bytes]) -> frozenset[str] | None:
    """Return every topic that one of ``subscriptions`` names; None when one of them cannot be read."""
    topics: set[str] = set()
    try:
        for subscription in subscriptions:
            version, count = _HEAD.unpack_from(subscription)
            if version < 0 or count < 0 or count > len(subscription):
                return None
            position = _HEAD.size
            for _ in range(count):
                (size,) = _SIZE.unpack_from(subscription, position)
                position += _SIZE.size
                if size < 0 or position + size > len(subscription):
                    return None
                topics.add(str(subscription[position : position + size], "utf-8"))
                position += size
    except (struct.error, UnicodeDecodeError):
        return None
    return frozenset(topics)

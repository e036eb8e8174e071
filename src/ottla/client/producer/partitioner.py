"""Which partition a record goes to, where the caller does not say.

A key decides by its murmur2 hash, as in Kafka's Java client (``Utils.murmur2``, ``Utils.toPositive``), so that records
of one key meet in one partition whichever client wrote them. Records without a key stay with one partition until its
batch is on its way, then go on with another (KIP-480): few full batches instead of many small ones.
"""

from struct import unpack_from

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return Kafka's 32-bit murmur2 of ``data``, as an unsigned number."""
    length = len(data)
    h = _SEED ^ length
    words = length >> 2
    for k in unpack_from(f"<{words}I", data):
        k = k * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if length & 3:
        h = (h ^ int.from_bytes(data[words << 2 :], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of_key(key: bytes, partitions: int) -> int:
    """Return the partition that a key belongs to among so many."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class Route:
    """What the producer keeps of a topic: how many partitions it has, and where records without a key go."""

    __slots__ = ("available", "count", "sticky")

    def __init__(self, count: int, available: list[int]) -> None:
        self.count = count
        self.available = available
        """The partitions that have a leader; a key does not ask for that, the others do."""
        self.sticky = _any_of(available)

    def move_on(self) -> int:
        """Choose another partition for records without a key, if there is another."""
        others = [partition for partition in self.available if partition != self.sticky]
        if others:
            self.sticky = _any_of(others)
        return self.sticky


def _any_of(partitions: list[int]) -> int:
    if len(partitions) == 1:
        return partitions[0]
    import random  # a start-up with one partition does without

    return random.choice(partitions)

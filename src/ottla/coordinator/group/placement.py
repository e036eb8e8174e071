"""Which partition of ``__consumer_offsets`` a group belongs to: Java's string hash modulo the number of partitions."""

from functools import lru_cache


@lru_cache(maxsize=8192)
def java_hash(text: str) -> int:
    """Return ``String.hashCode`` of Java: of the UTF-16 units, in 32 bits with sign."""
    value = 0
    if text.isascii():
        for byte in text.encode("ascii"):
            value = (31 * value + byte) & 0xFFFFFFFF
    else:
        units = text.encode("utf-16-be", "surrogatepass")
        for high, low in zip(units[::2], units[1::2], strict=True):
            value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def partition_of(group_id: str, partition_count: int) -> int:
    """Return the partition of ``__consumer_offsets`` that a group belongs to."""
    value = java_hash(group_id)
    return (0 if value == -(1 << 31) else abs(value)) % partition_count

"""Key -> last offset, in bounded memory: what pass 1 of a compaction collects.

Two stages, because few keys and many keys want different things. While the keys are few, a plain dict holds them as
they are: exact and the quickest thing Python has. Once the dict has used its share of the budget, keys are replaced by
16-byte BLAKE2b digests and moved to buckets, bytearrays of 24-byte entries (digest, offset) that are searched by
``bytearray.find``: about 30 bytes a key, as in Kafka, which also compares keys by digest (SkimpyOffsetMap, MD5; BLAKE2b
because nobody can make two keys collide on purpose). Keys met again in pass 2 are digested again only in this stage.

``winners`` marks the offsets that won, one bit each, in chunks that exist only where a winner is. With it pass 2 drops
a batch of the dirty part without opening or decompressing it. The budget is honest: the dict's estimate, the
buckets and the chunks together stay below it, and the map says ``full`` before they would not.
"""

from collections.abc import Iterator
from hashlib import blake2b

ENTRY_BYTES = 24
_DIGEST_BYTES = 16
_BUCKET_ENTRIES = 64
_COMPACT_COST_BYTES = 30
"""An entry, with its part of its bucket's head and spare room."""
_DICT_COST_BYTES = 224
"""A dict's slot while it grows, with the key's and the offset's object heads."""
_CHUNK_SHIFT = 15
_CHUNK_BYTES = (1 << _CHUNK_SHIFT) // 8


class OffsetMap:
    """Offsets by key, never more of them than fit into ``budget_bytes * load_factor``.

    ``put_all`` says how many of the keys it took; fewer than given means that the map is full. ``latest_offset`` is
    the last offset that the map knows everything about; records beyond it are not judged by this map.
    """

    __slots__ = (
        "_buckets",
        "_chunk",
        "_chunks_left",
        "_dict",
        "_dict_budget",
        "_dict_cost",
        "_mask",
        "_size",
        "capacity",
        "latest_offset",
    )

    def __init__(self, budget_bytes: int, load_factor: float = 0.9) -> None:
        budget = max(int(budget_bytes * load_factor), 8 * _DICT_COST_BYTES)
        self.capacity = budget * 7 // 8 // _COMPACT_COST_BYTES
        self.latest_offset = -1
        self._dict: dict[bytes, int] | None = {}
        # An eighth for the dict, which is still there while its keys move to buckets, and later for the winners.
        self._dict_budget = budget // 8
        self._dict_cost = 0
        self._chunk = -1
        self._chunks_left = max(4, budget // 8 // _CHUNK_BYTES)
        self._buckets: list[bytearray] = []
        self._mask = 0
        self._size = 0

    def __len__(self) -> int:
        return len(self._dict) if self._dict is not None else self._size

    @property
    def compact(self) -> bool:
        """True once digests stand for the keys."""
        return self._dict is None

    @property
    def utilization(self) -> float:
        """Part of the capacity in use, 0.0 to 1.0."""
        return len(self) / self.capacity

    def put_all(self, keys: list[bytes], offsets: list[int]) -> int:
        """Remember the offset of each key, later ones over earlier ones; return how many were taken.

        Offsets rise, within a call and from call to call.
        """
        if not keys:
            return 0
        if offsets[-1] >> _CHUNK_SHIFT != self._chunk:
            room = self._enter_chunks(offsets)
            if room < len(keys):
                return self.put_all(keys[:room], offsets[:room])
        taken = 0
        if self._dict is not None:
            taken = self._put_exact(keys, offsets)
            if taken == len(keys):
                return taken
            self._become_compact()
        for index in range(taken, len(keys)):
            if not self._put_digest(blake2b(keys[index], digest_size=_DIGEST_BYTES).digest(), offsets[index]):
                return index
        return len(keys)

    def get(self, key: bytes) -> int:
        """Return the last offset of ``key``, -1 if it was never put."""
        if self._dict is not None:
            return self._dict.get(key, -1)
        digest = blake2b(key, digest_size=_DIGEST_BYTES).digest()
        bucket = self._buckets[int.from_bytes(digest[:4], "little") & self._mask]
        position = _find(bucket, digest)
        return -1 if position < 0 else int.from_bytes(bucket[position + 16 : position + 24], "big")

    def offsets(self) -> Iterator[int]:
        """Every offset in the map, in no order."""
        if self._dict is not None:
            yield from self._dict.values()
            return
        for bucket in self._buckets:
            for position in range(16, len(bucket), ENTRY_BYTES):
                yield int.from_bytes(bucket[position : position + 8], "big")

    def _enter_chunks(self, offsets: list[int]) -> int:
        """Return how many of ``offsets`` the budget of the winners has room for."""
        for index, offset in enumerate(offsets):
            chunk = offset >> _CHUNK_SHIFT
            if chunk != self._chunk:
                if self._chunks_left == 0:
                    return index
                self._chunks_left -= 1
                self._chunk = chunk
        return len(offsets)

    def _put_exact(self, keys: list[bytes], offsets: list[int]) -> int:
        known = self._dict
        assert known is not None
        new = set(keys).difference(known)
        cost = self._dict_cost + sum(map(len, new)) + len(new) * _DICT_COST_BYTES
        if cost > self._dict_budget:
            return 0
        self._dict_cost = cost
        known.update(zip(keys, offsets, strict=True))
        return len(keys)

    def _become_compact(self) -> None:
        known = self._dict
        assert known is not None
        count = max(1, self.capacity // _BUCKET_ENTRIES)
        buckets = 1 << max(0, count.bit_length() - 1)
        self._buckets = [bytearray() for _ in range(buckets)]
        self._mask = buckets - 1
        self._dict = None
        while known:
            key, offset = known.popitem()
            self._put_digest(blake2b(key, digest_size=_DIGEST_BYTES).digest(), offset)

    def _put_digest(self, digest: bytes, offset: int) -> bool:
        bucket = self._buckets[int.from_bytes(digest[:4], "little") & self._mask]
        position = _find(bucket, digest)
        if position >= 0:
            bucket[position + 16 : position + 24] = offset.to_bytes(8, "big")
            return True
        if self._size >= self.capacity:
            return False
        self._size += 1
        bucket += digest + offset.to_bytes(8, "big")
        return True


class Winners:
    """The set of offsets that are some key's last, as bits."""

    __slots__ = ("_chunks",)

    def __init__(self, offsets: Iterator[int]) -> None:
        chunks: dict[int, bytearray] = {}
        for offset in offsets:
            chunk = chunks.get(offset >> _CHUNK_SHIFT)
            if chunk is None:
                chunk = chunks[offset >> _CHUNK_SHIFT] = bytearray(_CHUNK_BYTES)
            chunk[(offset >> 3) & (_CHUNK_BYTES - 1)] |= 1 << (offset & 7)
        self._chunks = chunks

    def __contains__(self, offset: int) -> bool:
        chunk = self._chunks.get(offset >> _CHUNK_SHIFT)
        return chunk is not None and bool(chunk[(offset >> 3) & (_CHUNK_BYTES - 1)] & (1 << (offset & 7)))

    def any_between(self, first: int, last: int) -> bool:
        """Tell whether an offset of ``first`` to ``last``, both included, is in the set."""
        while first <= last:
            end = min(last, first | ((1 << _CHUNK_SHIFT) - 1))
            chunk = self._chunks.get(first >> _CHUNK_SHIFT)
            if chunk is not None:
                low = (first >> 3) & (_CHUNK_BYTES - 1)
                high = (end >> 3) & (_CHUNK_BYTES - 1)
                bits = int.from_bytes(chunk[low : high + 1], "little") >> (first & 7)
                if bits & ((1 << (end - first + 1)) - 1):
                    return True
            first = end + 1
        return False


def _find(bucket: bytearray, digest: bytes) -> int:
    """Return where ``digest``'s entry starts, -1 if there is none (a match across entries is not one)."""
    position = bucket.find(digest)
    while position >= 0 and position % ENTRY_BYTES:
        position = bucket.find(digest, position + 1)
    return position

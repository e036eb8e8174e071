"""The three indexes of a segment, and whether they agree with the segment that lies beside them.

Formats: ``ottla.log.index``, and for aborted transactions 34 bytes an entry: version i16, producer id, first offset,
last offset (of the marker), last stable offset, i64 each (``AbortedTxn`` upstream). A broker that runs, Apache Kafka's
at least, keeps its newest indexes preallocated: zeros behind the last entry are none.
"""

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from struct import Struct

from ottla.log import names
from ottla.model.errors import ApiError
from ottla.record.batch import HEADER_SIZE, BatchHeader, parse_header

from .found import Entries, note, problem

_OFFSET_ENTRY = Struct(">II")
_TIME_ENTRY = Struct(">qI")
_TXN_ENTRY = Struct(">hqqqq")


def _rows(entry: Struct, data: bytes) -> tuple[list[tuple[int, ...]], int, int]:
    """Return the entries, how many empty ones follow them, and how many bytes are left over."""
    whole = len(data) - len(data) % entry.size
    used = -(-len(data[:whole].rstrip(b"\0")) // entry.size) * entry.size
    return list(entry.iter_unpack(data[:used])), (whole - used) // entry.size, len(data) - whole


def _tail_entries(entry: Struct, rows: int, empty: int, left_over: int) -> Entries:
    if empty:
        yield note(rows * entry.size, f"{empty} entries are preallocated and empty")
    if left_over:
        yield problem((rows + empty) * entry.size, f"{left_over} bytes are left over: an entry has {entry.size} bytes")


def offset_index_entries(path: Path, base_offset: int, on_progress: Callable[[int], None]) -> Entries:
    """Yield offset and file position of each entry; a problem where the segment has no such batch there."""
    rows, empty, left_over = _rows(_OFFSET_ENTRY, path.read_bytes())
    last = (-1, -1)
    with _Segment(path.with_name(path.name.replace(names.INDEX, names.LOG))) as segment:
        for at, (relative, position) in enumerate(rows):
            here = at * _OFFSET_ENTRY.size
            on_progress(here)
            offset = base_offset + relative
            yield {"type": "index_entry", "offset": offset, "position": position}
            if offset <= last[0] or position <= last[1]:
                yield problem(here, f"offset {offset} at {position} does not come after offset {last[0]} at {last[1]}")
            last = (offset, position)
            wrong = segment.disagreement(offset, position)
            if wrong is not None:
                yield problem(here, wrong)
    yield from _tail_entries(_OFFSET_ENTRY, len(rows), empty, left_over)


def time_index_entries(path: Path, base_offset: int, on_progress: Callable[[int], None]) -> Entries:
    """Yield timestamp and offset of each entry; a problem where the batch of the offset has another one."""
    rows, empty, left_over = _rows(_TIME_ENTRY, path.read_bytes())
    last = (-1, -1)
    with _Segment(path.with_name(path.name.replace(names.TIME_INDEX, names.LOG))) as segment:
        for at, (timestamp, relative) in enumerate(rows):
            here = at * _TIME_ENTRY.size
            on_progress(here)
            offset = base_offset + relative
            yield {"type": "time_index_entry", "timestamp_ms": timestamp, "offset": offset}
            if timestamp <= last[0] or offset <= last[1]:
                yield problem(
                    here,
                    f"timestamp {timestamp} for offset {offset} does not come after {last[0]} for offset {last[1]}",
                )
            last = (timestamp, offset)
            wrong = segment.timestamp_disagreement(timestamp, offset, base_offset)
            if wrong is not None:
                yield problem(here, wrong)
    yield from _tail_entries(_TIME_ENTRY, len(rows), empty, left_over)


def transaction_index_entries(path: Path) -> Entries:
    """Yield the aborted transactions."""
    data = path.read_bytes()
    whole = len(data) - len(data) % _TXN_ENTRY.size
    last = -1
    for at, row in enumerate(_TXN_ENTRY.iter_unpack(data[:whole])):
        version, producer_id, first_offset, last_offset, last_stable_offset = row
        here = at * _TXN_ENTRY.size
        yield {
            "type": "aborted_transaction",
            "version": version,
            "producer_id": producer_id,
            "first_offset": first_offset,
            "last_offset": last_offset,
            "last_stable_offset": last_stable_offset,
        }
        if version != 0:
            yield problem(here, f"an entry of version {version}; 0 is known")
        if last_offset <= last or first_offset > last_offset:
            yield problem(here, f"offsets {first_offset} to {last_offset} do not come after {last}")
        last = last_offset
    yield from _tail_entries(_TXN_ENTRY, whole // _TXN_ENTRY.size, 0, len(data) - whole)


class _Segment:
    """The segment beside an index; without one, nothing disagrees."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size if path.exists() else None
        self._file = path.open("rb") if self._size is not None else None
        self._index: tuple[list[int], list[int]] | None = None

    def __enter__(self) -> "_Segment":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def _header(self, position: int) -> BatchHeader | None:
        assert self._file is not None
        self._file.seek(position)
        try:
            return parse_header(self._file.read(HEADER_SIZE))
        except ApiError:
            return None

    def disagreement(self, offset: int, position: int) -> str | None:
        """Say what is wrong with an entry of the offset index, None if nothing is."""
        if self._size is None:
            return None
        if position >= self._size:
            return f"position {position} lies behind the end of {self._path.name}, which has {self._size} bytes"
        header = self._header(position)
        if header is None:
            return f"{self._path.name} has no batch at {position}"
        if header.last_offset != offset:
            return f"the batch at {position} of {self._path.name} ends with offset {header.last_offset}, not {offset}"
        return None

    def timestamp_disagreement(self, timestamp: int, offset: int, base_offset: int) -> str | None:
        """Say what is wrong with an entry of the time index, None if nothing is."""
        if self._size is None:
            return None
        position = self._position_before(offset, base_offset)
        while position < self._size:
            header = self._header(position)
            if header is None:
                return None  # the segment's own problem: dumping it says more
            if header.last_offset >= offset:
                if header.max_timestamp != timestamp:
                    return f"the batch with offset {offset} has timestamp {header.max_timestamp}, not {timestamp}"
                return None
            position += header.size
        return f"{self._path.name} has no offset {offset}"

    def _position_before(self, offset: int, base_offset: int) -> int:
        if self._index is None:
            path = self._path.with_name(self._path.name.replace(names.LOG, names.INDEX))
            rows = _rows(_OFFSET_ENTRY, path.read_bytes())[0] if path.exists() else []
            self._index = ([base_offset + row[0] for row in rows], [row[1] for row in rows])
        offsets, positions = self._index
        at = bisect_right(offsets, offset) - 1
        return positions[at] if at >= 0 else 0

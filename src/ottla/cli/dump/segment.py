"""A segment's batches, and the records in them, with everything checked that can be checked in the file alone.

Reading is sequential and holds one batch at a time. Behind a batch whose CRC is wrong it goes on, for its length is
still plausible; where there is no batch at all it stops, for nothing says where the next one begins.
"""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct
from typing import BinaryIO, NamedTuple

from ottla.model.errors import ApiError
from ottla.record.batch import (
    ATTRIBUTES_OFFSET,
    CURRENT_MAGIC,
    HEADER_SIZE,
    LOG_OVERHEAD,
    UNKNOWN_COUNT,
    BatchHeader,
    crc_ok,
    parse_header,
    whole_batch_size,
)
from ottla.record.compress import Codec
from ottla.record.crc import crc32c
from ottla.record.records import Record, iter_records

from ..output.text import json_bytes
from .found import Entries, Entry, note, problem

RECORDS_MAX_BYTES = 1 << 30
"""What one compressed batch may become: a bound against damage that looks like a very large batch."""

_LENGTH = Struct(">8xi")
_MARKER_KEY = Struct(">hh")
_MARKER_VALUE = Struct(">hi")
_MARKERS = {0: "abort", 1: "commit", 2: "leader_change", 3: "snapshot_header", 4: "snapshot_footer"}
_CODECS = {codec.value: codec.name.lower() for codec in Codec}

RecordDecoder = Callable[[bytes, bytes | None], Entry | None]
"""Returns what a record of an internal topic says, None if it is of a kind that is not known."""


class _Frame(NamedTuple):
    position: int
    header: BatchHeader
    data: bytes


def segment_entries(
    path: Path,
    base_offset: int | None,
    *,
    with_records: bool,
    decoder: RecordDecoder | None,
    on_progress: Callable[[int], None],
) -> Entries:
    """Yield an entry for each batch, one for each of its records if asked for, and one for each problem."""
    last_offset = -1 if base_offset is None else base_offset - 1
    with path.open("rb") as file:
        for found in _frames(file, path.stat().st_size):
            if not isinstance(found, _Frame):
                yield found
                continue
            on_progress(found.position)
            header = found.header
            sound = crc_ok(found.data, 0, header.size)
            yield _batch_entry(found, sound)
            if not sound:
                yield problem(found.position, _crc_message(found))
            if header.last_offset <= last_offset or header.base_offset > header.last_offset:
                yield problem(
                    found.position,
                    f"the batch has offsets {header.base_offset} to {header.last_offset}, "
                    f"which do not follow {last_offset}",
                )
            last_offset = max(last_offset, header.last_offset)
            if with_records and sound:
                yield from _record_entries(found, decoder)


def _frames(file: BinaryIO, size: int) -> Iterator[_Frame | Entry]:
    position = 0
    while position < size:
        head = file.read(min(HEADER_SIZE, size - position))
        if len(head) >= LOG_OVERHEAD and not any(head) and _only_zeros(file):
            yield note(position, f"{size - position} bytes are preallocated and empty")
            return
        try:
            if len(head) < LOG_OVERHEAD:
                raise ApiErrorAt("cut off in the middle of a batch's header")
            # The frame's rules are looked at before its end is, so that a wrong length is named as such.
            whole_batch_size(head, 0, len(head))
            length = _LENGTH.unpack_from(head)[0] + LOG_OVERHEAD
            if length > size - position:
                raise ApiErrorAt(f"cut off: the batch here should have {length} bytes")
            data = head[:length] if length <= len(head) else head + file.read(length - len(head))
            header = parse_header(data)
        except (ApiError, ApiErrorAt) as error:
            yield problem(position, f"{error}; the {size - position} bytes from here on cannot be read")
            return
        if length < len(head):
            file.seek(position + length)
        yield _Frame(position, header, data)
        position += length


class ApiErrorAt(Exception):
    """A frame that ends too early."""


def _only_zeros(file: BinaryIO) -> bool:
    at = file.tell()
    while chunk := file.read(1 << 20):
        if any(chunk):
            file.seek(at)
            return False
    return True


def _crc_message(frame: _Frame) -> str:
    if frame.header.magic == CURRENT_MAGIC:
        computed = crc32c(memoryview(frame.data)[ATTRIBUTES_OFFSET:])
    else:
        computed = zlib.crc32(memoryview(frame.data)[LOG_OVERHEAD + 4 :])
    return f"the batch's CRC is {computed:08x} and should be {frame.header.crc:08x}: its bytes were changed"


def _batch_entry(frame: _Frame, sound: bool) -> Entry:
    header = frame.header
    return {
        "type": "batch",
        "position": frame.position,
        "size_bytes": header.size,
        "base_offset": header.base_offset,
        "last_offset": header.last_offset,
        "count": None if header.count == UNKNOWN_COUNT else header.count,
        "magic": header.magic,
        "codec": _CODECS.get(header.codec, str(header.codec)),
        "timestamp_type": header.timestamp_type.name.lower(),
        "base_timestamp_ms": header.base_timestamp,
        "max_timestamp_ms": header.max_timestamp,
        "leader_epoch": header.leader_epoch,
        "producer_id": header.producer_id,
        "producer_epoch": header.producer_epoch,
        "base_sequence": header.base_sequence,
        "last_sequence": header.last_sequence,
        "is_transactional": header.is_transactional,
        "is_control": header.is_control,
        "delete_horizon_ms": header.delete_horizon_ms,
        "crc": header.crc,
        "crc_ok": sound,
    }


def _record_entries(frame: _Frame, decoder: RecordDecoder | None) -> Entries:
    header = frame.header
    read = 0
    try:
        for record in iter_records(frame.data, 0, header, max_bytes=RECORDS_MAX_BYTES):
            read += 1
            yield _record_entry(record, header, decoder)
    except ApiError as error:
        yield problem(frame.position, f"record {read + 1} of the batch cannot be read: {error}")


def _record_entry(record: Record, header: BatchHeader, decoder: RecordDecoder | None) -> Entry:
    entry: Entry = {"type": "record", "offset": record.offset, "timestamp_ms": record.timestamp}
    entry |= json_bytes("key", record.key) | json_bytes("value", record.value)
    entry["headers"] = [
        json_bytes("key", name.encode() if isinstance(name, str) else name) | json_bytes("value", value)
        for name, value in record.headers
    ]
    if header.is_control:
        entry["control"] = _marker(record)
    elif decoder is not None and record.key is not None:
        decoded = decoder(record.key, record.value)
        if decoded is not None:
            entry["decoded"] = decoded
    return entry


def _marker(record: Record) -> Entry:
    """Return what a control record says (``ControlRecordType``, ``EndTransactionMarker`` upstream)."""
    if record.key is None or len(record.key) < _MARKER_KEY.size:
        return {"type": "unknown"}
    kind = _MARKER_KEY.unpack_from(record.key)[1]
    marker: Entry = {"type": _MARKERS.get(kind, str(kind))}
    if kind <= 1 and record.value is not None and len(record.value) >= _MARKER_VALUE.size:
        marker["coordinator_epoch"] = _MARKER_VALUE.unpack_from(record.value)[1]
    return marker

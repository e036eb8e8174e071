"""Two walks over the records of a batch that make no objects: one from length to length, one through every field.

They are the price of looking into a batch, paid for each record, so each is one loop with the short forms of the
varints written out. Producers often send records that are all of one size; when two in a row are, a whole run of them
is compared by columns (every byte at the same place of a record is one slice of the batch), which is ten times faster.

:func:`walk` refuses what :func:`.records.iter_records` refuses, and nothing else; a test holds them together.
:func:`walk_lengths` only sees that as many records as there should be fill the batch.
"""

from .batch import invalid
from .records import skip_headers
from .varint import read_unsigned, read_unsigned_long

_RUN_WORTHWHILE = 20
"""With fewer records than this to come, columns are not faster."""

_RUN_FAILED_PAUSE = 32
"""After a run that was too short, go on by single records for so many."""

_PIECE_BYTES = 128 * 1024

_SPARSE_BYTES = 400
"""Records of more bytes than this on average are so few that they are walked where they lie."""

_ASCII = bytes(range(0x80))
_CONTINUED = bytes(range(0x80, 0x100))

# The varints of offset deltas by index, in columns: from 64 on the low byte has a period of 64 records, and the
# next byte of 8192.
_ONE_BYTE_OFFSETS = bytes(range(0, 0x80, 2))
_LOW_BYTES = bytes(range(0x80, 0x100, 2))
_BLOCK = 8192


def walk_lengths(records: bytes | memoryview, count: int) -> None:
    """Go over ``count`` records, at least one, that must fill ``records``; raises ``ApiError(INVALID_RECORD)``.

    Bytes are looked at faster than a view, and a view is copied faster piece by piece. Large records are not copied.
    """
    size = len(records)
    step = size if isinstance(records, bytes) or size > _SPARSE_BYTES * count else _PIECE_BYTES
    position, left = 0, count
    while left:
        end = min(position + step, size)
        piece = records if step == size else bytes(records[position:end])
        walked_bytes, left = _walk_piece(piece, left, is_last=end == size)
        position += walked_bytes
    if position != size:
        raise invalid("the records do not fill their batch")


def _walk_piece(data: bytes | memoryview, count: int, *, is_last: bool) -> tuple[int, int]:
    """Return where the first record begins whose length does not lie in ``data``, and how many there are from there."""
    pos = stride = start = 0
    data_end = len(data)
    left = try_below = count
    try:
        while left:
            if pos - start == stride and _RUN_WORTHWHILE < left < try_below:
                width = 1 if data[start] < 0x80 else 2 if data[start + 1] < 0x80 else 3
                alike = min(left, (data_end - pos) // stride)
                for at in range(width):
                    column = bytes(data[pos + at : pos + alike * stride : stride])
                    alike = len(column) - len(column.lstrip(bytes(data[start + at : start + at + 1])))
                pos += alike * stride
                left -= alike
                stride = 0
                try_below = left if alike >= _RUN_WORTHWHILE else left - _RUN_FAILED_PAUSE
                continue
            stride = pos - start
            start = pos
            left -= 1
            size = data[pos]
            if size < 0x80:
                pos += 1 + (size >> 1)
            elif (high := data[pos + 1]) < 0x80:
                pos += 2 + ((size & 0x7F | high << 7) >> 1)
            else:
                length, pos = read_unsigned(data, pos)
                pos += length >> 1
            if size & 1:
                raise invalid("a record of a negative length")
    except IndexError:
        if not is_last:
            return start, left + 1
        raise invalid("the records are cut off") from None
    except ValueError as error:
        raise invalid(str(error)) from None
    return pos, left


class Walk:
    """What was seen: the extreme timestamp deltas, whether every offset delta is its index, whether a key is null."""

    __slots__ = ("has_null_key", "max_timestamp_delta", "min_timestamp_delta", "offsets_in_order")

    def __init__(
        self, min_timestamp_delta: int, max_timestamp_delta: int, offsets_in_order: bool, has_null_key: bool
    ) -> None:
        self.min_timestamp_delta = min_timestamp_delta
        self.max_timestamp_delta = max_timestamp_delta
        self.offsets_in_order = offsets_in_order
        self.has_null_key = has_null_key


def walk(data: bytes, count: int) -> Walk:
    """Walk ``count`` records, at least one, that must fill ``data``; raises ``ApiError(INVALID_RECORD)``."""
    pos = 0
    data_end = len(data)
    # Timestamp deltas stay zigzag here: even is zero or more, odd is less, and both grow away from zero.
    top = -2  # the largest even one
    least_even = 1 << 65
    least_odd = 1 << 65
    top_odd = -1
    offsets_in_order = True
    has_null_key = False
    expected = 0
    stride = start = 0
    left = count
    try_below = count
    timestamp = -1
    timestamps: set[int] = set()
    try:
        while left:
            if pos - start == stride and _RUN_WORTHWHILE < left < try_below and offsets_in_order:
                skipped = _run(data, start, pos, expected >> 1, left, timestamps)
                pos += skipped * stride
                expected += 2 * skipped
                left -= skipped
                stride = 0
                try_below = left if skipped else left - _RUN_FAILED_PAUSE
                continue
            stride = pos - start
            start = pos
            left -= 1
            end = data[pos]
            if end < 0x80:
                pos += 1
            elif (high := data[pos + 1]) < 0x80:
                end = end & 0x7F | high << 7
                pos += 2
            else:
                end, pos = read_unsigned(data, pos)
            if end & 1:
                raise invalid("a record of a negative length")
            end = pos + (end >> 1)

            field = data[pos + 1]
            if field < 0x80:
                pos += 2
            elif (high := data[pos + 2]) < 0x80:
                field = field & 0x7F | high << 7
                pos += 3
            else:
                field, pos = read_unsigned_long(data, pos + 1)
            if field != timestamp:
                timestamp = field
                if field & 1:
                    if field > top_odd:
                        top_odd = field
                    if field < least_odd:
                        least_odd = field
                else:
                    if field > top:
                        top = field
                    if field < least_even:
                        least_even = field

            field = data[pos]
            if field < 0x80:
                pos += 1
            elif (high := data[pos + 1]) < 0x80:
                field = field & 0x7F | high << 7
                pos += 2
            else:
                field, pos = read_unsigned(data, pos)
            if field != expected:
                offsets_in_order = False
            expected += 2

            field = data[pos]
            if field < 0x80:
                pos += 1
            else:
                field, pos = read_unsigned(data, pos)
            if field & 1:
                has_null_key = True
            else:
                pos += field >> 1

            field = data[pos]
            if field < 0x80:
                pos += 1
            elif (high := data[pos + 1]) < 0x80:
                field = field & 0x7F | high << 7
                pos += 2
            else:
                field, pos = read_unsigned(data, pos)
            if not field & 1:
                pos += field >> 1

            if data[pos]:
                pos = skip_headers(data, pos, end)
            else:
                pos += 1
            if pos != end:
                raise invalid("a record is not as long as it says")
    except IndexError:
        raise invalid("the records are cut off") from None
    except ValueError as error:
        raise invalid(str(error)) from None
    if pos != data_end:
        raise invalid("bytes behind the last record")
    for field in timestamps:
        if field & 1:
            top_odd = max(top_odd, field)
            least_odd = min(least_odd, field)
        else:
            top = max(top, field)
            least_even = min(least_even, field)
    highest = top >> 1 if top >= 0 else -(least_odd + 1 >> 1)
    lowest = -(top_odd + 1 >> 1) if top_odd > 0 else least_even >> 1
    return Walk(lowest, highest, offsets_in_order, has_null_key)


def _run(data: bytes, start: int, pos: int, index: int, left: int, timestamps: set[int]) -> int:
    """Return how many records from ``pos``, record number ``index``, are of the same shape as the one at ``start``.

    The one at ``start`` ends at ``pos`` and has been walked. Of those that are alike the structure is sound and the
    offset deltas are in order; their zigzag timestamp deltas are added to ``timestamps``. Zero if columns can't tell.
    """
    stride = pos - start
    field = start
    while data[field] >= 0x80:
        field += 1
    constant = list(range(start, field + 1))
    timestamp_at = field = field + 2
    while data[field] >= 0x80:
        field += 1
    offset_at = field = field + 1
    while data[field] >= 0x80:
        field += 1
    timestamp_width, offset_width = offset_at - timestamp_at, field + 1 - offset_at
    if timestamp_width > 2 or offset_width > 3 or data[pos - 1]:
        return 0
    for _ in range(2):  # the lengths of key and value
        field += 1
        first = field
        while data[field] >= 0x80:
            field += 1
        constant += range(first, field + 1)
        length, _ = read_unsigned(data, first)
        field += 0 if length & 1 else length >> 1
    constant.append(pos - 1)
    if field + 2 != pos:
        return 0

    # How many can there be that have an offset delta of as many bytes, and are whole?
    block_left = (64 if index < 64 else _BLOCK) - index % _BLOCK
    if offset_width != (1 if index < 64 else 2 if index < _BLOCK else 3):
        return 0
    alike = min(left, block_left, (len(data) - pos) // stride)
    end = pos + alike * stride
    for at in constant:
        column = data[at + stride : end : stride]
        alike = min(alike, len(column) - len(column.lstrip(data[at : at + 1])))
        end = pos + alike * stride
    if alike < _RUN_WORTHWHILE or not _offsets_follow(data, offset_at + stride, end, stride, index, alike):
        return 0

    low = data[timestamp_at + stride : end : stride]
    if timestamp_width == 1:
        alike -= len(low.lstrip(_ASCII))
        timestamps.update(low[:alike])
        return alike
    high = data[timestamp_at + stride + 1 : end : stride]
    alike -= max(len(low.lstrip(_CONTINUED)), len(high.lstrip(_ASCII)))
    timestamps.update([first & 0x7F | second << 7 for first, second in set(zip(low[:alike], high, strict=False))])
    return alike


def _offsets_follow(data: bytes, at: int, end: int, stride: int, index: int, count: int) -> bool:
    if index < 64:
        return data[at:end:stride] == _ONE_BYTE_OFFSETS[index : index + count]
    low = (_LOW_BYTES * (count // 64 + 2))[index % 64 :][:count]
    if data[at:end:stride] != low:
        return False
    first, last = index >> 6, index + count - 1 >> 6
    flag = 0x80 if index >= _BLOCK else 0
    middle = b"".join([bytes((number & 0x7F | flag,)) * 64 for number in range(first, last + 1)])
    if data[at + 1 : end : stride] != middle[index % 64 :][:count]:
        return False
    return not flag or data[at + 2 : end : stride] == bytes((index >> 13,)) * count

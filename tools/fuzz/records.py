"""Feeds made-up batches to all that reads records, until something else than a refusal comes out.

``python -m tools.fuzz.records [--seconds N] [libFuzzer options and corpus folders]`` (``make fuzz``). Beside that
nothing is raised, it is asked that whoever looks less deep refuses nothing that a deeper look accepts, that what was
accepted can be read by the broker's readers and by the cleaner's, and that these agree.
"""

import random
import struct
import sys
from contextlib import suppress

from tools.fuzz.search import search

from ottla.log.cleaner.retention import open_batch
from ottla.log.cleaner.scan import scan_keys, scan_records
from ottla.model.errors import ApiError
from ottla.record.batch import ATTRIBUTES_OFFSET, CURRENT_MAGIC, HEADER_SIZE, BatchHeader, crc_ok, iter_batches
from ottla.record.build import build_batch
from ottla.record.compress import Codec, compress
from ottla.record.crc import crc32c
from ottla.record.filter import Retention, filter_batch
from ottla.record.records import Record, find_timestamp, iter_records, offset_of_max_timestamp
from ottla.record.validate import AppendRules, Depth, TakesLong, Validated, validate

NOW_MS = 1_700_000_000_000
MOST_BYTES = 1 << 20
NEWEST_PRODUCE_VERSION = 13
RULES = (
    AppendRules(max_decompressed_bytes=MOST_BYTES),
    AppendRules(max_decompressed_bytes=MOST_BYTES, compacted=True, before_max_ms=1_000_000),
    AppendRules(max_decompressed_bytes=MOST_BYTES, compression=Codec.LZ4),
)
TIMES_AND_PRODUCER = struct.Struct(">iqqqhii")
"""What stands behind the attributes: last offset delta, base and largest timestamp, producer, its epoch, the first
sequence, how many records there are."""


def one_batch(batch: bytes) -> None:
    """Read and check what may be batches."""
    with suppress(ApiError):
        for pos, header in iter_batches(batch):
            _read(batch, pos, header)
    for rules in RULES:
        deep = _accepted(batch, rules, Depth.RECORDS)
        shallow = [_accepted(batch, rules, depth) for depth in (Depth.HEADER, Depth.LENGTHS)]
        if deep is not None:
            assert None not in shallow, "a shallower look refuses what a deeper one accepts"
            _hold_against_cleaner(deep)


def _accepted(batch: bytes, rules: AppendRules, depth: Depth) -> Validated | None:
    accepted = None
    with suppress(ApiError):
        accepted = validate(bytearray(batch), rules, NOW_MS, NEWEST_PRODUCE_VERSION, depth=depth)
    try:
        at_once = validate(bytearray(batch), rules, NOW_MS, NEWEST_PRODUCE_VERSION, depth=depth, at_once=True)
        assert accepted is not None, "what is refused in a thread is refused at once"
        assert bytes(at_once.batch) == bytes(accepted.batch)
    except ApiError:
        assert accepted is None, "what is accepted in a thread is accepted at once"
    except TakesLong:
        pass
    return accepted


def _read(batch: bytes, pos: int, header: BatchHeader) -> None:
    crc_ok(batch, pos, header.size)
    records = list(iter_records(batch, pos, header, max_bytes=MOST_BYTES))
    find_timestamp(batch, pos, header, NOW_MS, 0, max_bytes=MOST_BYTES)
    offset_of_max_timestamp(batch, pos, header, max_bytes=MOST_BYTES)
    for retention in Retention:
        if header.magic < CURRENT_MAGIC and retention is Retention.RETAIN_EMPTY:
            continue
        filtered = filter_batch(
            batch,
            pos,
            header,
            lambda record: record.offset % 2 == 0,
            retention=retention,
            delete_horizon_ms=NOW_MS,
            max_bytes=MOST_BYTES,
        )
        assert filtered.records_kept <= len(records)


def _hold_against_cleaner(validated: Validated) -> None:
    batch, header = bytes(validated.batch), validated.header
    assert crc_ok(batch, 0, header.size)
    records: list[Record] = list(iter_records(batch, 0, header, max_bytes=MOST_BYTES))
    assert [record.offset for record in records] == list(range(header.count))
    payload, start, end = open_batch(batch, 0, header)
    scanned = scan_records(payload, start, end, header.count, header.base_offset)
    assert [one.offset for one in scanned] == [record.offset for record in records]
    keys, offsets = scan_keys(payload, start, end, header.count, header.base_offset)
    assert list(zip(keys, offsets, strict=True)) == [(one.key, one.offset) for one in records if one.key is not None]


def batch_around(attributes: int, fields: bytes, count: int, body: bytes) -> bytes:
    """Return a batch with the right length and CRC around records of any kind; the fields may be cut short."""
    codec = attributes & 7
    packed = compress(codec, body) if 0 < codec <= Codec.ZSTD else body
    rest = TIMES_AND_PRODUCER.pack(count - 1, NOW_MS, NOW_MS, -1, -1, -1, count)
    rest = fields[: len(rest)] + rest[len(fields) :]
    behind_crc = struct.pack(">h", attributes) + rest + packed
    head = struct.pack(">qiibI", 0, HEADER_SIZE - 12 + len(packed), -1, CURRENT_MAGIC, crc32c(behind_crc))
    assert len(head) == ATTRIBUTES_OFFSET
    return head + behind_crc


def guided(data: bytes) -> None:
    """Take the first bytes for the header, the others for records, and all of it for a batch as it is."""
    one_batch(data)
    if len(data) > 2:
        cut = data[2] % (TIMES_AND_PRODUCER.size + 1) if data[1] & 0x80 else 0
        one_batch(batch_around(data[0], data[3 : 3 + cut], data[1] & 0x7F, data[3 + cut :]))


def by_chance(chance: random.Random) -> None:
    """Damage a batch: what is in it, or as it is."""
    count = chance.randrange(1, 6)
    size = chance.choice((0, 1, 30, 200))
    records = [
        (NOW_MS + chance.randrange(-100, 100), chance.choice((None, b"", b"key")), chance.randbytes(size), ())
        for _ in range(count)
    ]
    plain = build_batch(records)
    body = bytearray(plain[HEADER_SIZE:])
    for _ in range(chance.randrange(4)):
        body[chance.randrange(len(body))] = chance.choice((0, 1, 2, 127, 128, 255))
    batch = bytearray(batch_around(chance.choice((0, 1, 2, 3, 4, chance.randrange(256))), b"", count, bytes(body)))
    if chance.random() < 0.3:
        batch[chance.randrange(len(batch))] = chance.randrange(256)
    one_batch(bytes(batch))


if __name__ == "__main__":
    sys.exit(search(sys.argv[1:], guided=guided, by_chance=by_chance))

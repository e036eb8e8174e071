"""Folders of a partition for ``ottla log dump``: every codec, producers, transactions, indexes, snapshots."""

import struct
from pathlib import Path

from tests.log.logs import PARTITION, TOPIC_ID, make_batch

from ottla.log.config import NO_LIMIT, LogConfig
from ottla.log.context import LogContext
from ottla.log.loading import create_log
from ottla.record.build import RecordTuple, build_batch
from ottla.record.records import Header
from ottla.runtime.clock import ManualClock
from ottla.runtime.files import RealFiles

NOW_MS = 1_767_225_600_000
HEADERS: list[Header] = [("h", b"\xff\x00"), ("n", None)]
MARKER_KEY = {"abort": b"\0\0\0\0", "commit": b"\0\0\0\1"}
CONFIG = LogConfig(
    segment_bytes=4000,
    index_interval_bytes=300,
    segment_index_bytes=4096,
    retention_ms=-1,
    message_timestamp_after_max_ms=NO_LIMIT,
)


def make_partition(folder: Path, *, batches: int = 40) -> Path:
    """A folder as a broker leaves it after a clean stop: segments, indexes, snapshots, checkpoints."""
    path = folder / "orders-3"
    context = LogContext(files=RealFiles(max_open=8), clock=ManualClock(NOW_MS))
    log = create_log(context, str(path), PARTITION, TOPIC_ID, CONFIG)
    for number in range(batches):
        producer = {"producer_id": 7, "producer_epoch": 0, "base_sequence": number // 2} if number % 2 == 0 else {}
        timestamp = NOW_MS + number * 10
        batch, header = make_batch(1 if producer else 5, timestamp=timestamp, step_ms=2, codec=number % 5, **producer)
        log.append(batch, header, leader_epoch=number // 20, now_ms=timestamp)
    log.high_watermark = log.log_end_offset
    log.close()
    return path


def make_transactions(folder: Path) -> Path:
    """A segment with transactional batches and their markers, and its index of the one that was aborted."""
    path = folder / "payments-0"
    path.mkdir()
    data = bytearray()
    offset = 0
    for number, end in enumerate(("commit", "abort")):
        records: list[RecordTuple] = [(NOW_MS, b"key", b"value \xc3\xb6", HEADERS), (NOW_MS + 5, None, None, [])]
        marker: list[RecordTuple] = [(NOW_MS + 9, MARKER_KEY[end], struct.pack(">hi", 0, 12), [])]
        for what, at, control in ((records, offset, False), (marker, offset + 2, True)):
            data += build_batch(
                what,
                base_offset=at,
                transactional=True,
                control=control,
                base_sequence=-1 if control else 0,
                producer_id=9,
                producer_epoch=number,
                leader_epoch=4,
            )
        offset += 3
    (path / f"{0:020}.log").write_bytes(data)
    (path / f"{0:020}.txnindex").write_bytes(struct.pack(">hqqqq", 0, 9, 3, 5, 6))
    return path


def make_internal(folder: Path, topic: str, records: list[tuple[bytes, bytes | None]]) -> Path:
    """A segment of an internal topic with these keys and values."""
    path = folder / f"{topic}-0"
    path.mkdir()
    batch = build_batch([(NOW_MS, key, value, []) for key, value in records])
    segment = path / f"{0:020}.log"
    segment.write_bytes(batch)
    return segment

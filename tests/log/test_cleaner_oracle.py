"""The same folders compacted by Apache Kafka's cleaner and by ours: byte for byte the same, round after round.

Compressed batches may differ in how their codec packed them; there the headers and the records are compared.
"""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.log.cleaning import RETENTION_MS, Segments, batch, marker

from ottla.log import names
from ottla.log.cleaner.retention import LastRecord
from ottla.record.batch import BatchHeader, TimestampType, iter_batches, parse_header, stamp_timestamps
from ottla.record.records import iter_records
from ottla.runtime.files import RealFiles

LIBS = os.environ.get("OTTLA_KAFKA_LIBS") or str(Path(__file__).parents[2] / ".kafka" / "libs")
LOGS = 60
ROUNDS = 3
KEYS = [None, b"", *(b"key %d" % number for number in range(9))]
VALUES = [None, b"", b"x", b"y" * 90]


class Writer:
    """Writes a log as producers would, some of them in transactions, from a seed."""

    def __init__(self, seed: int, now_ms: int) -> None:
        self.random = random.Random(seed)
        self.now_ms = now_ms
        self.compressed = seed % 3 == 0
        self.offset = 0
        self.sequences: dict[int, int] = {}
        self.open: set[int] = set()

    def segments(self) -> list[list[bytes]]:
        """Return some segments; every transaction ends in one of them."""
        segments = [[self.step() for _ in range(self.random.randint(1, 14))] for _ in range(self.random.randint(2, 5))]
        self.offset += self.random.randint(0, 3)
        last = [self.marker(producer_id) for producer_id in sorted(self.open)]
        return [*segments, [*last, self.data()]]

    def step(self) -> bytes:
        """Return the next batch."""
        if self.random.random() < 0.2:
            self.offset += self.random.randint(1, 5)  # as if something had been compacted away
        if self.open and self.random.random() < 0.3:
            return self.marker(self.random.choice(sorted(self.open)))
        return self.data()

    def marker(self, producer_id: int) -> bytes:
        """End a transaction, either way."""
        self.open.discard(producer_id)
        self.offset += 1
        one = marker(self.offset - 1, producer_id, self.random.randint(0, 1))
        return self.stamped(one)

    def data(self) -> bytes:
        """Return a batch of some records, perhaps of a producer, perhaps in a transaction."""
        entries = [
            (self.random.choice(KEYS), self.random.choice(VALUES)) for _ in range(self.random.choice([1, 1, 2, 3, 8]))
        ]
        fields = {
            "timestamp": self.now_ms - self.random.randint(0, 100_000),
            "codec": self.random.randint(0, 4) if self.compressed else 0,
            "leader_epoch": self.random.randint(0, 2),
        }
        if self.random.random() < 0.2:
            fields |= {"timestamp_type": 1, "log_append_time_ms": self.now_ms}
        producer_id = self.random.choice([-1, -1, 1, 2, 3, 4])
        if producer_id >= 0:
            sequence = self.sequences.get(producer_id, 0)
            self.sequences[producer_id] = sequence + len(entries)
            fields |= {"producer_id": producer_id, "producer_epoch": 0, "base_sequence": sequence}
            if producer_id >= 3:
                fields["transactional"] = True
                self.open.add(producer_id)
        base_offset = self.offset
        self.offset += len(entries)
        return batch(base_offset, *entries, **fields)

    def stamped(self, one: bytes) -> bytes:
        """Date a marker."""
        buffer = bytearray(one)
        stamp_timestamps(buffer, 0, parse_header(buffer), TimestampType.CREATE_TIME, self.now_ms)
        return bytes(buffer)


def contents(folder: Path) -> dict[str, object]:
    """Return what a partition's folder holds; with compressed batches opened, and then no positions."""
    found: dict[str, object] = {path.name: path.read_bytes() for path in folder.glob("*.log")}
    for path in folder.glob("*index"):
        found[path.name] = path.read_bytes()
    if any(header.codec for path in folder.glob("*.log") for _, header in iter_batches(path.read_bytes())):
        for name, data in list(found.items()):
            if name.endswith(names.LOG):
                assert isinstance(data, bytes)
                found[name] = described(data)
            elif not name.endswith(names.TXN_INDEX):
                del found[name]
    return found


def described(data: bytes) -> object:
    """Return everything but what compression makes of it."""
    batches = []
    for pos, header in iter_batches(data):
        names: tuple[str, ...] = getattr(BatchHeader, "__slots__", ()) or getattr(BatchHeader, "__mypyc_attrs__", ())
        fields = {name: getattr(header, name) for name in names if name not in ("crc", "size")}
        batches.append((fields, list(iter_records(data, pos, header, max_bytes=1 << 24))))
    return batches


@pytest.mark.java
@pytest.mark.skipif(not Path(LIBS).is_dir(), reason="Apache Kafka's jars are not there: make clients")
def test_ours_and_kafkas_cleaner_leave_the_same_bytes(tmp_path: Path) -> None:
    now_ms = time.time_ns() // 1_000_000
    for number in range(LOGS):
        Segments(Writer(number, now_ms).segments(), RealFiles(), str(tmp_path / str(number) / "topic-0"))
    oracle = Path(__file__).parent / "CleanerOracle.java"
    java = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBS}/*", str(oracle), str(tmp_path), str(ROUNDS), str(now_ms)]
    result = subprocess.run(java, capture_output=True, text=True, timeout=110, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    answers = [line.split() for line in result.stdout.splitlines() if line[:1].isdigit()]
    assert len(answers) == LOGS * ROUNDS

    ours: dict[str, Segments] = {}
    for name, round_number, end_offset, *producers in answers:
        if name not in ours:
            folder = tmp_path / name / "ours"
            shutil.copytree(tmp_path / name / "start" / "topic-0", folder)
            segments = Segments([], RealFiles(), str(folder))
            segments.bases = sorted(int(path.stem) for path in folder.glob("*.log"))
            ours[name] = segments
        segments = ours[name]
        last_records = {}
        for producer in producers:
            producer_id, last_offset, epoch = map(int, producer.split(":"))
            last_records[producer_id] = LastRecord(None if last_offset < 0 else last_offset, epoch)
        segments.checkpoint = segments.bases[(len(segments.bases) - 1) // 2 if round_number == "0" else 0]
        stats = segments.clean(
            now_ms=now_ms + int(round_number) * RETENTION_MS,
            last_records=last_records,
            index_interval_bytes=300,
            segment_bytes=1 << 30,
            segment_index_bytes=4096,
        )
        assert stats.end_offset == int(end_offset)
        # The newest segment's indexes were never finished by Kafka's side; it is no concern of the cleaner.
        active = names.segment_file(segments.bases[-1], "")
        theirs = contents(tmp_path / name / round_number / "topic-0")
        mine = contents(Path(segments.directory))
        for content in (theirs, mine):
            for suffix in names.INDEX_SUFFIXES:
                content.pop(active + suffix, None)
        assert mine == theirs, f"log {name}, round {round_number}"

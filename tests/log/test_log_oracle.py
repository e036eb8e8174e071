"""Held against Apache Kafka: one script over its UnifiedLog and over ours gives the same answers and the same bytes.

Then each opens what the other has written, and Kafka's DumpLogSegments reads our files.
"""

import base64
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.log.logs import DIRECTORY, PARTITION, TOPIC_ID, make_batch, read_all

from ottla.log.config import NO_LIMIT, LogConfig
from ottla.log.context import LogContext
from ottla.log.loading import create_log, load_log
from ottla.log.log import Log
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.record.batch import iter_batches
from ottla.record.records import iter_records
from ottla.runtime.clock import ManualClock
from ottla.runtime.files import RealFiles

LIBS = os.environ.get("OTTLA_KAFKA_LIBS") or str(Path(__file__).parents[2] / ".kafka" / "libs")
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBS}/*"]
SCRIPTS = 12
NOW_MS = time.time_ns() // 1_000_000  # Kafka looks at the clock, too, and forgets producers that are too old
CONFIG = LogConfig(
    segment_bytes=2000,
    segment_ms=5000,
    index_interval_bytes=150,
    segment_index_bytes=200,
    file_delete_delay_ms=0,
    retention_ms=-1,
    message_timestamp_after_max_ms=NO_LIMIT,
)
EXCEPTIONS = {
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER: "OutOfOrderSequenceException",
    ErrorCode.INVALID_PRODUCER_EPOCH: "InvalidProducerEpochException",
    ErrorCode.OFFSET_OUT_OF_RANGE: "OffsetOutOfRangeException",
}

pytestmark = [
    pytest.mark.java,
    pytest.mark.skipif(not Path(LIBS).is_dir(), reason="Apache Kafka's jars are not there: make clients"),
]


class Ours:
    """What LogOracle.java does, done by Ottla."""

    def __init__(self, partition: Path) -> None:
        self.partition = str(partition)
        self.context = LogContext(
            files=RealFiles(max_open=4), clock=ManualClock(NOW_MS), producer_id_expiration_ms=2**31 - 1
        )
        self.log: Log | None = None

    def act(self, line: str) -> str:
        words = line.split(" ")
        if words[0] == "open":
            return self.open(words[1] == "clean", int(words[2]), int(words[3]))
        log = self.log
        assert log is not None
        number = int(words[1]) if len(words) > 1 else 0
        match words[0]:
            case "append":
                return self.append(log, number, base64.b64decode(words[2]))
            case "roll":
                log.roll()
                return "rolled"
            case "truncate":
                log.truncate_to(number)
                return "truncated"
            case "start":
                log.high_watermark = log.log_end_offset
                log.delete_records(number)
                return f"start {log.log_start_offset}"
            case "epoch":
                log.leader_epochs.assign(number, log.log_end_offset)
                return "assigned"
            case "time":
                found = log.offset_of_max_timestamp() if number == -3 else log.offset_for_timestamp(number)
                return " ".join(map(str, found)) if found else "none"
            case "read":
                return self.read(log, number)
            case _:
                return self.state(log)

    def open(self, clean: bool, recovery_point: int, start: int) -> str:
        if self.log is not None and clean:
            self.log.close()
        if self.log is None and not Path(self.partition).exists():
            self.log = create_log(self.context, self.partition, PARTITION, TOPIC_ID, CONFIG)
        else:
            self.log = load_log(
                self.context,
                self.partition,
                PARTITION,
                CONFIG,
                had_clean_shutdown=clean,
                recovery_point=recovery_point,
                log_start_offset=start,
            )
        return f"opened {self.log.log_start_offset} {self.log.log_end_offset}"

    def append(self, log: Log, epoch: int, data: bytes) -> str:
        batch = bytearray(data)
        _, header = next(iter_batches(batch))
        info = log.append(batch, header, leader_epoch=epoch, now_ms=NOW_MS)
        return f"appended {info.base_offset} {info.last_offset}"

    def read(self, log: Log, offset: int) -> str:
        found = []
        offset = log.log_start_offset if offset < 0 else offset
        while offset < log.log_end_offset:
            info = log.read(offset, 700)
            if not info.size_bytes:
                break
            for buffer in info.buffers:
                for position, header in iter_batches(buffer):
                    records = iter_records(buffer, position, header, max_bytes=1 << 20)
                    found += [f"{one.offset}:{one.timestamp}" for one in records if one.offset >= offset]
            offset = info.next_offset
        return " ".join(found)

    def state(self, log: Log) -> str:
        told = [str(log.log_start_offset), str(log.log_end_offset), "epochs"]
        told += [f"{epoch}@{start}" for epoch, start in log.leader_epochs.entries]
        told.append("producers")
        for key, one in sorted(log.producers.producers.items()):
            told.append(f"{key}/{one.epoch}/{one.last_sequence}/{one.last_timestamp}")
        told.append("segments")
        told += [f"{segment.base_offset}+{segment.log.size}" for segment in log.segments]
        return " ".join(told)


def make_script(seed: int) -> list[str]:
    """Return a script of some two hundred lines; our own log, in memory, says which offsets make sense."""
    rng = random.Random(seed)
    lines = ["open clean 0 0"]
    timestamp, epoch, end, start = NOW_MS, 0, 0, 0
    sequences: dict[int, int] = {}
    batch_starts: list[int] = []
    reopened = False
    for _ in range(rng.randrange(60, 250)):
        kind = rng.choices(
            ["append", "send", "roll", "epoch", "truncate", "start", "clean", "crash", "time", "read"],
            [40, 25, 3, 3, 1, 2, 2, 2, 5, 3],
        )[0]
        timestamp += rng.randrange(-300, 700)
        reopened = reopened or kind in ("clean", "crash")
        if kind in ("append", "send"):
            count = rng.randrange(1, 5)
            fields: dict[str, int] = {}
            if kind == "send":
                producer_id = rng.randrange(3)
                sequence = sequences.get(producer_id, 0)
                wrong = rng.random() < 0.1
                fields = {"producer_id": producer_id, "producer_epoch": 0, "base_sequence": sequence + 3 * wrong}
                if not wrong:
                    sequences[producer_id] = sequence + count
                elif producer_id not in sequences:
                    continue
            batch, _ = make_batch(
                count,
                timestamp=timestamp,
                size=rng.randrange(10, 200),
                step_ms=rng.randrange(-20, 90),
                codec=rng.choice([0, 0, 0, 1, 2, 3, 4]),
                **fields,
            )
            lines += [f"append {epoch} {base64.b64encode(batch).decode()}"] * rng.choice([1, 1, 1, 2 if fields else 1])
            if not (fields and fields["base_sequence"] != sequences[fields["producer_id"]] - count):
                batch_starts.append(end)
                end += count
        elif kind == "roll":
            lines.append("roll")
        elif kind == "epoch":
            epoch += rng.randrange(1, 3)
            lines.append(f"epoch {epoch}")
        elif kind == "truncate" and not reopened and batch_starts and batch_starts[-1] >= start:
            # not after a restart: Kafka then forgets the largest timestamp of the segment that it cuts
            end = rng.choice([offset for offset in batch_starts if offset >= start])
            batch_starts = [offset for offset in batch_starts if offset < end]
            sequences.clear()
            lines += [f"truncate {end}", "state"]
            lines += [f"open clean 0 {start}"]
            break  # who knows what which sequence the producers are at now
        elif kind == "start" and end > start:
            start = rng.randrange(start, end)
            lines.append(f"start {start}")
        elif kind == "clean":
            lines.append(f"open clean {end} {start}")
        elif kind == "crash":
            lines.append(f"open crash {rng.choice([0, start])} {start}")
        elif kind == "time":
            within = rng.randrange(NOW_MS - 1000, timestamp + 1000)
            lines.append(f"time {rng.choice([timestamp, within, within if start else -3])}")
        elif kind == "read" and end > start:
            lines.append(f"read {rng.randrange(start, end)}")
        lines.append("state")
    return [*lines, f"read {start}", *([] if start else ["time -3"]), "state"]


def kafka(parent: Path) -> None:
    oracle = Path(__file__).parent / "LogOracle.java"
    result = subprocess.run([*JAVA, str(oracle), str(parent)], capture_output=True, text=True, timeout=110, check=False)
    assert result.returncode == 0, result.stderr[-3000:]


def contents(partition: Path) -> dict[str, bytes]:
    """Return the files that have something in them: both make some empty indexes only when they need them."""
    files = {one.name: one.read_bytes() for one in partition.iterdir() if not one.name.endswith(".deleted")}
    return {name: data for name, data in files.items() if data}


def run_ours(folder: Path, lines: list[str]) -> list[str]:
    ours = Ours(folder / "orders-3")
    outcome = []
    for line in lines:
        try:
            outcome.append(ours.act(line))
        except ApiError as error:
            outcome.append(EXCEPTIONS[error.code])
    assert ours.log is not None
    ours.log.close()
    return outcome


def test_the_same_script_gives_the_same_answers_and_the_same_bytes(tmp_path: Path) -> None:
    scripts = {seed: make_script(seed) for seed in range(SCRIPTS)}
    for seed, lines in scripts.items():
        (tmp_path / "kafka" / str(seed)).mkdir(parents=True)
        (tmp_path / "ours" / str(seed)).mkdir(parents=True)
        (tmp_path / "kafka" / str(seed) / "script").write_text("\n".join(lines) + "\n")
    kafka(tmp_path / "kafka")
    for seed, lines in scripts.items():
        theirs = (tmp_path / "kafka" / str(seed) / "outcome").read_text().split("\n")
        ours = run_ours(tmp_path / "ours" / str(seed), lines)
        for number, line in enumerate(lines):
            assert ours[number] == theirs[number], (seed, number, line)
        wanted = contents(tmp_path / "kafka" / str(seed) / "orders-3")
        start, end, *_ = ours[-1].split()
        if start == end:
            continue  # an empty partition has fewer files with us, and knows its producers after a restart
        assert contents(tmp_path / "ours" / str(seed) / "orders-3") == wanted, seed
    # and each opens what the other has left
    ends = ["open clean 0 0", "state", "read -1", f"time {NOW_MS}"]
    for seed in scripts:
        for one in ("ours", "kafka"):
            copy = tmp_path / f"again-{one}" / str(seed)
            shutil.copytree(tmp_path / one / str(seed) / "orders-3", copy / "orders-3")
            (copy / "script").write_text("\n".join(ends) + "\n")
    kafka(tmp_path / "again-ours")
    for seed in scripts:
        theirs = (tmp_path / "again-ours" / str(seed) / "outcome").read_text().split("\n")[: len(ends)]
        assert run_ours(tmp_path / "again-kafka" / str(seed), ends) == theirs, seed


def test_kafkas_tool_finds_nothing_wrong_with_our_files(tmp_path: Path) -> None:
    folder = tmp_path / DIRECTORY.rpartition("/")[2]
    ours = Ours(folder)
    ours.act("open clean 0 0")
    assert ours.log is not None
    for number in range(60):
        fields = {"producer_id": 1, "producer_epoch": 0, "base_sequence": number // 2} if number % 2 == 0 else {}
        count = 1 if fields else 3
        batch, _ = make_batch(count, timestamp=NOW_MS + number * 7, step_ms=3, codec=number % 5, **fields)
        ours.act(f"append {number // 20} {base64.b64encode(batch).decode()}")
    ours.log.close()
    records = read_all(ours.log)
    names = sorted(one.name for one in folder.iterdir() if one.suffix in (".log", ".index", ".timeindex", ".snapshot"))
    assert len(names) > 10
    result = subprocess.run(
        [
            *JAVA,
            "kafka.tools.DumpLogSegments",
            "--deep-iteration",
            "--files",
            ",".join(str(folder / one) for one in names),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    output = result.stdout + result.stderr
    assert result.returncode == 0, output[-2000:]
    for complaint in (
        "mismatch",
        "out of order",
        "corrupt",
        "non-consecutive",
        "isvalid: false",
        "trailing",
        "not found",
    ):
        assert complaint not in output.lower(), output[-2000:]
    assert output.count("| offset:") == len(records)
    assert "producerId: 1 producerEpoch: 0" in output

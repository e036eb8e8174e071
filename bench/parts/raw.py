"""The same bytes to each side without a client library, beside the raw floor: what a broker in Python adds to Python.

Request frames are made beforehand and sent by a process that looks at nothing in the answers (``bench/load.py``).
"""

import contextlib
import json
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.brokers import ROOT, Broker
from bench.client import batch_of, fetch_frame, produce_frame, record_count
from bench.figures import FLOOR
from bench.programs import run
from bench.stage import Stage

PART = "raw"
HERE = ROOT / "bench"
BYTES = 600_000_000
#: Record and batch size in bytes, and what the pair is called.
BATCHES = (
    (1024, 1_000_000, "1 KiB records, 1 MB batches"),
    (1024, 100_000, "1 KiB records, 100 KB batches"),
    (100, 1_000_000, "100 B records, 1 MB batches"),
    (100, 16_000, "100 B records, 16 KB batches"),
)
READ_BATCH_BYTES = 100_000
READ_AT_ONCE = 10
#: What a broker's answer to a produce request takes, without its size.
ANSWER_BYTES = 50
PINGS = 20_000


def raw(stage: Stage) -> None:
    """Produce in four sizes, fetch in answers of 1 MB, and one small request after the other."""
    for record_bytes, batch_bytes, name in BATCHES:
        stage.say(name)
        batch = batch_of(record_bytes, batch_bytes, now_ms=time.time_ns() // 1_000_000)
        _write_rounds(stage, name, batch, BYTES // len(batch), in_flight=5)
    stage.say("fetch")
    _read_rounds(stage)
    stage.say("one record of 100 B in each request")
    batch = batch_of(100, 0, now_ms=time.time_ns() // 1_000_000)
    _write_rounds(stage, "one record of 100 B in each request, one in flight", batch, PINGS, in_flight=1)


def _write_rounds(stage: Stage, name: str, batch: bytearray, requests: int, *, in_flight: int) -> None:
    frames = stage.folder / "frames"
    path = stage.folder / "floor"

    def note(side: str, seconds: float) -> None:
        if in_flight == 1:
            stage.figures.add(PART, name, "requests", side, requests / seconds)
        else:
            stage.figures.add(PART, name, "produce", side, requests * len(batch) / seconds / 1e6)

    for _ in range(stage.effort.rounds):
        frames.write_bytes(produce_frame("bench", 0, batch))
        with floor("write", path, ANSWER_BYTES) as port:
            note(FLOOR, send(port, frames, requests, in_flight))
        path.unlink()
        for broker in stage.in_turns(1, stage.running()):
            with stage.topic(broker) as topic:
                frames.write_bytes(produce_frame(topic, 0, batch) * 4)
                note(broker.name, send(broker.port, frames, requests, in_flight))


def _read_rounds(stage: Stage) -> None:
    batch = batch_of(1024, READ_BATCH_BYTES, now_ms=time.time_ns() // 1_000_000)
    frames = stage.folder / "frames"
    path = stage.folder / "floor"
    batches = BYTES // len(batch) // READ_AT_ONCE * READ_AT_ONCE
    answers = batches // READ_AT_ONCE
    answer_bytes = len(batch) * READ_AT_ONCE
    name = "1 KiB records, 1 MB answers"
    for _ in range(stage.effort.rounds):
        with path.open("wb") as file:
            for _ in range(batches):
                file.write(batch)
        with floor("read", path, answer_bytes) as port:
            frames.write_bytes(fetch_frame("bench", 0, 0))
            seconds = send(port, frames, answers, 5)
            stage.figures.add(PART, name, "consume", FLOOR, answers * answer_bytes / seconds / 1e6)
        path.unlink()
        for broker in stage.in_turns(1, stage.running()):
            with stage.topic(broker) as topic:
                _fill(broker, topic, frames, batch, batches)
                step = record_count(1024, READ_BATCH_BYTES) * READ_AT_ONCE
                wanted = [
                    fetch_frame(topic, 0, index * step, max_bytes=answer_bytes + len(batch) // 2)
                    for index in range(answers)
                ]
                frames.write_bytes(b"".join(wanted))
                seconds = send(broker.port, frames, answers, 5)
            stage.figures.add(PART, name, "consume", broker.name, answers * answer_bytes / seconds / 1e6)


def _fill(broker: Broker, topic: str, frames: pathlib.Path, batch: bytearray, batches: int) -> None:
    frames.write_bytes(produce_frame(topic, 0, batch))
    send(broker.port, frames, batches, 5)


@contextlib.contextmanager
def floor(mode: str, path: pathlib.Path, answer_bytes: int) -> Iterator[int]:
    """Run the raw floor on a file and give its port."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "floor.py"), mode, str(path), str(answer_bytes)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline().split()[1])
    finally:
        process.kill()
        process.communicate()


def send(port: int, frames: pathlib.Path, requests: int, in_flight: int) -> float:
    """Send frames from a process of its own and return the seconds until the last answer."""
    command = [sys.executable, str(HERE / "load.py"), f"127.0.0.1:{port}", str(frames), str(requests), str(in_flight)]
    result = json.loads(run(command, 300))
    return float(result["seconds"])

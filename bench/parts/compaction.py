"""How long a node keeps a client waiting while it compacts a gigabyte, seen by a small request every 2 ms."""

import pathlib
import threading
import time

from bench.brokers import Broker
from bench.client import Client, api_versions_frame, batch_of, create_topic, has_leaders, produce_frame
from bench.parts.raw import send
from bench.stage import Stage, wait_for

PART = "compaction"
TOPIC = "bench"
#: Small segments and no patience, so that it begins at once; both sides clean with one thread.
SETTINGS = {"cleanup.policy": "compact", "segment.bytes": "67108864", "min.cleanable.dirty.ratio": "0.01"}
BATCH_BYTES = 500_000
BATCHES = 2000
LIMIT_SECONDS = 120


def compaction(stage: Stage) -> None:
    """Fill a topic with a gigabyte over 100,000 keys and ask while it is being compacted to a quarter of that."""
    for broker in stage.fresh("compaction"):
        stage.say(broker.name)
        try:
            broker.start()
            _compact(stage, broker)
        finally:
            broker.remove()


def _compact(stage: Stage, broker: Broker) -> None:
    client = Client("127.0.0.1", broker.port)
    create_topic(client, TOPIC, configs=SETTINGS)
    wait_for(lambda: has_leaders(client, [TOPIC], 1), 30)
    client.close()
    prober = Prober(broker.port)
    frames = stage.folder / "frames"
    frames.write_bytes(b"".join(_frames()))
    send(broker.port, frames, BATCHES, 5)
    before = log_bytes(broker.folder)
    prober.start()
    begin = time.perf_counter()
    wait_for(lambda: log_bytes(broker.folder) < before / 4, LIMIT_SECONDS, step_seconds=0.2)
    stage.figures.add(PART, "1 GB compacted", "seconds", broker.name, time.perf_counter() - begin)
    waits = sorted(prober.stop())
    for metric, share in (("p50", 0.5), ("p99.9", 0.999)):
        stage.figures.add(PART, "a small request meanwhile", metric, broker.name, waits[int(len(waits) * share)])
    stage.figures.add(PART, "a small request meanwhile, longest", "hold", broker.name, waits[-1])


def _frames() -> list[bytes]:
    now_ms = time.time_ns() // 1_000_000
    return [
        produce_frame(TOPIC, 0, batch_of(200, BATCH_BYTES, now_ms=now_ms, keys=100_000, first=index * 2000))
        for index in range(20)
    ]


class Prober:
    """Asks for the API versions every 2 ms and notes how long each answer takes, in ms."""

    def __init__(self, port: int) -> None:
        self._client = Client("127.0.0.1", port)
        self._waits: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prober")

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> list[float]:
        """Ask no more and return what was noted."""
        self._over.set()
        self._thread.join()
        self._client.close()
        return self._waits

    def _run(self) -> None:
        frame = api_versions_frame()
        while not self._over.wait(0.002):
            begin = time.perf_counter()
            self._client.exchange(frame)
            self._waits.append((time.perf_counter() - begin) * 1000)


def log_bytes(folder: str) -> int:
    """Return how many bytes of segments there are below a folder, without those that wait to be deleted."""
    total = 0
    for path in pathlib.Path(folder).rglob(f"{TOPIC}-*/*.log"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total

"""What the parts of the benchmark share: the brokers side by side, topics to work on, and the order of the rounds.

The sides take turns, and who begins changes with every round, so that a machine that slows down slows both. Brokers
that are measured under load stay up for the whole run and are warmed up first: a cold JVM takes three times the CPU.
"""

import contextlib
import dataclasses
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from bench.brokers import Broker
from bench.client import Client, create_topic, delete_topic, has_leaders
from bench.figures import Figures
from bench.programs import load

#: Kafka takes some 40 s of mixed load until its figures no longer rise.
WARM_UP_ROUNDS = {"kafka": 4}
SETTLE_SECONDS = 0.2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured: ``quick`` for a first impression, or the whole; of throughput the cases that match."""

    quick: bool = False
    cases: str = ""

    @property
    def rounds(self) -> int:
        """Rounds of an ordinary case."""
        return 2 if self.quick else 3

    @property
    def many_rounds(self) -> int:
        """Rounds of the cases that a target names."""
        return 3 if self.quick else 7


class Stage:
    """The brokers that take turns, and where the figures go."""

    def __init__(
        self,
        folder: pathlib.Path,
        figures: Figures,
        effort: Effort,
        makers: Sequence[Callable[[str], Broker]],
    ) -> None:
        self.folder = folder
        self.figures = figures
        self.effort = effort
        self._makers = makers
        self._running: list[Broker] = []
        self._topics = 0

    def fresh(self, name: str) -> list[Broker]:
        """Return brokers that have not been started, on folders that begin with ``name``."""
        brokers = []
        for index, maker in enumerate(self._makers):
            brokers.append(maker(str(self.folder / f"{name}-{index}")))
        return brokers

    def running(self) -> list[Broker]:
        """Return brokers that run and are warm; the same ones every time."""
        if not self._running:
            self._running = [broker.start() for broker in self.fresh("running")]
            self.say("warming up")
            for broker in self._running:
                for _ in range(1 if self.effort.quick else WARM_UP_ROUNDS.get(broker.name, 1)):
                    self._warm_up(broker)
        return self._running

    def _warm_up(self, broker: Broker) -> None:
        for size, codec, partitions, clients in (
            (1024, "none", 1, 1),
            (100, "none", 1, 1),
            (1024, "zstd", 1, 1),
            (1024, "lz4", 16, 10),
        ):
            with self.topic(broker, partitions=partitions) as topic:
                options: dict[str, str | float] = {"topic": topic, "size": size, "partitions": partitions}
                made = load(broker, "produce", seconds=1, codec=codec, clients=clients, **options)
                load(broker, "consume", seconds=5, bytes=int(made["bytes"]), **options)
        with self.topic(broker) as topic:
            load(broker, "ping", topic=topic, size=100, seconds=1.5)
            load(broker, "latency", topic=topic, size=100, seconds=1, rate=2000)

    def in_turns(self, rounds: int, brokers: Sequence[Broker]) -> Iterator[Broker]:
        """Yield the brokers ``rounds`` times, beginning with another one each time."""
        for index in range(rounds):
            yield from brokers if index % 2 == 0 else reversed(brokers)

    @contextlib.contextmanager
    def topic(self, broker: Broker, *, partitions: int = 1) -> Iterator[str]:
        """A topic that can be produced to, deleted afterwards."""
        self._topics += 1
        name = f"bench-{self._topics}"
        client = Client("127.0.0.1", broker.port)
        try:
            # Deleted files stay for a minute by default: their pages would be written to the disk meanwhile.
            create_topic(client, name, partitions=partitions, configs={"file.delete.delay.ms": "1000"})
            wait_for(lambda: has_leaders(client, [name], partitions), 60)
            time.sleep(SETTLE_SECONDS)
            yield name
        finally:
            delete_topic(client, name)
            client.close()

    def say(self, what: str) -> None:
        """Tell the user what is going on."""
        print(f"  {what}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Stop what runs."""
        for broker in self._running:
            broker.remove()
        self._running = []


def wait_for(condition: Callable[[], bool], limit_seconds: float, *, step_seconds: float = 0.01) -> float:
    """Wait until a condition holds and return how many seconds that took."""
    begin = time.perf_counter()
    while not condition():
        if time.perf_counter() - begin > limit_seconds:
            raise TimeoutError(f"waited {limit_seconds:.0f} s in vain")
        time.sleep(step_seconds)
    return time.perf_counter() - begin

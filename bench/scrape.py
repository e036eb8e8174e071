"""``python -m bench.scrape``: how long a scrape of many partitions and groups takes, and how long it holds the loop.

A node in this process, in memory, with 5,000 partitions and 1,000 groups; another process scrapes it while a task on
the loop notes the longest time that it was not called. The same without a scrape says what the machine does by itself.
"""

import asyncio
import gc
import sys
import time
from asyncio.subprocess import PIPE

from ottla.broker.memory_storage import MemoryStorage
from ottla.broker.node import Node
from ottla.cli.serve import COLLECTOR_THRESHOLDS, SWITCH_INTERVAL_S
from ottla.cli.start_up import load_settings
from ottla.controller.create_topics import NewTopic
from ottla.coordinator.group.requests import CommitRequest, CommitResult, OffsetToCommit

TOPICS = 100
PARTITIONS_OF_A_TOPIC = 50
GROUPS = 1000
PARTITIONS_OF_A_GROUP = 5
ROUNDS = 10


class Pulse:
    """Notes the longest time between two turns of the loop, by the clock and in processor time of the loop's thread.

    On a machine that is busy with other things the two differ: the clock goes on while others have the processor.
    """

    def __init__(self) -> None:
        self.longest_seconds = self.longest_cpu_seconds = 0.0
        self._last, self._last_cpu = time.perf_counter(), time.thread_time()

    def reset(self) -> None:
        """Begin anew."""
        self.longest_seconds = self.longest_cpu_seconds = 0.0

    async def beat(self) -> None:
        """Beat for ever."""
        while True:
            now, cpu = time.perf_counter(), time.thread_time()
            self.longest_seconds = max(self.longest_seconds, now - self._last)
            self.longest_cpu_seconds = max(self.longest_cpu_seconds, cpu - self._last_cpu)
            self._last, self._last_cpu = now, cpu
            await asyncio.sleep(0)

    def __str__(self) -> str:
        return f"{self.longest_seconds * 1000:6.1f} ({self.longest_cpu_seconds * 1000:4.1f} of its own)"


async def fill(node: Node) -> None:
    """Make topics and groups."""
    for number in range(TOPICS):
        (made,) = await node.controller.create_topics(
            [NewTopic(name=f"topic-{number}", partition_count=PARTITIONS_OF_A_TOPIC, replication_factor=1)]
        )
        assert made.error is None, made.error
    (made,) = await node.controller.create_topics(
        [NewTopic(name="__consumer_offsets", partition_count=50, replication_factor=1)]
    )
    waiting = asyncio.Semaphore(0)
    for number in range(GROUPS):
        offsets = [OffsetToCommit(f"topic-{number % TOPICS}", index, 0) for index in range(PARTITIONS_OF_A_GROUP)]

        def answer(result: CommitResult) -> None:
            assert not result.error, result.error
            waiting.release()

        node.groups.commit_offsets(CommitRequest(group_id=f"group-{number}", offsets=offsets), answer)
    for _ in range(GROUPS):
        await waiting.acquire()


async def main() -> None:
    """Measure, and print."""
    settings = ("listeners=PLAINTEXT://127.0.0.1:0", "ottla.metrics.listener=127.0.0.1:0")
    node = Node(load_settings(None, settings), storage=MemoryStorage())
    await node.start()
    try:
        await fill(node)
        assert node.metrics_url is not None
        # As ``ottla serve`` does.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTOR_THRESHOLDS)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        pulse = Pulse()
        beating = asyncio.create_task(pulse.beat())
        print(f"{len(node.replicas)} partitions, {GROUPS} groups; the longest time that the loop was held, in ms")
        for number in range(ROUNDS):
            pulse.reset()
            await asyncio.sleep(0.3)
            idle = str(pulse)
            # To start a process takes long; it begins when it is told to.
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", CLIENT, node.metrics_url, stdin=PIPE, stdout=PIPE
            )
            assert process.stdout is not None
            await process.stdout.readline()
            pulse.reset()
            said, _ = await process.communicate(b"go\n")
            seconds, size_bytes = said.split()
            print(
                f"  round {number}: {pulse} during a scrape of {float(seconds) * 1000:.0f} ms and "
                f"{int(size_bytes) / 1e6:.1f} MB; {idle} without one"
            )
        beating.cancel()
    finally:
        await node.close()


CLIENT = """
import sys, time, urllib.request
print(flush=True)
sys.stdin.readline()
began = time.perf_counter()
size_bytes = len(urllib.request.urlopen(sys.argv[1]).read())
print(time.perf_counter() - began, size_bytes)
"""

if __name__ == "__main__":
    import uvloop

    uvloop.run(main())

"""The worker process: ``python -m ottla.log.cleaner.worker`` reads jobs from its input and answers on its output.

It runs beside the broker so that a compaction, seconds or minutes of plain Python, holds up no client, at a lower
priority and within ``log.cleaner.io.max.bytes.per.second``. It owns nothing: when its input ends, because the broker
has no more use for it or died, it ends on the spot, in the middle of a job if need be.
"""

import os
import queue
import signal
import sys
import threading
import time
from typing import BinaryIO

from ottla.model.errors import OttlaError
from ottla.runtime.files import RealFiles

from . import wire
from .failures import DISK_FULL, is_disk_full
from .job import CleanJob, clean
from .throttle import Throttle

_NICENESS = 10


class Worker:
    """Does the jobs that come in on ``source``, one after the other, and answers on ``sink``."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._files = RealFiles(max_open=16)
        self._jobs: queue.SimpleQueue[CleanJob | None] = queue.SimpleQueue()
        self._throttle = Throttle(float("inf"), lambda: time.monotonic() * 1000.0, lambda ms: time.sleep(ms / 1000.0))

    def listen(self) -> None:
        """Take messages until the input ends; runs in a thread of its own, so that it notices that at once."""
        for line in self._source:
            kind, content = wire.decode(line)
            if kind == "rate":
                self._throttle.max_bytes_per_second = content
            else:
                self._jobs.put(wire.job_from(content))
        self._jobs.put(None)

    def work(self) -> None:
        """Do jobs until the input ends."""
        while (job := self._jobs.get()) is not None:
            self._work_on(job)

    def _work_on(self, job: CleanJob) -> None:
        try:
            stats = clean(
                job,
                self._files,
                self._throttle,
                lambda group: self._answer("group", wire.group_content(group)),
            )
            stats.groups.clear()
            self._answer("done", wire.stats_content(stats))
        except (OttlaError, OSError) as error:
            kind = DISK_FULL if is_disk_full(error) else type(error).__name__
            self._answer("failed", [kind, str(error)])
        finally:
            self._files.close()

    def _answer(self, kind: str, content: object) -> None:
        self._sink.write(wire.encode(kind, content))
        self._sink.flush()


def main() -> None:
    """Run until the input ends."""
    # Ctrl-C in a terminal reaches the whole process group; the broker ends its worker when it is ready to.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    worker = Worker(sys.stdin.buffer, sys.stdout.buffer)

    def listen() -> None:
        worker.listen()
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    worker.work()


if __name__ == "__main__":
    main()

"""What is counted of the requests of one API version: how many, their errors, and where their time went.

Kafka's ``RequestMetrics`` splits a request's time into parts that follow one another; so do we, with its meanings:

==============  ====================================================================================================
queue           until it was begun with: from when the event loop found that it had come, or its connection was free for
                it; while the loop was busy with something else, what came is not known of
local           this node's own work, the disk's included
remote          what was waited for that others do: records for a fetch, the other members for a JoinGroup
response queue  from the answer to its being handed to the operating system, in the order of the requests
response send   until the operating system had taken enough of it to take more
==============  ====================================================================================================

Almost every request is over within the first bucket of all these histograms: then it is one counter and a few sums.
Times are seconds of ``time.perf_counter``.
"""

from bisect import bisect_left
from collections.abc import Iterable

from ottla.network.driver import Times

SECONDS_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
QUICK_SECONDS = SECONDS_BOUNDS[0]
PARTS = ("total", "queue", "local", "remote", "response_queue", "response_send")
TOTAL, QUEUE, LOCAL, REMOTE, RESPONSE_QUEUE, RESPONSE_SEND = range(len(PARTS))


class RequestFigures:
    """Counters of one version of one API; a request's total is the sum of its parts."""

    __slots__ = (
        "count",
        "errors",
        "local_seconds",
        "name",
        "queue_seconds",
        "quick_count",
        "remote_seconds",
        "request_bytes",
        "response_send_seconds",
        "slow_count",
        "slow_counts",
        "total_seconds",
        "version",
    )

    def __init__(self, name: str, version: int) -> None:
        self.name = name
        self.version = version
        self.count = 0
        """Requests that have come."""
        self.request_bytes = 0
        self.errors: dict[int, int] = {}
        """How many errors of each code answers have told; one answer may tell many."""
        self.quick_count = 0
        """Requests that were over within the first bucket."""
        self.total_seconds = 0.0
        self.queue_seconds = 0.0
        self.local_seconds = 0.0
        self.remote_seconds = 0.0
        self.response_send_seconds = 0.0
        self.slow_count = 0
        """The others."""
        self.slow_counts: list[list[int]] | None = None
        """The parts of the others by bucket, in the order of ``PARTS``; what fell into the first bucket is left out."""

    def count_errors(self, codes: Iterable[int]) -> None:
        """Count the error codes of one answer; 0 is none."""
        errors = self.errors
        for code in codes:
            if code:
                errors[code] = errors.get(code, 0) + 1

    def count_slow(self, times: Times, written: float, sent: float) -> None:
        """Put a request that took longer than the first bucket into its bucket, and each part of it that did too.

        The sums were counted, but for that of sending.
        """
        counts = self.slow_counts
        if counts is None:
            counts = self.slow_counts = [[0] * (len(SECONDS_BOUNDS) + 1) for _ in PARTS]
        _, began_waiting, started, worked, answered = times
        self.slow_count += 1
        counts[TOTAL][bisect_left(SECONDS_BOUNDS, sent - began_waiting)] += 1
        if started - began_waiting > QUICK_SECONDS:
            counts[QUEUE][bisect_left(SECONDS_BOUNDS, started - began_waiting)] += 1
        if worked - started > QUICK_SECONDS:
            counts[LOCAL][bisect_left(SECONDS_BOUNDS, worked - started)] += 1
        if answered - worked > QUICK_SECONDS:
            counts[REMOTE][bisect_left(SECONDS_BOUNDS, answered - worked)] += 1
        if written - answered > QUICK_SECONDS:
            counts[RESPONSE_QUEUE][bisect_left(SECONDS_BOUNDS, written - answered)] += 1
        if sent is not written:
            self.response_send_seconds += sent - written
            if sent - written > QUICK_SECONDS:
                counts[RESPONSE_SEND][bisect_left(SECONDS_BOUNDS, sent - written)] += 1

    def buckets(self, part: str) -> list[int]:
        """Return how many requests fell into each bucket of ``SECONDS_BOUNDS`` and beyond by one part of their time."""
        counts = self.slow_counts
        buckets = [0] * (len(SECONDS_BOUNDS) + 1) if counts is None else list(counts[PARTS.index(part)])
        # What is not in a bucket of its own, is in the first.
        buckets[0] += self.quick_count + self.slow_count - sum(buckets)
        return buckets

    def seconds(self, part: str) -> float:
        """Return the sum of one part of the time of all requests."""
        if part == "response_queue":
            others = self.queue_seconds + self.local_seconds + self.remote_seconds + self.response_send_seconds
            return max(0.0, self.total_seconds - others)
        seconds: float = getattr(self, part + "_seconds")
        return seconds

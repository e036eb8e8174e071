"""What the clients print is read as they print it."""

import pytest
from bench.programs import (
    ProgramFailed,
    parse_consumer_performance,
    parse_end_to_end_latency,
    parse_producer_performance,
    run,
)

PRODUCER = """\
Warmup first 200000 records. Steady state results will print after the complete test summary.
167265 records sent, 33346.3 records/sec (32.56 MB/sec), 681.3 ms avg latency, 1628.0 ms max latency.
400000 records sent, 52321.778940 records/sec (51.10 MB/sec), 492.77 ms avg latency, 1628.00 ms max latency.
200000 steady state records sent, 78833.267639 records/sec (76.99 MB/sec), 335.73 ms avg latency, 460.00 ms max latency.
"""
CONSUMER = (
    "WARNING: something is deprecated\n"
    "2026-11-22 21:23:05:661, 2026-11-22 21:23:10:839, 381.2881, 73.6362, 390439, 75403.4376, 3521, 1657, 230.1075, "
    "235630.0543\n"
)
LATENCY = """\
0\t125.459358
1000\t0.780597
Avg latency: 1.2311 ms
Percentiles: 50th = 0, 99th = 6, 99.9th = 13
"""


def test_producer_performance_counts_once_it_is_warm() -> None:
    assert parse_producer_performance(PRODUCER) == 78833.267639


def test_consumer_performance_counts_without_joining() -> None:
    assert parse_consumer_performance(CONSUMER) == 235630.0543


def test_end_to_end_latency_gives_mean_and_percentiles() -> None:
    assert parse_end_to_end_latency(LATENCY) == {"mean": 1.2311, "p50": 0, "p99": 6, "p99.9": 13}


@pytest.mark.parametrize("parse", [parse_producer_performance, parse_consumer_performance, parse_end_to_end_latency])
def test_other_output_is_shown(parse: object) -> None:
    assert callable(parse)
    with pytest.raises(ProgramFailed, match="no such topic"):
        parse("no such topic")


def test_a_program_that_fails_is_named_with_what_it_said() -> None:
    with pytest.raises(ProgramFailed, match=r"(?s)sh -c.*broken"):
        run(["sh", "-c", "echo broken >&2; exit 3"], 10)
    with pytest.raises(ProgramFailed, match="did not end"):
        run(["sh", "-c", "exec sleep 10"], 0.05)

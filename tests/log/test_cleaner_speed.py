"""Two million records with a thousand keys compact to a thousand (issue 3, "done when")."""

import random
import time
from pathlib import Path

import pytest
from tests.log.cleaning import Segments, batch

from ottla.record.build import build_batch
from ottla.runtime.files import RealFiles

RECORDS = 2_000_000
KEYS = 1_000
BATCH_RECORDS = 1_000
SEGMENT_BATCHES = 100


@pytest.mark.slow
def test_two_million_records_with_a_thousand_keys_compact_to_a_thousand(tmp_path: Path) -> None:
    randomness = random.Random(7)
    keys = [b"key-%06d" % number for number in range(KEYS)]
    templates = [
        bytearray(build_batch([(1_000 + at, randomness.choice(keys), b"v" * 100, ()) for at in range(BATCH_RECORDS)]))
        for _ in range(20)
    ]
    last = {}
    segments = Segments([], RealFiles(), str(tmp_path))
    content = []
    for number in range(RECORDS // BATCH_RECORDS):
        base = number * BATCH_RECORDS
        one = templates[number % len(templates)]
        one[0:8] = base.to_bytes(8, "big")
        content.append(bytes(one))
        last[number % len(templates)] = base
        if len(content) == SEGMENT_BATCHES:
            segments.add(*content)
            content = []
    segments.add(batch(RECORDS, (b"active", b"")))

    started = time.perf_counter()
    stats = segments.clean(segment_bytes=1 << 30, map_bytes=128 << 20, buffer_bytes=256 << 10)
    elapsed_s = time.perf_counter() - started
    print(f"{RECORDS} records, {stats.map_bytes_read >> 20} MiB in {elapsed_s:.1f} s")

    records = segments.records()[:-1]
    assert len({record.key for record in records}) == len(records)
    assert stats.end_offset == RECORDS
    assert stats.records_kept == len(records) <= KEYS
    assert all(record.offset >= min(last.values()) for record in records)
    assert elapsed_s < 30

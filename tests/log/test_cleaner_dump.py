"""Apache Kafka's DumpLogSegments reads what compaction leaves, and finds nothing wrong with it.

One thing that it would complain of is not in here: a time index entry that points at an emptied batch, whose records it
looks for. Kafka's own cleaner writes such entries too.
"""

import os
import subprocess
from pathlib import Path

import pytest
from tests.log.cleaning import Segments, batch

from ottla.log import names
from ottla.log.cleaner.retention import LastRecord
from ottla.runtime.files import RealFiles

LIBS = os.environ.get("OTTLA_KAFKA_LIBS") or str(Path(__file__).parents[2] / ".kafka" / "libs")


@pytest.mark.java
@pytest.mark.skipif(not Path(LIBS).is_dir(), reason="Apache Kafka's jars are not there: make clients")
def test_kafka_reads_compacted_segments_and_their_indexes(tmp_path: Path) -> None:
    batches, offset = [], 0
    for number in range(400):
        entries = [(b"key %d" % ((number * 7 + at) % 150), b"x" * 60 if at else None) for at in range(3)]
        fields = {"producer_id": 5, "producer_epoch": 0, "base_sequence": number * 3} if number % 50 == 0 else {}
        batches.append(batch(offset, *entries, codec=number % 5, timestamp=1_000 + number, **fields))
        offset += 3
    parts = [batches[at : at + 40] for at in range(0, 400, 40)]
    segments = Segments([*parts, [batch(offset, (b"active", b""))]], RealFiles(), str(tmp_path / "topic-0"))
    segments.clean(
        last_records={5: LastRecord(batches_last(300), 0)},
        index_interval_bytes=300,
        segment_bytes=20_000,
        segment_index_bytes=4096,
    )
    assert len(segments.bases) > 2
    assert {one.count for one in segments.batches()} >= {0, 1}
    for base in segments.bases[:-1]:
        files = [segments.directory + "/" + names.segment_file(base, kind) for kind in (".log", ".index", ".timeindex")]
        java = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBS}/*", "kafka.tools.DumpLogSegments"]
        result = subprocess.run(
            [*java, "--deep-iteration", "--print-data-log", "--files", ",".join(files)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        output = result.stdout + result.stderr
        assert "isvalid: false" not in output
        # "Non-consecutive offsets" is what it says of every compacted log.
        for complaint in ("mismatch", "out of order", "corrupt", "larger than the number of records", "trailing"):
            assert complaint not in output.lower(), output[-2000:]
        found = output.count("| offset:")
        assert found == sum(one.count for one in segments.batches() if base <= one.base_offset < after(segments, base))


def batches_last(number: int) -> int:
    """Return the last offset of batch ``number``."""
    return number * 3 + 2


def after(segments: Segments, base: int) -> int:
    """Return the base offset of the next segment."""
    return segments.bases[segments.bases.index(base) + 1]

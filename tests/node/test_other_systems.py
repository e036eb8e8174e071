"""A whole node without what only Linux has: what macOS lacks, and what Windows lacks (issue 3, 9.3).

The interpreter loses the calls before Ottla is imported, in the compaction worker as well; see ``docs/platforms.md``.
"""

from pathlib import Path

import pytest
from tests.harness import batches, calls, target
from tests.harness.node import Node, ottla_environment
from tests.harness.waiting import eventually
from tests.harness.wire import Connection

WITHOUT = {
    "macos": ("os.RWF_NOWAIT", "os.preadv", "os.pwritev", "os.posix_fallocate", "os.fdatasync"),
    "windows": (
        *("os.RWF_NOWAIT", "os.preadv", "os.pwritev", "os.posix_fallocate", "os.fdatasync", "os.sync"),
        *("os.pread", "os.pwrite", "os.nice", "os.getpriority", "os.setpriority", "os.sendfile"),
        *(
            "socket.SO_REUSEPORT",
            "signal.pthread_sigmask",
            "asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler",
        ),
    ),
}
SETTINGS = {"log.cleaner.backoff.ms": 100, "log.cleaner.min.cleanable.ratio": 0.01, "offsets.topic.num.partitions": 1}
STRIP = """
import asyncio.unix_events, contextlib, functools, os, signal, socket, sys
sys.modules["uvloop"] = None
for name in {names!r}:
    module, *path, attribute = name.split(".")
    with contextlib.suppress(AttributeError):
        delattr(functools.reduce(getattr, path, sys.modules[module]), attribute)
"""


class PoorNode(Node):
    """A node of an interpreter that has been robbed."""

    names: tuple[str, ...] = ()

    def _environment(self) -> dict[str, str]:
        robber = self.folder / "robber"
        robber.mkdir(parents=True, exist_ok=True)
        (robber / "sitecustomize.py").write_text(STRIP.format(names=self.names), encoding="utf-8")
        environment = ottla_environment()
        environment["PYTHONPATH"] = f"{robber}:{environment['PYTHONPATH']}"
        return environment


def values(connection: Connection) -> list[bytes | None]:
    """The values of all records but those that only begin a segment, from the start to the end of the topic."""
    end, offset, found = calls.end_offset(connection, "t"), 0, []
    while offset < end:
        fetched = calls.fetch(connection, "t", offset)["records"]
        found += [record.value for record in batches.records_of(fetched) if record.key != b"roll"]
        offset = batches.headers_of(fetched)[-1].last_offset + 1
    return found


@pytest.mark.skipif(target.is_kafka(), reason="about Ottla's fallbacks")
@pytest.mark.parametrize("system", WITHOUT)
def test_a_node_serves_compacts_and_recovers(system: str, tmp_path: Path) -> None:
    node = PoorNode(tmp_path, SETTINGS)
    node.names = WITHOUT[system]
    try:
        node.start()
        configs: dict[str, object] = {"cleanup.policy": "compact", "segment.bytes": 1 << 20, "preallocate": "true"}
        with node.connect() as connection:
            calls.create_topic(connection, "t", configs={**configs, "delete.retention.ms": 0, "segment.ms": 100})
            for number in range(30):
                entries = [batches.Entry(key=b"key-%d" % key, value=b"%d" % number) for key in range(10)]
                assert calls.produce(connection, "t", batches.batch(entries))["error_code"] == 0
            for minutes in (2, 4):  # by the records' own time: each begins a new segment
                later = batches.Entry(key=b"roll", value=b"", timestamp=batches.now_ms() + minutes * 60_000)
                assert calls.produce(connection, "t", batches.batch([later]))["error_code"] == 0

            eventually(
                lambda: values(connection), "compaction", timeout_s=30, accept=lambda found: found == [b"29"] * 10
            )
        node.restart(kill=True)
        with node.connect() as connection:
            assert calls.end_offset(connection, "t") == 302
            assert values(connection) == [b"29"] * 10
        assert node.stop() == 0
    finally:
        node.close()

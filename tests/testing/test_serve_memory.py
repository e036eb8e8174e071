"""``ottla serve`` for tests in other languages: without a disk, with a ready file, gone with its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.harness import batches, calls
from tests.harness.node import ottla_command, ottla_environment
from tests.harness.process import BrokerProcess
from tests.harness.waiting import eventually
from tests.harness.wire import Connection

FREE_PORT = ("--set", "listeners=PLAINTEXT://127.0.0.1:0")

WITHOUT_DESCRIPTORS = """
import os, sys
def refuse(process_id): raise OSError("not here")
os.pidfd_open = refuse
from ottla.cli.main import main
sys.exit(main())
"""
"""The command line on a system that has no descriptors of processes."""

Serve = Callable[..., BrokerProcess]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    started: list[BrokerProcess] = []

    def run(*arguments: str) -> BrokerProcess:
        command = ottla_command("serve", "--memory", *FREE_PORT, *arguments)
        process = BrokerProcess(command, folder=tmp_path / "output", environment=ottla_environment())
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill_group()


def wait_for(path: Path, process: BrokerProcess) -> list[str]:
    def there() -> bool:
        assert process.exit_code is None, process.tail()
        return path.exists()

    eventually(there, "the ready file")
    return path.read_text().splitlines()


def connect(address: str) -> Connection:
    host, _, port = address.rpartition(":")
    return Connection(host, int(port))


def test_nothing_is_on_disk(serve: Serve, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    process = serve("--ready-file", str(ready))
    address, line = wait_for(ready, process)
    assert line == process.stdout.strip()
    assert f"PLAINTEXT://{address} " in line
    assert " data=memory ack=memory (nothing is on disk: everything is gone when the process ends)" in line
    with connect(address) as connection:
        calls.create_topic(connection, "t", partitions=2)
        assert calls.produce(connection, "t", batches.batch(batches.values(3)))["error_code"] == 0
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {name.partition("-")[0] for name in written} == {"ready", "stdout", "stderr"}
    if sys.platform == "linux":
        links = []
        for link in Path(f"/proc/{process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # the connection, which is being closed
                links.append(str(link.readlink()))
        assert not [link for link in links if link.startswith("/") and "/dev/" not in link and "output" not in link]
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert not ready.exists()
    assert process.stderr == "", "what a test starts says nothing unless something is wrong"


def test_the_ready_file_of_an_earlier_run_says_nothing(serve: Serve, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.write_text("127.0.0.1:1\n")
    process = serve("--ready-file", str(ready), "--set", "no.such.setting=1")
    assert process.wait(10) == 2
    process = serve("--ready-file", str(ready))
    eventually(lambda: not ready.exists() or ready.read_text() != "127.0.0.1:1\n", "the old file goes")
    eventually(ready.exists, "the new one comes")
    with connect(ready.read_text().splitlines()[0]) as connection:
        assert connection.call("Metadata", 1, {"topics": []})["brokers"]


def test_a_ready_file_that_cannot_be_is_said_before_anything_else(serve: Serve, tmp_path: Path) -> None:
    process = serve("--ready-file", str(tmp_path / "no" / "such" / "folder"))
    assert process.wait(10) == 2
    assert len(process.stderr.splitlines()) == 1
    assert "the ready file" in process.stderr
    assert process.stdout == ""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("watches", ["as it is", "by asking"])
def test_it_goes_with_its_parent(tmp_path: Path, how: signal.Signals, watches: str) -> None:
    """A parent that starts it and is ended: the node notices, whether the kernel tells it or it has to look."""
    ready = tmp_path / "ready"
    command = ottla_command("serve", "--memory", *FREE_PORT, "--ready-file", str(ready), "--exit-with-parent")
    if watches == "by asking":
        command[1:3] = ["-c", WITHOUT_DESCRIPTORS]
    parent_program = (
        f"import subprocess, sys, time; p = subprocess.Popen({command!r}); print(p.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_program], env=ottla_environment(), stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    try:
        node = int(parent.stdout.readline())
        eventually(ready.exists, "the ready file")
        os.kill(node, 0)
        parent.send_signal(how)
        parent.wait(10)
        eventually(lambda: not ready.exists(), "the node goes")
        eventually(lambda: not is_alive(node), "the process ends")
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def is_alive(process_id: int) -> bool:
    """Whether it runs; one that nobody has collected yet does not."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process_id}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_without_being_asked_it_outlives_its_parent(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = ottla_command("serve", "--memory", *FREE_PORT, "--ready-file", str(ready))
    program = f"import subprocess; print(subprocess.Popen({command!r}, stdout=subprocess.DEVNULL).pid)"
    done = subprocess.run(
        [sys.executable, "-c", program], env=ottla_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    node = int(done.stdout)
    try:
        eventually(ready.exists, "the ready file")
        time.sleep(0.3)
        assert is_alive(node)
        with connect(ready.read_text().splitlines()[0]) as connection:
            assert connection.call("Metadata", 1, {"topics": []})["brokers"]
    finally:
        os.kill(node, signal.SIGTERM)
        eventually(lambda: not is_alive(node), "the process ends")

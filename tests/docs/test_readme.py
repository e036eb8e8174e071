"""The README's first minute, run as it stands there, on a real file: piped in, read by a group, stopped, resumed."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from bench.brokers import Ottla

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
PORT = "9092"
LINES = 400


def commands(containing: str) -> list[str]:
    """Return the commands of the README's shell block that has ``containing`` in it, without their comments."""
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        if containing in block:
            return [line.partition(" #")[0].strip() for line in block.splitlines()]
    raise AssertionError(f"the README has no block with {containing}")


@pytest.mark.clients
@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed: make clients says how")
def test_the_first_minute(tmp_path: pathlib.Path) -> None:
    log_file = tmp_path / "dpkg.log"
    log_file.write_text("".join(f"2026-01-01 12:00:{n % 60:02} status installed package-{n}\n" for n in range(LINES)))
    node = Ottla(str(tmp_path / "data"), "group.initial.rebalance.delay.ms=0").start()
    environment = os.environ | {"PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(command: str, more: str = "") -> None:
        address = f"127.0.0.1:{node.port}"
        command = command.replace(f"127.0.0.1:{PORT}", address).replace("/var/log/dpkg.log", str(log_file))
        command = command.replace("examples/", f"{ROOT}/examples/") + more
        subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment | {"BOOTSTRAP": address}, check=True)

    try:
        (pipe_in,) = commands("kcat -b")
        read_some, read_rest, compare = commands("read_lines.py 100")
        run(pipe_in)
        run(read_some)
        assert len((tmp_path / "first.txt").read_text().splitlines()) == 100
        node.stop(9)
        node.start()
        run(read_rest.replace("read_lines.py ", f"read_lines.py {LINES - 100} "))
        run(compare)
    finally:
        node.stop()

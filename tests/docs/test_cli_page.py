"""docs/cli.md, run as it stands there: every command of a ``console`` block prints what is written below it.

``...`` stands for anything. Standard output and standard error are taken together, as on a terminal.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.harness.node import Node

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "cli.md").read_text()


def commands() -> Iterator[tuple[str, str]]:
    """Each command of the page, and what it is said to print."""
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output.strip("\n")


def matches(expected: str, output: str) -> bool:
    pattern = "(.|\n)*?".join(re.escape(piece) for piece in expected.split("..."))
    return re.fullmatch(pattern, output.strip("\n")) is not None


def test_three_dots_stand_for_anything() -> None:
    assert matches("a ... c", "a b\nb c")
    assert matches("a...", "a\nb\n")
    assert not matches("a ... c", "a b")
    assert not matches("a", "a b")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_page_says_what_the_commands_print(tmp_path: Path) -> None:
    settings = {"node.id": 1, "group.initial.rebalance.delay.ms": 0}
    node = Node(tmp_path, settings, log_dir=tmp_path / "ottla-data").start()
    try:
        environment = node._environment() | {
            "PATH": f"{make_command(tmp_path / 'bin')}:{os.environ['PATH']}",
            "OTTLA_BOOTSTRAP": node.bootstrap,
        }
        environment.pop("FORCE_COLOR", None)
        ran = 0
        for command, expected in commands():
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, (command, done.stdout)
            assert matches(expected, done.stdout), f"$ {command}\n{done.stdout}\n--- the page says ---\n{expected}"
            ran += 1
        assert ran > 25
    finally:
        node.close()


def make_command(folder: Path) -> Path:
    """A folder with an ``ottla`` that is this checkout's."""
    folder.mkdir()
    script = folder / "ottla"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m ottla "$@"\n')
    script.chmod(0o755)
    (folder / "python").symlink_to(sys.executable)
    return folder

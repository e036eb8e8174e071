"""The examples in Go, Java, Node and shell, run by their own tools; and the page that shows them."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.harness.node import ottla_environment
from tests.testing.projects import ROOT

PAGE = ROOT / "docs" / "testing-other-languages.md"
EXAMPLES = ROOT / "examples"
TIMEOUT_S = 600


class Language:
    """A folder of examples, the tools that it takes, what fetches its packages, and what runs its tests."""

    def __init__(self, name: str, *, tools: list[str], fetch: list[str], test: list[str], passed: str) -> None:
        self.name = name
        self.tools = tools
        self.fetch = fetch
        self.test = test
        self.passed = passed


LANGUAGES = [
    Language(
        "go",
        tools=["go"],
        fetch=["go", "mod", "download"],
        test=["go", "test", "-count=1", "-v", "-mod=readonly", "./..."],
        passed="--- PASS: TestOrdersAreCounted",
    ),
    Language(
        "java",
        tools=["java", "mvn"],
        fetch=[],  # Maven does it on the way, and once is enough of Maven
        test=["mvn", "-B", "test"],
        passed="Tests run: 1, Failures: 0, Errors: 0, Skipped: 0",
    ),
    Language(
        "node",
        tools=["node", "npm"],
        fetch=["npm", "ci", "--no-audit", "--no-fund"],
        test=["npm", "test"],
        passed="pass 1",
    ),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose ``ottla`` is this checkout's."""
    command = tmp_path / "bin" / "ottla"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ottla "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return {**ottla_environment(), "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}


def run(command: list[str], folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


@pytest.mark.clients
@pytest.mark.slow
@pytest.mark.timeout(2 * TIMEOUT_S)
@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_the_examples(language: Language, tmp_path: Path, environment: dict[str, str]) -> None:
    for tool in language.tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = tmp_path / language.name
    shutil.copytree(EXAMPLES / language.name, folder, ignore=shutil.ignore_patterns("node_modules", "target"))
    if language.fetch:
        fetched = run(language.fetch, folder, environment)
        if fetched.returncode:
            lines = (fetched.stdout + fetched.stderr).strip().splitlines() or ["no reason given"]
            pytest.skip(f"the packages for {language.name} cannot be fetched: {lines[-1]}")
    done = run(language.test, folder, environment)
    missing = re.search(r"(Could not (resolve|transfer)|Non-resolvable).*", done.stdout)
    if done.returncode and missing is not None:
        pytest.skip(f"the packages for {language.name} cannot be fetched: {missing.group()}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert language.passed in done.stdout


@pytest.mark.clients
@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh")
def test_the_shell_script(tmp_path: Path, environment: dict[str, str]) -> None:
    (script,) = (block for kind, block in blocks() if kind == "sh" and "--ready-file" in block and "while" in block)
    done = run(["sh", "-euc", script], tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert "tea" in done.stdout


def blocks() -> list[tuple[str, str]]:
    return re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_page_shows_what_is_run() -> None:
    sources = {
        "go": EXAMPLES / "go" / "broker_test.go",
        "java": EXAMPLES / "java" / "src" / "test" / "java" / "orders" / "TestBroker.java",
        "js": EXAMPLES / "node" / "broker.js",
    }
    shown = [(kind, text) for kind, text in blocks() if kind in sources]
    assert {kind for kind, _ in shown} == set(sources)
    for kind, text in shown:
        assert text in sources[kind].read_text(), kind

"""The examples, and what the page on testing shows, run as their readers would run them."""

import re
import shutil
from pathlib import Path

import pytest
from tests.testing.projects import ASYNCIO, INI, ROOT, Project

EXAMPLES = ROOT / "examples" / "testing"
PAGE = ROOT / "docs" / "testing.md"


@pytest.mark.clients
def test_the_examples(tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pytest.ini").write_text(INI)
    output = Project(folder).passes(*ASYNCIO)
    for path in EXAMPLES.glob("test_*.py"):
        assert f"{path.name}::" in output


@pytest.mark.clients
def test_what_the_page_shows(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n# (test_\w+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 5
    project = Project(tmp_path)
    for name, text in blocks:
        project.write(text, name)
    output = project.passes(*ASYNCIO)
    for name, _ in blocks:
        assert f"{name}::" in output


def test_every_example_is_on_the_page() -> None:
    page = PAGE.read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f"(../examples/testing/{path.name})" in page


def test_the_page_names_every_call_and_what_is_different() -> None:
    from ottla.testing import Broker
    from ottla.testing.settings import FOR_TESTS

    page = PAGE.read_text()
    for name in vars(Broker):
        assert name.startswith("_") or name in ("is_running",) or f"{name}" in page, name
    for name, value in FOR_TESTS.items():
        assert re.search(rf"`{re.escape(name)}` \| {value}\b", page), name

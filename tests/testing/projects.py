"""A project of somebody else's with a pytest of its own, in a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASYNCIO = ["-p", "pytest_asyncio.plugin"]
ASYNCIO += ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
XDIST = ["-p", "xdist.plugin", "-n", "2"]
INI = "[pytest]\naddopts = --strict-markers -p no:cacheprovider\nfilterwarnings = error\n"


class Project:
    """Tests in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pytest.ini").write_text(INI)

    def write(self, text: str, name: str = "test_it.py") -> None:
        """Add a file."""
        (self.folder / name).write_text(textwrap.dedent(text))

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run pytest with Ottla's plugin and no other that is not asked for."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
        environment |= {"PYTHONPATH": str(ROOT / "src"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = [sys.executable, "-m", "pytest", "-v", "-p", "ottla.testing.plugin", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=100, check=False
        )

    def passes(self, *arguments: str) -> str:
        """Run pytest and return its output; fails if a test does."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

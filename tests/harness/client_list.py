"""All clients of the tests, by name."""

import shutil
import sys
from pathlib import Path

import pytest
from tests.harness import target
from tests.harness.clients import ALL_FEATURES, Client
from tests.harness.console_clients import JavaTools, Kcat
from tests.harness.library_client import LibraryClient

LIBRARIES: dict[str, tuple[str | None, frozenset[str]]] = {
    # Name: the venv with its interpreter (None: the tests' own), what it can do.
    "confluent": (None, ALL_FEATURES),
    "aiokafka": (None, ALL_FEATURES - {"cooperative"}),
    "kafka-python-3": ("kafka-python-3", ALL_FEATURES),
    "kafka-python-2.0.2": ("kafka-python-2.0.2", ALL_FEATURES - {"static", "cooperative", "idempotence"}),
}
NAMES = [*LIBRARIES, "kcat", "java"]


def make_client(name: str, bootstrap: str, folder: Path) -> Client:
    """The client of that name; the test is skipped, with the reason, where it is not installed."""
    if name == "kcat":
        if shutil.which("kcat") is None:
            pytest.skip("kcat is not installed (tools/setup/setup_clients.sh kcat)")
        return Kcat(bootstrap, folder)
    if name == "java":
        if (reason := target.java_missing()) is not None:
            pytest.skip(reason)
        return JavaTools(bootstrap, folder)
    venv, features = LIBRARIES[name]
    python = Path(sys.executable) if venv is None else target.ROOT / ".venvs" / venv / "bin" / "python"
    if not python.exists():
        pytest.skip(f".venvs/{venv} is not there (tools/setup/setup_clients.sh python)")
    return LibraryClient(name, python, features, bootstrap, folder)

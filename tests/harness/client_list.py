"""Clients for tests that need one, by name; all of them have their own tests in ``tests/compatibility``."""

from pathlib import Path

import pytest
from tests.harness import target
from tests.harness.clients import Client
from tests.harness.console_clients import JavaTools
from tests.harness.library_client import LibraryClient


def make_client(name: str, bootstrap: str, folder: Path) -> Client:
    """``java`` (Kafka's console tools) or a client of the compatibility table; the test is skipped where it is not."""
    if name == "java":
        if (reason := target.java_missing()) is not None:
            pytest.skip(reason)
        return JavaTools(bootstrap, folder)
    return LibraryClient(name, bootstrap, folder)

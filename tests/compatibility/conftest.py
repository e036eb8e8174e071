"""Nodes and driver processes that last a session; a worker of pytest-xdist has its own."""

from collections.abc import Callable, Iterator

import pytest
from compat.brokers import Brokers
from compat.case import MainDrivers
from compat.install import MissingError, install
from compat.manifest import Client


@pytest.fixture(scope="session")
def brokers() -> Iterator[Brokers]:
    made = Brokers("ottla")
    yield made
    made.close()


@pytest.fixture(scope="session")
def drivers_of() -> Iterator[Callable[[Client], MainDrivers]]:
    """The main driver processes of a client, which is installed first; the test is skipped where that cannot be."""
    made: dict[str, MainDrivers] = {}
    missing: dict[str, str] = {}

    def drivers(client: Client) -> MainDrivers:
        if client.name not in made and client.name not in missing:
            try:
                install(client)
                made[client.name] = MainDrivers(client)
            except MissingError as why:
                missing[client.name] = str(why)
        if client.name in missing:
            pytest.skip(missing[client.name])
        return made[client.name]

    yield drivers
    for each in made.values():
        each.close()

"""What a case is, and what it gets to work with."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from compat.driver import Driver
from compat.manifest import HOME, Client
from compat.reference import Reference

_numbers = itertools.count(1)
_RUN = f"{time.time_ns() // 1_000_000_000:x}"


class NotRun(Exception):
    """The case cannot be run against this broker; the message says why."""


class OwnBroker(Protocol):
    """A broker that a case may kill."""

    bootstrap: str

    def kill(self) -> None:
        """kill -9."""

    def start(self) -> None:
        """Start it again on the same folder and port, and wait until it answers."""

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""


class MainDrivers:
    """The driver process that the cases of one client share, one for each broker; started again when it died."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._drivers: dict[str, Driver] = {}

    def get(self, bootstrap: str, log: Path) -> Driver:
        """The process for a broker."""
        found = self._drivers.get(bootstrap)
        if found is None or not found.alive:
            found = self._drivers[bootstrap] = Driver(self._client, bootstrap, log)
        return found

    def drop(self, bootstrap: str, *, kill: bool = False) -> None:
        """End the process for a broker."""
        found = self._drivers.pop(bootstrap, None)
        if found is not None:
            if kill:
                found.kill()
            else:
                found.close()

    def close(self) -> None:
        """End all of them."""
        for bootstrap in list(self._drivers):
            self.drop(bootstrap)


class Context:
    """One run of one case: its drivers, its names, its view of the broker."""

    def __init__(
        self, case: "Case", client: Client, bootstrap: str, drivers: MainDrivers, broker: OwnBroker | None = None
    ) -> None:
        self.client = client
        self.bootstrap = bootstrap
        self.reference = Reference(bootstrap)
        self.version: str | None = None
        self._case = case
        self._broker = broker
        self._main = drivers
        self._logs = HOME / "logs" / client.name
        self._members: list[Driver] = []

    @property
    def broker(self) -> OwnBroker:
        """The broker of a case with ``own_node``."""
        assert self._broker is not None, f"{self._case.id} is not marked own_node"
        return self._broker

    def name(self, what: str) -> str:
        """A name that no other case, client or run before used."""
        return f"{self.client.name}-{self._case.id.replace('/', '.')}-{what}-{_RUN}-{next(_numbers)}"

    def topic(self, *, partitions: int = 1, configs: dict[str, object] | None = None) -> str:
        """A new topic, made by the reference."""
        topic = self.name("t")
        self.reference.create_topic(topic, partitions=partitions, configs=configs)
        return topic

    def driver(self) -> Driver:
        """The client's main process, which lives from case to case."""
        driver = self._main.get(self.bootstrap, self._log("main"))
        self.version = driver.version
        return driver

    def new_driver(self, client: Client | None = None) -> Driver:
        """A process of its own, of another client where one is named: a group member, or one that dies.

        It is ended with the case.
        """
        number = str(len(self._members) + 1)
        if client is None:
            driver = Driver(self.client, self.bootstrap, self._log(number))
            self.version = driver.version
        else:
            driver = Driver(client, self.bootstrap, self._log(f"{number}-{client.name}"))
        self._members.append(driver)
        return driver

    def _log(self, part: str) -> Path:
        return self._logs / f"{self._case.id.replace('/', '.')}-{part}.log"

    def end(self, *, failed: bool) -> None:
        """After the case: members end, and after a failure the main process too, for it may be in any state."""
        if failed or self._broker is not None:
            self._main.drop(self.bootstrap, kill=True)
        threads = [threading.Thread(target=_end, args=(driver, failed)) for driver in self._members]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.reference.close()


def _end(driver: Driver, failed: bool) -> None:
    if failed or not driver.alive:
        driver.kill()
    else:
        driver.close()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table. ``id`` is ``group/name``; ``run`` returns when all is well."""

    id: str
    title: str
    run: Callable[[Context], None]
    own_node: bool = False
    quick: bool = True

    @property
    def group(self) -> str:
        """The part of the table that it stands in."""
        return self.id.split("/")[0]

"""A client of the compatibility table, in driver processes (``compat/README.md``), for tests that need one."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from compat import manifest
from compat.cases.data import Read, Wanted, parsed
from compat.driver import Driver
from compat.install import MissingError, install
from compat.manifest import Client
from tests.harness.clients import Record


def _record(read: Read) -> Record:
    return Record(
        key=read.key,
        value=read.value,
        headers=read.headers,
        timestamp=read.timestamp,
        partition=read.partition,
        offset=read.offset,
    )


class DriverMember:
    """A group member in a process of its own."""

    def __init__(self, driver: Driver, topic: str, group: str, options: dict[str, Any]) -> None:
        self._driver = driver
        driver.call("join", group=group, topics=[topic], timeout_s=30, **options)

    def take(self) -> list[Record]:
        return [_record(each) for each in parsed(self._driver.call("poll", wait_ms=100)["records"])]

    def leave(self) -> list[Record]:
        self._driver.call("commit")
        self._driver.call("leave")
        self._driver.close()
        return []

    def crash(self) -> None:
        self._driver.kill()


class LibraryClient:
    """One driver for producing and reading, one more for each group member."""

    def __init__(self, name: str, bootstrap: str, folder: Path) -> None:
        self.name = name
        self._client = _installed(name)
        self._bootstrap = bootstrap
        self._folder = folder
        self._count = itertools.count(1)
        self._drivers: list[Driver] = []

    def _new_driver(self) -> Driver:
        driver = Driver(self._client, self._bootstrap, self._folder / f"{self.name}-{next(self._count)}.log")
        self._drivers.append(driver)
        return driver

    def _main(self) -> Driver:
        return self._drivers[0] if self._drivers else self._new_driver()

    def create_topic(self, topic: str, partitions: int) -> None:
        self._main().call("create_topic", topic=topic, partitions=partitions)

    def produce(self, topic: str, records: Sequence[Record], *, codec: str = "none", idempotence: bool = False) -> None:
        sent = [
            Wanted(key=r.key, value=r.value, headers=r.headers, timestamp=r.timestamp, partition=r.partition).json()
            for r in records
        ]
        self._main().call("produce", topic=topic, records=sent, codec=codec, idempotent=idempotence)

    def read(self, topic: str, partitions: int, count: int, *, timeout_s: float = 20) -> list[Record]:
        """All records that are there; ``count`` is how many there should be."""
        del count
        found: list[Record] = []
        for partition in range(partitions):
            place: dict[str, Any] = {"topic": topic, "partition": partition}
            marks = self._main().call("watermarks", **place)
            there = marks["end"] - marks["beginning"]
            if there:
                read = self._main().call("consume", **place, start="beginning", count=there, timeout_s=timeout_s)
                found += [_record(each) for each in parsed(read["records"])]
        return found

    def join(self, topic: str, group: str, **options: Any) -> DriverMember:
        return DriverMember(self._new_driver(), topic, group, options)

    def close(self) -> None:
        for driver in self._drivers:
            driver.close()


def _installed(name: str) -> Client:
    (client,) = (each for each in manifest.load() if each.name == name)
    try:
        install(client)
    except MissingError as why:
        pytest.skip(str(why))
    return client

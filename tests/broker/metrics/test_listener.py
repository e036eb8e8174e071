"""Health and readiness through a node's life, from before its logs are open until after they are closed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ottla.broker.node import Node
from ottla.cli.start_up import load_settings
from ottla.log.manager import LogManager
from ottla.model.errors import OperatorError, StorageError


def make_node(folder: Path, listener: str = "127.0.0.1:0") -> Node:
    settings = ("listeners=PLAINTEXT://127.0.0.1:0", f"log.dirs={folder}", f"ottla.metrics.listener={listener}")
    return Node(load_settings(None, settings))


async def get(node: Node, path: str) -> tuple[int, str]:
    assert node.metrics_url is not None
    port = int(node.metrics_url.removesuffix("/metrics").rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split(" ")[1]), body


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[Node]:
    node = make_node(tmp_path)
    await node.start()
    yield node
    await node.close()


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 - the node's own tasks are what is waited for
            await asyncio.sleep(0.001)


async def test_while_the_logs_are_being_opened_it_lives_and_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    load = LogManager.load

    def slow_load(logs: LogManager) -> None:
        assert may_go_on.wait(10)
        load(logs)

    monkeypatch.setattr(LogManager, "load", slow_load)
    node = make_node(tmp_path)
    starting = asyncio.create_task(node.start())
    try:
        await until(lambda: node.stage == "starting: opening the logs")
        assert await get(node, "/healthz") == (200, "ok\n")
        assert await get(node, "/readyz") == (503, "starting: opening the logs\n")
        assert await get(node, "/metrics") == (503, "starting: opening the logs\n")
        may_go_on.set()
        await starting
        assert await get(node, "/readyz") == (200, "ready\n")
        assert (await get(node, "/metrics"))[0] == 200
    finally:
        may_go_on.set()
        await starting
        await node.close()


async def test_while_it_stops_it_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = make_node(tmp_path)
    await node.start()
    may_go_on = asyncio.Event()
    close = node.logs.close

    async def slow_close() -> None:
        await may_go_on.wait()
        await close()

    monkeypatch.setattr(node.logs, "close", slow_close)
    stopping = asyncio.create_task(node.close())
    await until(lambda: node.stage is not None)
    assert await get(node, "/readyz") == (503, "stopping\n")
    assert await get(node, "/healthz") == (200, "ok\n")
    assert (await get(node, "/metrics"))[0] == 200
    may_go_on.set()
    await stopping
    with pytest.raises(OSError):
        await get(node, "/healthz")


async def test_without_a_disk_to_write_to_it_is_neither_well_nor_ready(started: Node) -> None:
    (directory,) = started.logs.directories
    directory.failure = StorageError("no space left on device")
    said = "every log directory has failed: nothing can be written\n"
    assert await get(started, "/healthz") == (503, said)
    assert await get(started, "/readyz") == (503, said)
    status, text = await get(started, "/metrics")
    assert status == 200
    assert "\nottla_ready 0\n" in text
    directory.failure = None


async def test_a_taken_port_stops_the_start_before_anything_is_touched(started: Node, tmp_path: Path) -> None:
    assert started.metrics_url is not None
    address = started.metrics_url.removeprefix("http://").removesuffix("/metrics")
    other = make_node(tmp_path / "other", address)
    with pytest.raises(OperatorError, match=r"cannot listen on .*ottla\.metrics\.listener"):
        await other.start()
    await other.close()
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("listener", ["9464", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:x", "::1:9464", "a/b:1"])
async def test_an_address_that_cannot_be_read_is_said_so(tmp_path: Path, listener: str) -> None:
    node = make_node(tmp_path, listener)
    with pytest.raises(OperatorError, match="give host:port"):
        await node.start()
    await node.close()


async def test_every_address_of_the_machine(tmp_path: Path) -> None:
    node = make_node(tmp_path, ":0")
    await node.start()
    assert (await get(node, "/healthz"))[0] == 200
    await node.close()

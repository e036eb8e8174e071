"""``ottla serve``: one node in the foreground, from its settings to the last flush."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from time import perf_counter

import click

from ottla.broker.node import Node
from ottla.broker.storage import Storage
from ottla.cli.banner import log_banner
from ottla.cli.parent import Parent
from ottla.cli.ready_file import ReadyFile
from ottla.cli.start_up import load_settings, raise_descriptor_limit
from ottla.model.errors import OperatorError, OttlaError, StorageError
from ottla.runtime.logging_setup import configure_logging
from ottla.runtime.settings import BrokerConfig

logger = logging.getLogger(__name__)

EXIT_FAILED = 1
EXIT_MISUSED = 2
COLLECTOR_THRESHOLDS = (10_000, 20, 100)
"""What is garbage is seldom a cycle here, and a look at all objects holds the event loop: Python's own thresholds make
for one in every few large requests."""
IN_MEMORY = ("log.segment.delete.delay.ms=0",)
"""Goes before the operator's settings in a node without a disk: what is deleted is to be free at once."""
SWITCH_INTERVAL_S = 0.001
"""How long the thread for computations may keep the interpreter from the event loop; Python's default is 0.005."""


def run(
    config_path: str | None,
    overrides: tuple[str, ...],
    *,
    memory: bool = False,
    ready_file: str | None = None,
    exit_with_parent: bool = False,
) -> int:
    """Run a node until it is told to stop; return the exit code."""
    parent = Parent() if exit_with_parent else None
    configure_logging(level="WARN" if memory else "INFO")  # in a test's output a banner is noise
    config = load_settings(config_path, (*IN_MEMORY, *overrides) if memory else overrides)
    raise_descriptor_limit()
    try:
        return _run_loop(_serve(config, memory, ReadyFile(ready_file), parent))
    except (OperatorError, StorageError) as error:
        click.echo(f"ottla: {error}", err=True)
        return EXIT_MISUSED
    except OttlaError as error:
        click.echo(f"ottla: {error}", err=True)
        return EXIT_FAILED


def _run_loop(main: Coroutine[None, None, int]) -> int:
    """Run on uvloop, winloop on Windows, or asyncio's own loop where neither is installed."""
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        if sys.platform == "win32":
            from winloop import new_event_loop
        else:
            from uvloop import new_event_loop
        factory = new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


async def _serve(config: BrokerConfig, memory: bool, ready_file: ReadyFile, parent: Parent | None) -> int:
    started = perf_counter()
    ready_file.clear()
    node = Node(config, storage=_storage(memory))
    stop = asyncio.Event()
    with _stop_signals(stop), _watched(parent, stop):
        try:
            await node.start()
            log_banner(node, elapsed_ms=(perf_counter() - started) * 1000)
            ready_file.write(node.listeners, node.ready_line())
            click.echo(node.ready_line())
            # What was made while starting stays for good: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*COLLECTOR_THRESHOLDS)
            sys.setswitchinterval(SWITCH_INTERVAL_S)
            failed = asyncio.ensure_future(node.wait_failed())
            stopped = asyncio.ensure_future(stop.wait())
            await asyncio.wait({failed, stopped}, return_when=asyncio.FIRST_COMPLETED)
            for waiting in (failed, stopped):
                waiting.cancel()
            logger.info("stopping")
        finally:
            ready_file.remove()
            await node.close()
    if node.failure is not None:
        click.echo(f"ottla: {node.failure}", err=True)
        return EXIT_FAILED
    logger.info("stopped")
    return 0


def _storage(memory: bool) -> Storage | None:
    if not memory:
        return None
    from ottla.broker.memory_storage import MemoryStorage

    return MemoryStorage()


@contextlib.contextmanager
def _watched(parent: Parent | None, stop: asyncio.Event) -> Iterator[None]:
    """Set ``stop`` when the parent, if there is one to be watched, has ended."""
    end_watch = parent.watch(stop.set) if parent is not None else None
    try:
        yield
    finally:
        if end_watch is not None:
            end_watch()


@contextlib.contextmanager
def _stop_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set ``stop`` at SIGTERM and SIGINT, on Windows at Ctrl-Break too; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def stop_or_exit() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    names = [signal.SIGTERM, signal.SIGINT]
    if sys.platform == "win32":
        names.append(signal.SIGBREAK)  # what one process can send to another there
    for name in names:
        try:
            loop.add_signal_handler(name, stop_or_exit)
        except (NotImplementedError, RuntimeError):
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop_or_exit))
    try:
        yield
    finally:
        for name in names:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(name)

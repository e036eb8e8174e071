"""A command that talks to a cluster: its client is made, its loop is run, its wait is shown."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from ottla.client import Client
from ottla.client.settings import settings_from_file

from .exits import DONE, FAILED, complain
from .options import DEFAULT_BOOTSTRAP, Target
from .output.progress import Progress

if TYPE_CHECKING:
    from ottla.client.errors import BrokerError

Work = Callable[[Client], Awaitable[int]]
"""What a command does with its client; the exit code."""


def settings_of(target: Target) -> dict[str, str]:
    """Return what ``--command-config`` holds; SettingsError if it cannot be read."""
    return settings_from_file(target.command_config) if target.command_config else {}


def open_client(target: Target, settings: Mapping[str, str] | None = None) -> Client:
    """Make the client of a command; ``settings`` stand behind those of the file.

    The cluster is the one of ``--bootstrap`` or its variable, else the file's ``bootstrap.servers``, else the node on
    this machine.
    """
    given = settings_of(target)
    bootstrap = target.bootstrap or given.get("bootstrap.servers") or DEFAULT_BOOTSTRAP
    client = Client(bootstrap, {**(settings or {}), **given})
    for warning in client.warnings:
        complain(f"warning: {warning}")
    return client


def run(target: Target, work: Work, *, waiting_for: str) -> int:
    """Do a command's work in a loop of its own; ``waiting_for`` says what goes on if it takes over a second."""

    async def main() -> int:
        async with open_client(target) as client:
            with Progress(waiting_for):
                return await work(client)

    return asyncio.run(main())


def report(errors: "Mapping[str, BrokerError | None]") -> int:
    """Print what was refused, a line each, and return the exit code."""
    failed = [error for error in errors.values() if error is not None]
    for error in failed:
        complain(str(error))
    return FAILED if failed else DONE

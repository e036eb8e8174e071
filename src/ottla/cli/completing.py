"""Arguments whose values a shell can complete from the cluster: names of topics and groups.

While somebody waits for a completion there is little time: what the cluster does not say within two seconds, or cannot,
is not offered, and nothing is printed.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from ottla.model.errors import OttlaError

from .options import Target

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ottla.client import Client

    _Text = click.ParamType[str]
else:
    _Text = click.ParamType  # not generic before click 8.4

PATIENCE_S = 2.0

Ask = Callable[["Client"], Awaitable[list[str]]]


async def _topics(client: "Client") -> list[str]:
    return [topic.name for topic in await client.admin.list_topics()]


async def _groups(client: "Client") -> list[str]:
    return [group.group_id for group in await client.admin.list_groups()]


async def _brokers(client: "Client") -> list[str]:
    return ["default", *(str(broker.id) for broker in (await client.admin.describe_cluster()).brokers)]


def _names(context: click.Context, ask: Ask, incomplete: str) -> "list[CompletionItem]":
    import asyncio

    from click.shell_completion import CompletionItem

    from .connecting import open_client

    async def main() -> list[str]:
        target = Target(context.params.get("bootstrap"), context.params.get("command_config"))
        async with asyncio.timeout(PATIENCE_S), open_client(target) as client:
            return await ask(client)

    try:
        found = asyncio.run(main())
    except (OttlaError, OSError, TimeoutError):
        return []
    given = {name for value in context.params.values() if isinstance(value, tuple) for name in value}
    return [CompletionItem(name) for name in found if name.startswith(incomplete) and name not in given]


class _Name(_Text):
    """Any text; a shell is offered what the cluster has."""

    def __init__(self, name: str, ask: Ask) -> None:
        self.name = name
        self._ask = ask

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Return the names that begin with what is typed."""
        return _names(ctx, self._ask, incomplete)


class _ResourceName(_Text):
    """The name behind ``topic``, ``broker`` or ``group``."""

    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Return the names of this kind that begin with what is typed."""
        ask = {"topic": _topics, "group": _groups, "broker": _brokers}.get(ctx.params.get("kind", ""))
        return _names(ctx, ask, incomplete) if ask is not None else []


TOPIC = _Name("topic", _topics)
GROUP = _Name("group", _groups)
RESOURCE_NAME = _ResourceName()

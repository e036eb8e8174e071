"""What the commands of ``ottla config`` do."""

from collections.abc import Iterator
from typing import NamedTuple

from ottla.client import Client
from ottla.client.results import (
    ConfigChange,
    ConfigEntry,
    ConfigOperation,
    ConfigResource,
    DescribedConfigs,
    ResourceType,
)

from .connecting import run
from .exits import DONE, FAILED, complain, say
from .options import Target, split_pairs
from .output import terminal
from .output.json_text import show_json
from .output.table import Cell, Column, show_table

DEFAULT_NAME = "default"
"""What is set for all brokers has the empty name on the wire."""

_OWN_SOURCES = {ResourceType.TOPIC: "topic", ResourceType.GROUP: "group"}
"""Where a value comes from that somebody gave to the resource itself, in the client's words."""


def changed_entries(resource: ConfigResource, described: DescribedConfigs) -> Iterator[ConfigEntry]:
    """Yield the settings that somebody set: a topic's or group's own, a broker's that are no defaults."""
    own = _OWN_SOURCES.get(resource.type)
    for _, entry in sorted(described.entries.items()):
        if entry.source == own if own else not entry.is_default:
            yield entry


def _resource(kind: str, name: str) -> ConfigResource:
    is_default = kind == "broker" and name == DEFAULT_NAME
    return ConfigResource(ResourceType[kind.upper()], "" if is_default else name)


async def _is_there(client: Client, resource: ConfigResource) -> bool:
    """Whether the broker is there that alone can answer for itself; complains if not, rather than wait for it."""
    if resource.type is not ResourceType.BROKER or not resource.name.isdecimal():
        return True
    there = [broker.id for broker in (await client.admin.describe_cluster()).brokers]
    if int(resource.name) in there:
        return True
    complain(f"there is no broker {resource.name}; there is {', '.join(map(str, sorted(there)))}")
    return False


def describe_configs(target: Target, kind: str, name: str, *, show_all: bool, as_json: bool) -> int:
    """Show settings; return the exit code."""
    resource = _resource(kind, name)

    async def work(client: Client) -> int:
        if not await _is_there(client, resource):
            return FAILED
        described = (await client.admin.describe_configs([resource]))[resource]
        if described.error is not None:
            complain(str(described.error))
            return FAILED
        entries = [entry for _, entry in sorted(described.entries.items())]
        if not show_all:
            entries = list(changed_entries(resource, described))
        if as_json:
            show_json(
                [
                    {
                        "name": entry.name,
                        "value": entry.value,
                        "source": entry.source,
                        "type": entry.type,
                        "default": entry.is_default,
                        "read_only": entry.read_only,
                        "sensitive": entry.sensitive,
                    }
                    for entry in entries
                ]
            )
            return DONE
        columns = [Column("SETTING", style=terminal.CYAN), Column("VALUE"), Column("FROM", style=terminal.DIM)]
        rows = [(entry.name, _value(entry), entry.source) for entry in entries]
        show_table(columns, rows, empty=f"{resource} has no settings of its own; --all shows those in force")
        return DONE

    return run(target, work, waiting_for=f"describing {resource}")


def _value(entry: ConfigEntry) -> object:
    if entry.sensitive:
        return Cell("(hidden)", terminal.DIM)
    return entry.value if entry.value != "" else '""'


class Changes(NamedTuple):
    """What to change: ``KEY=VALUE`` texts, and keys to delete."""

    set_: tuple[str, ...]
    deleted: tuple[str, ...]
    append: tuple[str, ...]
    subtract: tuple[str, ...]

    def as_changes(self) -> list[ConfigChange]:
        """Return the changes; OperatorError for a text that is none."""
        changes = [ConfigChange(key, value) for key, value in split_pairs(self.set_, "--set").items()]
        changes += [ConfigChange(key, None, ConfigOperation.DELETE) for key in self.deleted]
        for texts, option, operation in (
            (self.append, "--append", ConfigOperation.APPEND),
            (self.subtract, "--subtract", ConfigOperation.SUBTRACT),
        ):
            changes += [ConfigChange(key, value, operation) for key, value in split_pairs(texts, option).items()]
        return changes


def alter_configs(target: Target, kind: str, name: str, changes: Changes, *, dry_run: bool) -> int:
    """Change settings; return the exit code."""
    resource = _resource(kind, name)
    wanted = changes.as_changes()

    async def work(client: Client) -> int:
        if not await _is_there(client, resource):
            return FAILED
        error = (await client.admin.alter_configs({resource: wanted}, validate_only=dry_run))[resource]
        if error is not None:
            complain(str(error))
            return FAILED
        verb = "could change" if dry_run else "changed"
        say(f"{verb} {len(wanted)} {'setting' if len(wanted) == 1 else 'settings'} of {resource}")
        return DONE

    return run(target, work, waiting_for=f"changing {resource}")

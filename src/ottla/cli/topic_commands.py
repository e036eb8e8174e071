"""What the commands of ``ottla topic`` do."""

from typing import Any, NamedTuple

from ottla.client import Client, NewTopic
from ottla.client.results import (
    ConfigChange,
    ConfigOperation,
    ConfigResource,
    PartitionDescription,
    ResourceType,
    TopicDescription,
)
from ottla.model.error_codes import ErrorCode

from .config_commands import changed_entries
from .confirm import confirmed
from .connecting import report, run
from .exits import DONE, FAILED, complain, say
from .options import Target, split_pairs
from .output import terminal
from .output.json_text import show_json
from .output.table import Cell, Column, show_fields, show_table


class Creation(NamedTuple):
    """What to create."""

    names: tuple[str, ...]
    partitions: int | None
    replication_factor: int | None
    configs: tuple[str, ...]
    if_not_exists: bool
    dry_run: bool

    def run(self, target: Target, *, as_json: bool) -> int:
        """Create the topics; return the exit code."""
        configs = split_pairs(self.configs, "--config")
        wanted = [
            NewTopic(name, self.partitions or -1, self.replication_factor or -1, configs)
            for name in dict.fromkeys(self.names)
        ]

        async def work(client: Client) -> int:
            created = await client.admin.create_topics(wanted, validate_only=self.dry_run)
            rows: list[dict[str, Any]] = []
            errors = {}
            for name, result in created.items():
                error = result.error
                exists = error is not None and error.code == ErrorCode.TOPIC_ALREADY_EXISTS
                if exists and self.if_not_exists:
                    rows.append({"name": name, "created": False})
                elif error is None:
                    rows.append(
                        {
                            "name": name,
                            "created": not self.dry_run,
                            "topic_id": result.topic_id or None,
                            "partitions": result.partitions if result.partitions > 0 else self.partitions,
                            "replication_factor": (
                                result.replication_factor if result.replication_factor > 0 else self.replication_factor
                            ),
                        }
                    )
                errors[name] = None if exists and self.if_not_exists else error
            if as_json:
                show_json(rows)
            else:
                for row in rows:
                    say(self._sentence(row))
            return report(errors)

        return run(target, work, waiting_for=f"creating {_listed(self.names)}")

    def _sentence(self, row: dict[str, Any]) -> str:
        if "partitions" not in row:
            return f"topic {row['name']} exists already"
        verb = "could create" if self.dry_run else "created"
        parts = [
            f"{row[name]} {word if row[name] == 1 else word + 's'}"
            for name, word in (("partitions", "partition"), ("replication_factor", "replica"))
            if row[name] is not None
        ]
        return f"{verb} topic {row['name']}" + (f": {', '.join(parts)}" if parts else "")


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} topics"


def list_topics(target: Target, *, internal: bool, as_json: bool) -> int:
    """List the topics; return the exit code."""

    async def work(client: Client) -> int:
        topics = await client.admin.list_topics(internal=internal)
        if as_json:
            show_json([_summary(one) for one in topics])
            return DONE
        columns = [Column("TOPIC"), Column("PARTITIONS", right=True), Column("REPLICAS", right=True), Column("HEALTH")]
        rows = [(one.name, len(one.partitions), one.replication_factor, _health(one)) for one in topics]
        show_table(columns, rows, empty="no topics; ottla topic create NAME makes one")
        return DONE

    return run(target, work, waiting_for="listing topics")


def _summary(topic: TopicDescription) -> dict[str, Any]:
    return {
        "name": topic.name,
        "topic_id": topic.topic_id or None,
        "internal": topic.internal,
        "partitions": len(topic.partitions),
        "replication_factor": topic.replication_factor,
    }


def _health(topic: TopicDescription) -> Cell:
    without_leader = sum(one.leader is None for one in topic.partitions)
    behind = sum(len(one.isr) < len(one.replicas) for one in topic.partitions)
    if without_leader:
        return Cell(f"{without_leader} without leader", terminal.RED)
    if behind:
        return Cell(f"{behind} under-replicated", terminal.YELLOW)
    return Cell("ok", terminal.GREEN)


def describe_topics(target: Target, names: tuple[str, ...], *, as_json: bool) -> int:
    """Describe topics; return the exit code, 1 if one of them does not exist."""

    async def work(client: Client) -> int:
        topics = await client.admin.describe_topics(dict.fromkeys(names), offsets=True)
        known = [one for one in topics.values() if one.error is None]
        configs: dict[str, dict[str, str | None]] = {}
        if known:
            resources = [ConfigResource(ResourceType.TOPIC, one.name) for one in known]
            for resource, described in (await client.admin.describe_configs(resources)).items():
                configs[resource.name] = {entry.name: entry.value for entry in changed_entries(resource, described)}
        if as_json:
            show_json([_document(one, configs.get(one.name, {})) for one in known])
        else:
            for number, one in enumerate(known):
                if number:
                    say("")
                _show(one, configs.get(one.name, {}))
        return report({one.name: one.error for one in topics.values()})

    return run(target, work, waiting_for=f"describing {_listed(names)}")


def _document(topic: TopicDescription, configs: dict[str, str | None]) -> dict[str, Any]:
    return _summary(topic) | {
        "configs": configs,
        "partitions": [
            {
                "partition": one.partition,
                "leader": one.leader,
                "leader_epoch": one.leader_epoch,
                "replicas": one.replicas,
                "isr": one.isr,
                "offline_replicas": one.offline_replicas,
                "earliest_offset": one.earliest_offset,
                "latest_offset": one.latest_offset,
            }
            for one in topic.partitions
        ],
    }


def _show(topic: TopicDescription, configs: dict[str, str | None]) -> None:
    settings = ", ".join(f"{name}={value}" for name, value in sorted(configs.items()))
    show_fields(
        [
            ("topic", Cell(topic.name, terminal.CYAN)),
            ("id", topic.topic_id or None),
            ("partitions", len(topic.partitions)),
            ("replicas", topic.replication_factor),
            ("settings", settings or "defaults"),
        ]
    )
    say("")
    columns = [
        Column("PARTITION", right=True),
        Column("LEADER", right=True),
        Column("REPLICAS"),
        Column("IN SYNC"),
        Column("FIRST", right=True),
        Column("END", right=True),
        Column("OFFSETS", right=True),
    ]
    show_table(columns, [_partition_row(one) for one in topic.partitions])


def _partition_row(partition: PartitionDescription) -> list[object]:
    first, end = partition.earliest_offset, partition.latest_offset
    in_sync = ",".join(map(str, partition.isr))
    is_behind = len(partition.isr) < len(partition.replicas)
    return [
        partition.partition,
        Cell("none", terminal.RED) if partition.leader is None else partition.leader,
        ",".join(map(str, partition.replicas)),
        Cell(in_sync or "none", terminal.YELLOW) if is_behind else in_sync,
        first,
        end,
        None if first is None or end is None else end - first,
    ]


def alter_topic(
    target: Target,
    name: str,
    *,
    partitions: int | None,
    configs: tuple[str, ...],
    deleted: tuple[str, ...],
    dry_run: bool,
) -> int:
    """Give a topic more partitions and other settings; return the exit code."""
    changes = [ConfigChange(key, value) for key, value in split_pairs(configs, "--config").items()]
    changes += [ConfigChange(key, None, ConfigOperation.DELETE) for key in deleted]
    verb = "could change" if dry_run else "changed"

    async def work(client: Client) -> int:
        if changes:
            resource = ConfigResource(ResourceType.TOPIC, name)
            error = (await client.admin.alter_configs({resource: changes}, validate_only=dry_run))[resource]
            if error is not None:
                complain(str(error))
                return FAILED
            say(f"{verb} {len(changes)} {'setting' if len(changes) == 1 else 'settings'} of topic {name}")
        if partitions is not None:
            error = (await client.admin.create_partitions({name: partitions}, validate_only=dry_run))[name]
            if error is not None:
                complain(str(error))
                return FAILED
            say(f"topic {name} {'could have' if dry_run else 'now has'} {partitions} partitions")
        return DONE

    return run(target, work, waiting_for=f"changing {name}")


def delete_topics(target: Target, names: tuple[str, ...], *, if_exists: bool, yes: bool) -> int:
    """Delete topics after asking; return the exit code."""
    wanted = list(dict.fromkeys(names))
    what = f"topic {wanted[0]}" if len(wanted) == 1 else f"{len(wanted)} topics ({', '.join(wanted)})"
    if not confirmed(f"Delete {what} with all records?", yes=yes):
        return FAILED

    async def work(client: Client) -> int:
        errors = await client.admin.delete_topics(wanted)
        for name, error in errors.items():
            if error is None:
                say(f"deleted topic {name}")
            elif if_exists and error.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
                say(f"there was no topic {name}")
                errors[name] = None
        return report(errors)

    return run(target, work, waiting_for=f"deleting {_listed(names)}")

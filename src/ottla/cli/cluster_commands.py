"""What the commands of ``ottla cluster`` do."""

from typing import Any

from ottla.client import Client, ClientError
from ottla.client.results import ClusterDescription, LogDir, TopicDescription

from .connecting import run
from .exits import DONE, FAILED, complain, say
from .options import Target
from .output import terminal
from .output.json_text import show_json
from .output.table import Cell, Column, show_fields, show_table
from .output.text import size_text


def describe_cluster(target: Target, *, as_json: bool) -> int:
    """Show the cluster; return the exit code."""

    async def work(client: Client) -> int:
        cluster = await client.admin.describe_cluster()
        topics = await client.admin.list_topics()
        code = DONE
        try:
            log_dirs = await client.admin.describe_log_dirs()
        except ClientError as error:  # one who may not see them may still see the rest
            complain(f"log directories: {error}")
            log_dirs, code = [], FAILED
        if as_json:
            show_json(_document(cluster, topics, log_dirs))
        else:
            _show(cluster, topics, log_dirs)
        for one in log_dirs:
            if one.error is not None:
                complain(f"log directory {one.path} of broker {one.broker}: {one.error}")
                code = FAILED
        return code

    return run(target, work, waiting_for="describing the cluster")


def _counts(topics: list[TopicDescription]) -> tuple[int, int, int]:
    """Return how many partitions there are, how many have no leader, how many have replicas behind."""
    partitions = [one for topic in topics for one in topic.partitions]
    without_leader = sum(one.leader is None for one in partitions)
    return len(partitions), without_leader, sum(len(one.isr) < len(one.replicas) for one in partitions)


def _document(cluster: ClusterDescription, topics: list[TopicDescription], log_dirs: list[LogDir]) -> dict[str, Any]:
    partitions, without_leader, behind = _counts(topics)
    return {
        "cluster_id": cluster.cluster_id,
        "controller": cluster.controller,
        "brokers": [broker._asdict() for broker in cluster.brokers],
        "topics": len(topics),
        "partitions": partitions,
        "partitions_without_leader": without_leader,
        "partitions_under_replicated": behind,
        "log_dirs": [
            {
                "broker": one.broker,
                "path": one.path,
                "partitions": len(one.replicas),
                "size_bytes": sum(replica.size_bytes for replica in one.replicas),
                "total_bytes": None if one.total_bytes < 0 else one.total_bytes,
                "usable_bytes": None if one.usable_bytes < 0 else one.usable_bytes,
                "error": None if one.error is None else one.error.name,
            }
            for one in log_dirs
        ],
    }


def _show(cluster: ClusterDescription, topics: list[TopicDescription], log_dirs: list[LogDir]) -> None:
    partitions, without_leader, behind = _counts(topics)
    health = Cell("ok", terminal.GREEN)
    if behind:
        health = Cell(f"{behind} under-replicated", terminal.YELLOW)
    if without_leader:
        health = Cell(f"{without_leader} without leader", terminal.RED)
    show_fields(
        [
            ("cluster", Cell(cluster.cluster_id, terminal.CYAN)),
            ("controller", cluster.controller),
            ("topics", len(topics)),
            ("partitions", partitions),
            ("health", health),
        ]
    )
    say("")
    columns = [Column("BROKER", right=True), Column("ADDRESS"), Column("RACK")]
    show_table(columns, [(one.id, f"{one.host}:{one.port}", one.rack) for one in cluster.brokers])
    if not log_dirs:
        return
    say("")
    columns = [
        Column("BROKER", right=True),
        Column("LOG DIRECTORY"),
        Column("PARTITIONS", right=True),
        Column("SIZE", right=True),
        Column("FREE", right=True),
    ]
    show_table(columns, [_log_dir_row(one) for one in log_dirs])


def _log_dir_row(one: LogDir) -> list[object]:
    if one.error is not None:
        return [one.broker, Cell(f"{one.path} (offline)", terminal.RED), None, None, None]
    size = sum(replica.size_bytes for replica in one.replicas)
    free = None if one.usable_bytes < 0 else size_text(one.usable_bytes)
    return [one.broker, one.path, len(one.replicas), size_text(size), free]

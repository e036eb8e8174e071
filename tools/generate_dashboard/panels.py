"""The panels of the dashboard, row by row: the questions of an operator, and what answers them."""

from typing import Any, NamedTuple

NODE = 'instance=~"$instance"'
RATE = "[$__rate_interval]"
WAITING_APIS = "Fetch|JoinGroup|SyncGroup"
"""APIs whose requests wait for others, so that their whole time says nothing about the node."""


class Query(NamedTuple):
    """One expression, and what its lines are called."""

    expr: str
    legend: str = ""


class Panel(NamedTuple):
    """One panel; ``unit`` is Grafana's name of it."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    help: str = ""
    stacked: bool = False
    options: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default, never changed


def rate(metric: str, *, by: str = "", more: str = "") -> str:
    """Return the sum of a counter's rates."""
    labels = ", ".join(filter(None, (NODE, more)))
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{labels}}}{RATE}))"


def quantile(share: str, histogram: str, *, by: str = "", more: str = "") -> str:
    """Return a quantile of a histogram."""
    labels = ", ".join(filter(None, (NODE, more)))
    groups = ", ".join(filter(None, (by, "le")))
    return f"histogram_quantile({share}, sum by ({groups}) (rate({histogram}_bucket{{{labels}}}{RATE})))"


def top(expression: str) -> str:
    """Return the ten largest."""
    return f"topk(10, {expression})"


def stat(title: str, unit: str, expr: str, *, legend: str = "", help: str = "", **options: Any) -> Panel:
    """Return a panel with one large figure."""
    return Panel(title, unit, (Query(expr, legend),), kind="stat", width=4, height=4, help=help, options=options)


def average_part(part: str) -> Query:
    """Return the average of one part of the time of the chosen API's requests."""
    labels = f'{NODE}, api=~"$api"'
    name = f"ottla_request_{part}_seconds"
    return Query(
        f"sum (rate({name}_sum{{{labels}}}{RATE})) / sum (rate({name}_count{{{labels}}}{RATE}))", part.replace("_", " ")
    )


READY = [
    {
        "type": "value",
        "options": {
            "0": {"text": "NOT READY", "color": "red", "index": 0},
            "1": {"text": "ready", "color": "green", "index": 1},
        },
    }
]

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "At a glance",
        (
            stat("Ready", "none", f"min(ottla_ready{{{NODE}}})", mappings=READY),
            stat("Version", "none", f"ottla_build_info{{{NODE}}}", legend="{{version}}", text="name"),
            stat("Up for", "s", f"time() - max(process_start_time_seconds{{{NODE}}})"),
            stat("Records in", "cps", rate("ottla_topic_messages_in_total")),
            stat("Bytes in", "Bps", rate("ottla_topic_bytes_in_total")),
            stat("Bytes out", "Bps", rate("ottla_topic_bytes_out_total")),
            stat("Connections", "none", f"sum(ottla_connections{{{NODE}}})"),
            stat("Partitions", "none", f"sum(ottla_partitions{{{NODE}}})"),
            stat("Partitions offline", "none", f"sum(ottla_partitions_offline{{{NODE}}})", red_from=1),
            stat("Groups", "none", f"sum(ottla_groups{{{NODE}}})"),
            stat("Lag of all groups", "none", f"sum(ottla_group_lag_records{{{NODE}}})"),
            stat("Log size", "bytes", f"sum(ottla_partition_log_size_bytes{{{NODE}}})"),
        ),
    ),
    (
        "Topics",
        (
            Panel(
                "Records in, by topic",
                "cps",
                (Query(top(rate("ottla_topic_messages_in_total", by="topic", more='topic=~"$topic"')), "{{topic}}"),),
            ),
            Panel(
                "Bytes in, by topic",
                "Bps",
                (Query(top(rate("ottla_topic_bytes_in_total", by="topic", more='topic=~"$topic"')), "{{topic}}"),),
            ),
            Panel(
                "Bytes out, by topic",
                "Bps",
                (Query(top(rate("ottla_topic_bytes_out_total", by="topic", more='topic=~"$topic"')), "{{topic}}"),),
            ),
            Panel(
                "Log size, by topic",
                "bytes",
                (
                    Query(
                        top(f'sum by (topic) (ottla_partition_log_size_bytes{{{NODE}, topic=~"$topic"}})'), "{{topic}}"
                    ),
                ),
            ),
            Panel(
                "Refused batches, by error",
                "cps",
                (Query(rate("ottla_topic_produce_errors_total", by="topic, error"), "{{topic}} {{error}}"),),
                help="Partitions of produce requests that were refused.",
            ),
            Panel(
                "Fetch errors",
                "cps",
                (Query(rate("ottla_topic_fetch_errors_total", by="topic, error"), "{{topic}} {{error}}"),),
            ),
        ),
    ),
    (
        "Requests",
        (
            Panel("Requests, by API", "reqps", (Query(rate("ottla_requests_total", by="api"), "{{api}}"),)),
            Panel(
                "99th percentile of the time of requests",
                "s",
                (
                    Query(
                        quantile("0.99", "ottla_request_duration_seconds", by="api", more=f'api!~"{WAITING_APIS}"'),
                        "{{api}}",
                    ),
                ),
                help="Without those that wait for records or members.",
            ),
            Panel(
                "Where the time of requests goes (average)",
                "s",
                tuple(map(average_part, ("queue", "local", "remote", "response_queue", "response_send"))),
                help="Of the API chosen above.",
                stacked=True,
            ),
            Panel(
                "Event loop lag",
                "s",
                (
                    Query(quantile("0.5", "ottla_loop_lag_seconds"), "median"),
                    Query(quantile("0.99", "ottla_loop_lag_seconds"), "99th percentile"),
                ),
                help="How long everything waits for its turn: the first thing to look at if a node seems slow.",
            ),
            Panel(
                "Errors in answers",
                "cps",
                (Query(rate("ottla_request_errors_total", by="api, error"), "{{api}} {{error}}"),),
                help="Some are part of the protocol: MEMBER_ID_REQUIRED, REBALANCE_IN_PROGRESS.",
            ),
            Panel(
                "Waiting fetches, and the node's own faults",
                "none",
                (
                    Query(f"sum(ottla_fetches_waiting{{{NODE}}})", "fetches waiting for records"),
                    Query(f"sum(increase(ottla_request_failures_total{{{NODE}}}{RATE}))", "failed through a fault"),
                ),
            ),
        ),
    ),
    (
        "Groups",
        (
            Panel(
                "Lag, by group",
                "none",
                (Query(top(f'sum by (group) (ottla_group_lag_records{{{NODE}, group=~"$group"}})'), "{{group}}"),),
            ),
            Panel(
                "Lag, by group and topic",
                "none",
                (
                    Query(
                        top(
                            "sum by (group, topic) "
                            f'(ottla_group_partition_lag_records{{{NODE}, group=~"$group", topic=~"$topic"}})'
                        ),
                        "{{group}} {{topic}}",
                    ),
                ),
            ),
            Panel(
                "Read, by group",
                "cps",
                (
                    Query(
                        top(
                            "sum by (group) "
                            f'(rate(ottla_group_partition_committed_offset{{{NODE}, group=~"$group"}}{RATE}))'
                        ),
                        "{{group}}",
                    ),
                ),
                help="Records a second, by what is committed.",
            ),
            Panel("Groups, by state", "none", (Query(f"sum by (state) (ottla_groups{{{NODE}}})", "{{state}}"),)),
            Panel(
                "Rebalances, by what sets them off",
                "none",
                (
                    Query(f"sum by (reason) (increase(ottla_group_rebalances_total{{{NODE}}}{RATE}))", "{{reason}}"),
                    Query(f"sum(increase(ottla_group_rebalances_completed_total{{{NODE}}}{RATE}))", "completed"),
                ),
            ),
            Panel(
                "Members, by group",
                "none",
                (Query(top(f'sum by (group) (ottla_group_members{{{NODE}, group=~"$group"}})'), "{{group}}"),),
            ),
        ),
    ),
    (
        "Disk",
        (
            Panel(
                "Free space",
                "percentunit",
                (
                    Query(
                        f"ottla_log_directory_free_bytes{{{NODE}}} / ottla_log_directory_total_bytes{{{NODE}}}",
                        "{{directory}}",
                    ),
                ),
            ),
            Panel(
                "Records not flushed yet",
                "none",
                (Query(f"sum(ottla_log_unflushed_records{{{NODE}}})", "records"),),
                help="What a power cut could take, unless the operating system has written it by itself.",
            ),
            Panel(
                "Time of a flush",
                "s",
                (
                    Query(quantile("0.5", "ottla_log_flush_seconds"), "median"),
                    Query(quantile("0.99", "ottla_log_flush_seconds"), "99th percentile"),
                ),
            ),
            Panel(
                "Compaction",
                "Bps",
                (
                    Query(rate("ottla_cleaner_read_bytes_total"), "read"),
                    Query(rate("ottla_cleaner_written_bytes_total"), "kept"),
                ),
            ),
            Panel(
                "Highest share of dirty bytes of a compacted log",
                "percentunit",
                (Query(f"max(ottla_cleaner_max_dirty_ratio{{{NODE}}})", "dirty"),),
            ),
            Panel(
                "Logs that are not well",
                "none",
                (
                    Query(f"sum(ottla_partitions_offline{{{NODE}}})", "cannot be opened"),
                    Query(f"sum(ottla_partitions_unwritable{{{NODE}}})", "cannot be written to"),
                    Query(f"sum(ottla_cleaner_uncleanable_partitions{{{NODE}}})", "not compacted any more"),
                    Query(f"sum(ottla_partitions_under_replicated{{{NODE}}})", "under-replicated"),
                ),
            ),
        ),
    ),
    (
        "Connections",
        (
            Panel(
                "Open connections, by listener",
                "none",
                (Query(f"sum by (listener) (ottla_connections{{{NODE}}})", "{{listener}}"),),
            ),
            Panel(
                "Connections opened and closed",
                "cps",
                (
                    Query(rate("ottla_connections_opened_total"), "opened"),
                    Query(rate("ottla_connections_closed_total", by="reason"), "closed: {{reason}}"),
                    Query(rate("ottla_connections_refused_total"), "refused"),
                ),
            ),
            Panel(
                "Clients, by software",
                "none",
                (Query(top(f"sum by (software) (ottla_client_connections{{{NODE}}})"), "{{software}}"),),
            ),
        ),
    ),
    (
        "Process",
        (
            Panel(
                "Processor", "percentunit", (Query(f"rate(process_cpu_seconds_total{{{NODE}}}{RATE})", "{{instance}}"),)
            ),
            Panel("Resident memory", "bytes", (Query(f"process_resident_memory_bytes{{{NODE}}}", "{{instance}}"),)),
            Panel(
                "File descriptors",
                "percentunit",
                (Query(f"process_open_fds{{{NODE}}} / process_max_fds{{{NODE}}}", "{{instance}}"),),
            ),
            Panel(
                "Garbage collection: share of the time",
                "percentunit",
                (Query(f"rate(python_gc_pause_seconds_sum{{{NODE}}}{RATE})", "{{instance}}"),),
            ),
            Panel("Lines in the log", "cps", (Query(rate("ottla_log_lines_total", by="level"), "{{level}}"),)),
            Panel("Threads", "none", (Query(f"process_threads{{{NODE}}}", "{{instance}}"),)),
        ),
    ),
)

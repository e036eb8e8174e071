"""The differences from Kafka that are meant, each named after its row in ``docs/deviations.md``.

An entry accepts the paths (shell patterns) of the exchanges (shell patterns of their titles) that it names. The tests
fail for an entry that accepts nothing any more and for one that the page does not have.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

ANSWER = ("answer*",)


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One deliberate difference; ``name`` is what the first column of its row on the page begins with."""

    name: str
    exchanges: tuple[str, ...]
    paths: tuple[str, ...] = ANSWER


def _keys(*numbers: int) -> tuple[str, ...]:
    return tuple(f"answer.api_keys.{number}" for number in numbers)


_TRANSACTIONS = _keys(24, 25, 26, 27, 28, 65, 66)
_GROUPS = _keys(68, 69, 76, 77, 78, 79, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92)
_SECURITY = _keys(17, 29, 30, 31, 36, 38, 39, 40, 41, 48, 49, 50, 51)
_CLUSTER = _keys(45, 46)
_KRAFT = _keys(34, 43, 55, 57, 64, 80, 81)
_API_VERSIONS = ("api_versions/*",)

DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(name="Transactions (24-28", exchanges=_API_VERSIONS, paths=_TRANSACTIONS),
    Deviation(
        name="KIP-848, share and streams groups",
        exchanges=_API_VERSIONS,
        paths=(*_GROUPS, "answer.supported_features*", "answer.finalized_features*"),
    ),
    Deviation(name="TLS, SASL, ACLs, SCRAM", exchanges=_API_VERSIONS, paths=_SECURITY),
    Deviation(name="More than one node", exchanges=_API_VERSIONS, paths=_CLUSTER),
    Deviation(name="AlterReplicaLogDirs, ElectLeaders", exchanges=_API_VERSIONS, paths=_KRAFT),
    Deviation(
        name="versions that Kafka 4 dropped",
        exchanges=(
            "*/0 DescribeConfigs v0",
            "*/0 DescribeLogDirs v0",
            "*/? CreateTopics v[01]",
            "*/0 DeleteTopics v0",
            "*/0 OffsetCommit v1",
        ),
    ),
    Deviation(name="versions that Kafka 4 dropped", exchanges=_API_VERSIONS, paths=_keys(19, 20, 32, 35)),
    Deviation(name="Metadata that creates a topic", exchanges=("metadata/created_by_asking/* Metadata v13 created",)),
    Deviation(
        name="records that cannot be decompressed, an unknown codec",
        exchanges=("produce/lying_headers/* codec ?", "produce/lying_headers/* that is none", "*/* compressed cut"),
        paths=("*.error_code", "*.error_message"),
    ),
    Deviation(
        name="more than 10,000 partitions",
        exchanges=("configs/alter_refused/* unknown operation", "metadata/by_id/* neither"),
        paths=("*.error_code", "*.error_message"),
    ),
    Deviation(name="names that collide within one CreateTopics", exchanges=("topics/create_colliding/*",)),
    Deviation(
        name="the reason of a refusal",
        exchanges=("produce/* Produce v*", "producers/*", "group_admin/find/*", "limits/*", "internal_topics/*"),
        paths=("*.error_message",),
    ),
    Deviation(
        name="null records, a subscription whose count lies",
        exchanges=("produce/*/* null records", "groups/*/* a count that lies"),
    ),
    Deviation(
        name="how deep a batch is looked at",
        exchanges=("produce/*what is in the log after max timestamp too high", "produce/*after offset deltas twice"),
        paths=("*.max_timestamp",),
    ),
    Deviation(
        name="wrong offset deltas in an uncompressed batch",
        exchanges=("produce/*after offset deltas swapped",),
        paths=("*.records[[]0].records*",),
    ),
    Deviation(
        name="a partition named twice",
        exchanges=("produce/several_partitions/* twice", "offsets/list_refused/* twice"),
    ),
    Deviation(
        name="a batch that does not fit",
        exchanges=("fetch/limits/*max ?*00", "limits/answers_are_small/*"),
        paths=("*.records[[]?]",),
    ),
    Deviation(
        name="negative sizes and an unknown isolation level",
        exchanges=("fetch/limits/* negative *max", "fetch/replicas/* no such isolation", "offsets/*no such isolation"),
    ),
    Deviation(
        name="a timeout of 0",
        exchanges=("limits/no_time/* CreateTopics v4", "limits/no_time/* CreatePartitions v2"),
    ),
    Deviation(
        name="dynamic `listeners`",
        exchanges=("configs/describe_broker/*",),
        paths=("*.configs[[]listeners].read_only", "*.configs[[]listener.security.protocol.map].read_only"),
    ),
    Deviation(
        name="a session by topic id", exchanges=("fetch/session_by_id/*after its deletion",), paths=("*.error_code",)
    ),
    Deviation(
        name="the largest timestamp",
        exchanges=("offsets/delete_records/* ListOffsets v11 the largest timestamp*",),
    ),
    Deviation(
        name="client id and host of a returning static member",
        exchanges=("groups/static_members/* DescribeGroups v5",),
        paths=("*.client_id",),
    ),
    Deviation(
        name="where `min.insync.replicas` comes from",
        exchanges=("topics/*", "configs/*", "internal_topics/*", "limits/*"),
        paths=("*.configs[[]min.insync.replicas]*",),
    ),
    Deviation(
        name="where `min.insync.replicas` comes from",
        exchanges=("configs/describe_broker/* defaults of the cluster",),
        paths=("answer.results[[]0].configs",),
    ),
    Deviation(
        name="cluster metadata",
        exchanges=("configs/describe_broker/*",),
        paths=(
            "*.configs[[]process.roles]*",
            "*.configs[[]controller.*]*",
            "*.configs[[]listener.security.protocol.map]*",
            "*.configs[[]listeners].value",
        ),
    ),
    Deviation(name="defaults of `log.dir`", exchanges=("configs/*",), paths=("*.configs[[]log.dir].value",)),
    Deviation(name="settings of our own", exchanges=("configs/*",), paths=("*.configs[[]ottla.*]",)),
    Deviation(name="a group without settings", exchanges=("configs/resources/*",), paths=("answer.config_resources*",)),
    Deviation(name="levels of loggers", exchanges=("configs/loggers/0 *",), paths=("*.configs[[]root].value",)),
)


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def accepted(exchange: str, path: str) -> str | None:
    """The name of the deviation that accepts this difference, if one does."""
    for deviation in DEVIATIONS:
        if _matches(exchange, deviation.exchanges) and _matches(path, deviation.paths):
            return deviation.name
    return None

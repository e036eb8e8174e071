"""Requests to the admin APIs, one after the other on a fresh node, and what is compared of the answers.

``exchanges()`` is the script. A string ``$id:x`` in a request stands for the id of topic x as it was created. A step
with ``why`` is one where Ottla is meant to answer otherwise than Kafka.

Answers are compared without what differs from run to run: ids become ``ID``, addresses, folders and sizes fixed words,
descriptions only whether there is one; lists whose order means nothing are sorted.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.harness.wire import Values

TOPIC, BROKER, LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)
NO_ID = uuid.UUID(int=0)
UNKNOWN_ID = uuid.UUID("33d53cb7-656f-49d4-89a6-80fbb2e111ce")
FIXED = {
    "host": "HOST",
    "port": "PORT",
    "log_dir": "DIR",
    "total_bytes": "BYTES",
    "usable_bytes": "BYTES",
}
NOT_COMPARED = {"min.insync.replicas"}
"""Kafka writes this setting for the whole cluster by itself (KIP-966)."""
NO_ORDER = ("name", "resource_name", "topic_id", "partition_index", "log_dir")

QUICKER = "a new topic is shown once it can be produced to, also in the answer that made it"
SILENT = "Kafka fails with UNKNOWN_SERVER_ERROR and no reason"


class Exchange(NamedTuple):
    """One request; ``why`` says why the answer is not Kafka's."""

    api: str
    version: int
    request: Values
    why: str = ""


def create(*topics: Values, version: int = 7, validate_only: bool = False, why: str = "") -> Exchange:
    base = {"num_partitions": 1, "replication_factor": 1, "assignments": [], "configs": []}
    request: Values = {"topics": [{**base, **topic} for topic in topics], "timeout_ms": 5000}
    if version:
        request["validate_only"] = validate_only
    return Exchange("CreateTopics", version, request, why)


def assigned(name: str, *pairs: tuple[int, Sequence[int]], **more: int) -> Values:
    assignments = [{"partition_index": index, "broker_ids": list(replicas)} for index, replicas in pairs]
    return {"name": name, "num_partitions": -1, "replication_factor": -1, "assignments": assignments, **more}


def configured(name: str, *configs: tuple[str, str | None]) -> Values:
    return {"name": name, "configs": [{"name": key, "value": value} for key, value in configs]}


def grow(*topics: tuple[str, int, Sequence[Sequence[int]] | None], why: str = "", dry: bool = False) -> Exchange:
    items = [
        {
            "name": name,
            "count": count,
            "assignments": None if replicas is None else [{"broker_ids": list(one)} for one in replicas],
        }
        for name, count, replicas in topics
    ]
    return Exchange("CreatePartitions", 3, {"topics": items, "timeout_ms": 5000, "validate_only": dry}, why)


def delete(*topics: Values) -> Exchange:
    items = [{"name": None, "topic_id": NO_ID, **topic} for topic in topics]
    return Exchange("DeleteTopics", 6, {"topics": items, "timeout_ms": 5000})


def delete_names(version: int, *names: str) -> Exchange:
    return Exchange("DeleteTopics", version, {"topic_names": list(names), "timeout_ms": 5000})


def replace(*resources: tuple[int, str, Mapping[str, str | None]], dry: bool = False, why: str = "") -> Exchange:
    items = [
        {
            "resource_type": kind,
            "resource_name": name,
            "configs": [{"name": key, "value": value} for key, value in configs.items()],
        }
        for kind, name, configs in resources
    ]
    return Exchange("AlterConfigs", 2, {"resources": items, "validate_only": dry}, why)


def change(kind: int, name: str, *changes: tuple[str, int, str | None], dry: bool = False, why: str = "") -> Exchange:
    configs = [{"name": key, "config_operation": operation, "value": value} for key, operation, value in changes]
    item = {"resource_type": kind, "resource_name": name, "configs": configs}
    return Exchange("IncrementalAlterConfigs", 1, {"resources": [item], "validate_only": dry}, why)


def describe(
    kind: int, name: str, keys: Sequence[str] | None = None, *, version: int = 4, all_of_it: bool = False, why: str = ""
) -> Exchange:
    item = {"resource_type": kind, "resource_name": name, "configuration_keys": keys}
    request: Values = {"resources": [item]}
    if version >= 1:
        request["include_synonyms"] = all_of_it
    if version >= 3:
        request["include_documentation"] = all_of_it
    return Exchange("DescribeConfigs", version, request, why)


def metadata(version: int, topics: Sequence[Values] | None, *, auto: bool = False, why: str = "") -> Exchange:
    request: Values = {"topics": topics if topics is None else list(topics)}
    if version >= 4:
        request["allow_auto_topic_creation"] = auto
    if 8 <= version <= 10:
        request["include_cluster_authorized_operations"] = True
    if version >= 8:
        request["include_topic_authorized_operations"] = True
    return Exchange("Metadata", version, request, why)


def pages(topics: Sequence[str], limit: int = 2000, cursor: tuple[str, int] | None = None) -> Exchange:
    request: Values = {"topics": [{"name": name} for name in topics], "response_partition_limit": limit}
    request["cursor"] = None if cursor is None else {"topic_name": cursor[0], "partition_index": cursor[1]}
    return Exchange("DescribeTopicPartitions", 0, request)


def producer_id(version: int, transactional_id: str | None, *, why: str = "", **more: int) -> Exchange:
    request: Values = {"transactional_id": transactional_id, "transaction_timeout_ms": 60_000, **more}
    return Exchange("InitProducerId", version, request, why)


def exchanges() -> Iterator[Exchange]:
    """The whole script."""
    yield from _creations()
    yield from _partitions()
    yield from _settings()
    yield from _metadata()
    yield from _cluster()
    yield from _deletions()


def _creations() -> Iterator[Exchange]:
    yield create({"name": "good"})
    yield create({"name": "good"})
    for name in ("", ".", "..", "a" * 249, "a" * 250, "sp ace", "x/y", "ü", "__cluster_metadata", "a_b", "a.b"):
        yield create({"name": name})
    yield create({"name": "dup"}, {"name": "dup", "num_partitions": 2}, {"name": "dupok"})
    for count in (0, -1, -2):
        yield create({"name": f"p{count}", "num_partitions": count})
    for factor in (0, -1, -2, 2):
        yield create({"name": f"r{factor}", "replication_factor": factor})
    yield create(assigned("m1", (0, [1]), (1, [1])))
    yield create(assigned("m2", (0, [1]), num_partitions=1))
    yield create(assigned("m3", (0, [1]), replication_factor=1))
    yield create(assigned("m4", (0, [1]), (2, [1])))
    yield create(assigned("m5", (0, [1]), (0, [1])))
    yield create(assigned("m6", (0, [1, 1])))
    yield create(assigned("m7", (0, [1]), (1, [9])))
    yield create(assigned("m8", (0, [])))
    yield create(assigned("m9", (-1, [1])))
    yield create(configured("c1", ("foo", "bar")))
    yield create(configured("c2", ("retention.ms", "abc")))
    yield create(configured("c3", ("retention.ms", None), ("segment.bytes", None)))
    yield create(configured("c4", ("segment.bytes", "1")))
    yield create(configured("c5", ("cleanup.policy", "x")))
    yield create(configured("c6", ("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")))
    yield create(configured("c7", ("retention.ms", "1"), ("retention.ms", "2")))
    yield create({"name": "v1"}, validate_only=True)
    yield create({"name": "good"}, validate_only=True)
    yield create({"name": "big", "num_partitions": 10_001})
    yield create({"name": "big", "num_partitions": 10_000}, validate_only=True)
    for version in (2, 3, 4, 5, 6):
        yield create({"name": f"version-{version}", "num_partitions": -1}, version=version)
    yield create()


def _partitions() -> Iterator[Exchange]:
    yield create({"name": "cp1"}, {"name": "cp2"})
    yield grow(("cp1", 3, None))
    for count in (3, 2, 0, -1):
        yield grow(("cp1", count, None))
    yield grow(("nope", 2, None), ("", 2, None))
    yield grow(("cp2", 2, None), ("cp2", 3, None))
    yield grow(("cp2", 2, None), ("nope", 2, None))
    for replicas in ([[1]], [[1], [2]], [[1], [1, 1]], [[1], []], []):
        yield grow(("cp1", 5, replicas))
    yield grow(("cp1", 5, [[1], [1]]), dry=True)
    yield grow(("cp1", 5, [[1], [1]]))


def _settings() -> Iterator[Exchange]:
    yield create({"name": "cf1"}, {"name": "cf2"})
    yield replace((TOPIC, "cf1", {"retention.ms": "1000", "segment.bytes": "2000000"}))
    yield describe(TOPIC, "cf1")
    yield replace((TOPIC, "cf1", {"retention.ms": "2000"}))
    yield describe(TOPIC, "cf1", all_of_it=True)
    yield replace((TOPIC, "nope", {"retention.ms": "1"}))
    yield replace((TOPIC, "", {"retention.ms": "1"}))
    yield replace((TOPIC, "cf1", {"bogus": "1"}))
    yield replace((TOPIC, "cf1", {"retention.ms": "x"}))
    yield replace((TOPIC, "cf1", {"retention.ms": None}))
    yield replace((TOPIC, "cf1", {"retention.ms": "5"}), dry=True)
    yield replace((BROKER, "1", {"log.retention.ms": "5000"}))
    yield describe(BROKER, "1", ["log.retention.hours", "log.retention.ms"], all_of_it=True)
    yield describe(TOPIC, "cf2", ["retention.ms"], all_of_it=True)
    yield change(BROKER, "", ("log.retention.ms", SET, "6000"))
    yield describe(TOPIC, "cf2", ["retention.ms"], all_of_it=True)
    yield describe(BROKER, "", ["log.retention.ms"], all_of_it=True)
    yield replace((BROKER, "1", {}))
    yield change(BROKER, "", ("log.retention.ms", DELETE, None))
    yield describe(TOPIC, "cf2", ["retention.ms"], all_of_it=True)
    yield replace((BROKER, "9", {"log.retention.ms": "1"}))
    yield replace((BROKER, "abc", {"log.retention.ms": "1"}))
    yield replace((BROKER, "", {"node.id": "1"}))
    yield replace((BROKER, "1", {"num.partitions": "5"}))
    yield replace((BROKER, "1", {"log.retention.ms": "x"}))
    for kind in (LOGGER, 0, 77):
        yield replace((kind, "1", {"a": "b"}))
    yield replace((GROUP, "g1", {"consumer.session.timeout.ms": "46000"}))
    yield replace((GROUP, "", {"consumer.session.timeout.ms": "46000"}))
    yield replace((GROUP, "g1", {"bogus": "46000"}))
    yield replace((GROUP, "g1", {"consumer.session.timeout.ms": "1"}))
    yield describe(GROUP, "g1", all_of_it=True)
    yield describe(GROUP, "g2")
    yield describe(GROUP, "")
    yield describe(CLIENT_METRICS, "none")
    yield describe(CLIENT_METRICS, "")
    yield from _steps()


def _steps() -> Iterator[Exchange]:
    yield change(TOPIC, "cf1", ("retention.ms", SET, "77"))
    yield describe(TOPIC, "cf1", ["retention.ms"])
    yield change(TOPIC, "cf1", ("retention.ms", DELETE, None))
    yield change(TOPIC, "cf1", ("retention.ms", DELETE, None))
    for operation, value in (
        (APPEND, "compact"),
        (APPEND, "compact,delete"),
        (SUBTRACT, "delete"),
        (SUBTRACT, "compact"),
    ):
        yield change(TOPIC, "cf1", ("cleanup.policy", operation, value))
        yield describe(TOPIC, "cf1", ["cleanup.policy"], all_of_it=True)
    yield change(TOPIC, "cf1", ("retention.ms", APPEND, "1"))
    yield change(TOPIC, "cf1", ("bogus", SUBTRACT, "1"))
    yield change(TOPIC, "cf1", ("bogus", SET, "1"))
    yield change(TOPIC, "cf1", ("bogus", DELETE, None))
    yield change(TOPIC, "cf1", ("retention.ms", SET, None), ("cleanup.policy", APPEND, None))
    yield change(TOPIC, "cf1", ("retention.ms", 9, "1"), why=SILENT)
    yield change(TOPIC, "cf1", ("retention.ms", SET, "1"), ("retention.ms", DELETE, None))
    yield change(TOPIC, "cf1", ("retention.ms", SET, "5"), dry=True)
    yield change(TOPIC, "cf1")
    yield change(TOPIC, "nope", ("retention.ms", SET, "5"))
    yield change(TOPIC, "sp ace", ("retention.ms", SET, "5"))
    yield change(LOGGER, "1", ("nope.x", SET, "DEBUG"))
    yield change(LOGGER, "2", ("root", SET, "DEBUG"))
    yield describe(LOGGER, "2")
    yield describe(LOGGER, "")
    for kind, name in (
        (TOPIC, "nope"),
        (TOPIC, "sp ace"),
        (TOPIC, ""),
        (BROKER, "9"),
        (BROKER, "abc"),
        (77, "x"),
        (0, "x"),
    ):
        yield describe(kind, name)
    yield describe(TOPIC, "cf1", ["retention.ms", "bogus"])
    yield describe(TOPIC, "cf1", [])
    for version in (1, 2, 3, 4):
        yield describe(TOPIC, "cf1", ["retention.ms", "preallocate"], version=version, all_of_it=True)
    yield describe(
        BROKER, "1", ["num.partitions", "ssl.keystore.password", "bogus", "advertised.listeners"], all_of_it=True
    )
    for types in ([], [TOPIC, GROUP], [BROKER, LOGGER], [99, TOPIC], [0]):
        yield Exchange("ListConfigResources", 1, {"resource_types": types})
    yield Exchange("ListConfigResources", 0, {})


def _metadata() -> Iterator[Exchange]:
    yield create({"name": "md1", "num_partitions": 2})
    for version in range(14):
        yield metadata(version, [{"name": "md1"}])
    for version in (0, 1, 12):
        yield metadata(version, [])
    yield metadata(1, None)
    yield metadata(12, [{"name": "nope"}, {"name": "md1"}, {"name": "md1"}])
    yield metadata(12, [{"name": "sp ace"}, {"name": ""}], auto=True)
    yield metadata(1, [{"name": ""}])
    yield metadata(12, [{"name": None, "topic_id": "$id:md1"}])
    yield metadata(12, [{"name": None, "topic_id": UNKNOWN_ID}])
    yield metadata(12, [{"name": "md1", "topic_id": "$id:md1"}])
    yield metadata(12, [{"name": "cf1"}, {"name": None, "topic_id": "$id:md1"}])
    yield metadata(12, [{"name": None}], why=SILENT)
    yield metadata(11, [{"name": "md1", "topic_id": "$id:md1"}])
    yield metadata(10, [{"name": None, "topic_id": "$id:md1"}])
    yield metadata(12, [{"name": "auto1"}], auto=True, why=QUICKER)
    yield metadata(12, [{"name": "auto1"}])
    yield metadata(1, [{"name": "auto2"}], why=QUICKER)
    yield metadata(12, [{"name": "a.b"}], auto=True, why="it will never be created, and the answer says so")
    yield metadata(12, [{"name": "__transaction_state"}])


def _cluster() -> Iterator[Exchange]:
    for version in (0, 1, 2):
        request: Values = {"include_cluster_authorized_operations": True}
        if version == 2:
            request["include_fenced_brokers"] = True
        yield Exchange("DescribeCluster", version, request)
    for endpoint_type in (2, 3):
        yield Exchange("DescribeCluster", 1, {"endpoint_type": endpoint_type})
    yield pages(["md1"])
    yield pages(["md1", "nope", "auto1", "md1"])
    yield pages(["sp ace"])
    for limit in (1, 0, -1):
        yield pages(["md1"], limit)
    yield pages(["md1", "auto1"], 1, ("md1", 1))
    yield pages(["md1", "auto1"], 1)
    yield pages(["md1", "auto1"], 2000, ("md1", 7))
    yield pages(["md1", "auto1"], 2000, ("auto2", 0))
    yield pages(["md1"], 2000, ("md1", -1))
    yield pages(["md1", "nope", "auto1"], 2)
    yield pages(["aaa"], 1, ("aaa", 0))
    yield pages([], 3)
    for version in (1, 2, 3, 4):
        yield Exchange("DescribeLogDirs", version, {"topics": [{"topic": "md1", "partitions": [0]}]})
    asked = [{"topic": "md1", "partitions": [0, 9]}, {"topic": "nope", "partitions": [0]}]
    yield Exchange("DescribeLogDirs", 4, {"topics": asked})
    yield Exchange("DescribeLogDirs", 4, {"topics": []})
    yield producer_id(4, "")
    yield producer_id(4, None, producer_id=5)
    yield producer_id(4, None, producer_epoch=2)
    yield producer_id(4, "t", why="there are no transactions; Kafka makes the coordinator's topic first")


def _deletions() -> Iterator[Exchange]:
    yield create(*({"name": f"dt{number}"} for number in range(10)))
    yield delete_names(1, "dt0", "nope", "dt1")
    yield delete_names(1, "dt2", "dt2", "dt3")
    yield delete_names(5, "nope", "")
    yield delete({"name": "dt4"}, {"name": "nope"})
    yield delete({"topic_id": "$id:dt5"}, {"topic_id": UNKNOWN_ID})
    yield delete({}, {"name": "dt6"})
    yield delete({"name": "dt7", "topic_id": "$id:dt7"})
    yield delete({"topic_id": "$id:dt8"}, {"name": "dt8"})
    yield delete({"topic_id": "$id:dt9"}, {"topic_id": "$id:dt9"})
    yield delete({"name": "dt9"}, {"name": "dt9"})
    yield delete()


def with_ids(value: Any, ids: Mapping[str, uuid.UUID]) -> Any:
    """A request with the ids that its ``$id:`` stand for."""
    if isinstance(value, dict):
        return {key: with_ids(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [with_ids(one, ids) for one in value]
    if isinstance(value, str) and value.startswith("$id:"):
        return ids[value.removeprefix("$id:")]
    return value


def comparable(value: Any, key: str = "") -> Any:
    """What of an answer is compared, as JSON has it."""
    if isinstance(value, dict):
        kept = {name: comparable(one, name) for name, one in value.items() if name != "throttle_time_ms"}
        return {name: kept[name] for name in sorted(kept)}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [comparable(one) for one in value]
        items = [one for one in items if not (isinstance(one, dict) and one.get("name") in NOT_COMPARED)]
        if key != "synonyms":
            items.sort(key=_order)
        return items
    if isinstance(value, uuid.UUID):
        return "ID" if value.int else None
    if key in FIXED and value is not None:
        return FIXED[key]
    if key == "cluster_id":
        return "CLUSTER" if value else value
    if key == "documentation":
        return value is not None
    return value


def _order(value: Any) -> str:
    if isinstance(value, dict):
        return repr([(name, str(value.get(name))) for name in NO_ORDER])
    return repr(value)

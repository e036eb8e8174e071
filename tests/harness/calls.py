"""The requests that most tests make, as functions on a raw connection."""

import functools
import itertools
import os
import uuid
from typing import Any

from tests.harness import target
from tests.harness.waiting import eventually
from tests.harness.wire import Connection, Values

_names = itertools.count(1)


def unique(prefix: str) -> str:
    """A name that no other test uses; not random, so that a seed cannot make two alike."""
    return f"{prefix}-{os.getpid()}-{next(_names)}"


def create_topic(
    connection: Connection, topic: str, *, partitions: int = 1, configs: dict[str, object] | None = None
) -> None:
    """CreateTopics, and wait until every partition has a leader that takes requests."""
    wanted = [{"name": key, "value": str(value)} for key, value in (configs or {}).items()]
    answer = connection.call(
        "CreateTopics",
        5,
        {
            "topics": [
                {
                    "name": topic,
                    "num_partitions": partitions,
                    "replication_factor": 1,
                    "assignments": [],
                    "configs": wanted,
                }
            ],
            "timeout_ms": 30_000,
        },
    )
    (result,) = answer["topics"]
    assert result["error_code"] == 0, result
    wait_for_topic(connection, topic, partitions)


def wait_for_topic(connection: Connection, topic: str, partitions: int = 1) -> None:
    """Wait until the topic can be read from; Kafka shows it earlier than it serves it."""
    for partition in range(partitions):
        probe = functools.partial(list_offset, connection, topic, partition=partition)
        eventually(probe, f"{topic}-{partition} has a leader", accept=lambda found: found["error_code"] == 0)


def topic_id(connection: Connection, topic: str) -> uuid.UUID:
    """The topic's id."""
    (found,) = connection.call("Metadata", 12, {"topics": [{"topic_id": uuid.UUID(int=0), "name": topic}]})["topics"]
    assert found["error_code"] == 0, found
    result: uuid.UUID = found["topic_id"]
    return result


def produce_request(
    topic: str, records: bytes | None, *, partition: int = 0, acks: int = -1, timeout_ms: int = 10_000
) -> Values:
    """The body of a Produce request for one partition (versions with names: 3 to 12)."""
    return {
        "transactional_id": None,
        "acks": acks,
        "timeout_ms": timeout_ms,
        "topic_data": [{"name": topic, "partition_data": [{"index": partition, "records": records}]}],
    }


def produce(
    connection: Connection,
    topic: str,
    records: bytes | None,
    *,
    partition: int = 0,
    acks: int = -1,
    version: int = 9,
) -> Values:
    """Produce one batch; the answer for its partition."""
    answer = connection.call("Produce", version, produce_request(topic, records, partition=partition, acks=acks))
    (found,) = answer["responses"]
    (result,) = found["partition_responses"]
    return dict(result)


def fetch_request(
    topic: str,
    offset: int,
    *,
    partition: int = 0,
    max_wait_ms: int = 0,
    min_bytes: int = 1,
    max_bytes: int = 50 << 20,
    partition_max_bytes: int = 50 << 20,
    session_id: int = 0,
    session_epoch: int = -1,
) -> Values:
    """The body of a Fetch request for one partition (versions with names: 4 to 12)."""
    return {
        "replica_id": -1,
        "max_wait_ms": max_wait_ms,
        "min_bytes": min_bytes,
        "max_bytes": max_bytes,
        "isolation_level": 0,
        "session_id": session_id,
        "session_epoch": session_epoch,
        "topics": [
            {
                "topic": topic,
                "partitions": [
                    {
                        "partition": partition,
                        "current_leader_epoch": -1,
                        "fetch_offset": offset,
                        "last_fetched_epoch": -1,
                        "log_start_offset": -1,
                        "partition_max_bytes": partition_max_bytes,
                    }
                ],
            }
        ],
        "forgotten_topics_data": [],
        "rack_id": "",
    }


def fetch(connection: Connection, topic: str, offset: int, *, version: int = 12, **options: Any) -> Values:
    """Fetch one partition without a session; the answer for that partition."""
    answer = connection.call("Fetch", version, fetch_request(topic, offset, **options))
    assert answer.get("error_code", 0) == 0, answer
    (found,) = answer["responses"]
    (result,) = found["partitions"]
    return dict(result)


def list_offset(
    connection: Connection, topic: str, *, partition: int = 0, timestamp: int = -1, version: int = 6
) -> Values:
    """ListOffsets of one partition: -1 the end, -2 the start, -3 the greatest timestamp, else by time."""
    answer = connection.call(
        "ListOffsets",
        version,
        {
            "replica_id": -1,
            "isolation_level": 0,
            "topics": [
                {
                    "name": topic,
                    "partitions": [{"partition_index": partition, "current_leader_epoch": -1, "timestamp": timestamp}],
                }
            ],
        },
    )
    (found,) = answer["topics"]
    (result,) = found["partitions"]
    return dict(result)


def end_offset(connection: Connection, topic: str, *, partition: int = 0) -> int:
    """The offset that the next record will get."""
    found = list_offset(connection, topic, partition=partition)
    assert found["error_code"] == 0, found
    offset: int = found["offset"]
    return offset


def init_producer_id(connection: Connection, *, version: int = 4) -> tuple[int, int]:
    """A fresh producer id and its epoch. Kafka has none ready when it starts (code 14); Ottla must."""
    request = {"transactional_id": None, "transaction_timeout_ms": 60_000}
    answer = eventually(
        lambda: connection.call("InitProducerId", version, request),
        "the node gives a producer id",
        accept=lambda answer: not (target.is_kafka() and answer["error_code"] == 14),
    )
    assert answer["error_code"] == 0, answer
    return answer["producer_id"], answer["producer_epoch"]

"""kafka-python, the old 2.0.2 and the rewritten 3.x with one code; admin calls differ and live beside it."""

import sys
import time
import types
from typing import Any

from tests.clients.workers.base import Adapter, Json, record_json, to_bytes

try:
    import kafka
except ModuleNotFoundError as error:
    # kafka-python 2.0.2 carries a copy of six that Python 3.12 cannot import from; the real one can stand in.
    if error.name != "kafka.vendor.six.moves":
        raise
    for name in [name for name in sys.modules if name.split(".")[0] == "kafka"]:
        del sys.modules[name]
    import six  # type: ignore[import-untyped]  # its stubs are not among the project's tools

    def _install(path: str, module: types.ModuleType) -> None:
        sys.modules[path] = module

    _install("kafka.vendor.six", six)
    _install("kafka.vendor.six.moves", six.moves)
    import kafka

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from tests.clients.workers.kafka_python_admin import NewAdmin, OldAdmin

OLD = kafka.__version__.startswith("2.0.")
TIMEOUT_S = 30
JOIN_TIMEOUT_MS = 30_000

Base: Any = OldAdmin if OLD else NewAdmin


def record_of(message: Any) -> Json:
    return record_json(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp,
        key=message.key,
        value=message.value,
        headers=list(message.headers or []),
    )


def strategies() -> dict[str, Any]:
    found = {
        "range": RangePartitionAssignor,
        "roundrobin": RoundRobinPartitionAssignor,
        "sticky": StickyPartitionAssignor,
    }
    if not OLD:
        from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

        found["cooperative-sticky"] = CooperativeStickyAssignor
    return found


def _let_joins_finish(consumer: Any) -> None:
    """Do not let the short polls of the worker interrupt a rebalance.

    When the time of a ``poll`` ends between JoinGroup and SyncGroup, kafka-python 3.0.12 drops the assignment that
    arrives afterwards: the member then polls for ever without partitions and without heartbeats.
    """
    coordinator = consumer._coordinator
    join = coordinator.ensure_active_group
    coordinator.ensure_active_group = lambda timeout_ms=None: join(timeout_ms=JOIN_TIMEOUT_MS)


class KafkaPythonAdapter(Base, Adapter):  # type: ignore[misc]  # the base depends on the version that is installed
    """Producers are kept, so that they live through a restart of the broker."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__()
        self._bootstrap = bootstrap
        self._producers: dict[str, Any] = {}
        self._member: Any = None

    def _producer(self, codec: str, options: Json) -> Any:
        key = repr((codec, sorted(options.items())))
        if key not in self._producers:
            extra: Json = {}
            if not OLD:
                extra["enable_idempotence"] = bool(options.get("idempotence"))
            self._producers[key] = KafkaProducer(
                bootstrap_servers=self._bootstrap,
                compression_type=None if codec == "none" else codec,
                acks="all",
                retries=20,
                retry_backoff_ms=200,
                linger_ms=20,
                max_request_size=2_000_000,
                max_in_flight_requests_per_connection=1,
                **extra,
            )
        return self._producers[key]

    def produce(self, topic: str, records: list[Json], codec: str, options: Json) -> list[list[int]]:
        producer = self._producer(codec, options)
        futures = [
            producer.send(
                topic,
                key=to_bytes(record["key"]),
                value=to_bytes(record["value"]),
                headers=[(name, to_bytes(data)) for name, data in record["headers"]],
                partition=record["partition"],
                timestamp_ms=record["timestamp"],
            )
            for record in records
        ]
        producer.flush(timeout=TIMEOUT_S)
        done = [future.get(timeout=TIMEOUT_S) for future in futures]
        return [[each.partition, each.offset] for each in done]

    def _consumer(self, **settings: Any) -> Any:
        return KafkaConsumer(
            bootstrap_servers=self._bootstrap,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
            **settings,
        )

    def _read_on(self, consumer: Any, count: int, timeout_s: float) -> list[Json]:
        found: list[Json] = []
        deadline = time.monotonic() + timeout_s
        while len(found) < count and time.monotonic() < deadline:
            for messages in consumer.poll(timeout_ms=200, max_records=500).values():
                found += [record_of(message) for message in messages]
        return found

    def read(self, topic: str, partitions: list[int], count: int, timeout_s: float) -> list[Json]:
        consumer = self._consumer(group_id=None)
        try:
            consumer.assign([TopicPartition(topic, each) for each in partitions])
            consumer.seek_to_beginning()
            return self._read_on(consumer, count, timeout_s)
        finally:
            consumer.close()

    def offset_for_time(self, topic: str, partition: int, timestamp: int) -> int | None:
        consumer = self._consumer(group_id=None)
        try:
            where = TopicPartition(topic, partition)
            found = consumer.offsets_for_times({where: timestamp})[where]
        finally:
            consumer.close()
        return None if found is None else found.offset

    def read_from_time(self, topic: str, partition: int, timestamp: int, count: int, timeout_s: float) -> list[Json]:
        consumer = self._consumer(group_id=None)
        try:
            where = TopicPartition(topic, partition)
            consumer.assign([where])
            consumer.seek(where, consumer.offsets_for_times({where: timestamp})[where].offset)
            return self._read_on(consumer, count, timeout_s)
        finally:
            consumer.close()

    def join(self, topic: str, group: str, options: Json) -> None:
        extra: Json = {}
        if options.get("instance_id"):
            extra["group_instance_id"] = options["instance_id"]
        self._member = self._consumer(
            group_id=group,
            session_timeout_ms=options.get("session_timeout_ms", 10_000),
            heartbeat_interval_ms=500,
            metadata_max_age_ms=2000,
            retry_backoff_ms=100,
            partition_assignment_strategy=[strategies()[options.get("strategy", "range")]],
            **extra,
        )
        if not OLD:
            _let_joins_finish(self._member)
        self._member.subscribe([topic])

    def poll(self, timeout_s: float) -> list[Json]:
        polled = self._member.poll(timeout_ms=int(timeout_s * 1000), max_records=500)
        return [record_of(message) for messages in polled.values() for message in messages]

    def assignment(self) -> list[list[Any]]:
        return [[each.topic, each.partition] for each in self._member.assignment()]

    def commit(self) -> None:
        self._member.commit()

    def leave(self) -> None:
        self._member.close()

    def close(self) -> None:
        for producer in self._producers.values():
            producer.close(timeout=5)

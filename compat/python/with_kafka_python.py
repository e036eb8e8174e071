"""kafka-python: 1.4.7, 2.0.2 and the rewritten 3.x with one code; admin calls differ and live beside it."""

import sys
import time
import types
from typing import Any

try:
    import kafka
except ModuleNotFoundError as error:
    # The old ones carry a copy of six that Python 3.12 cannot import from; the real one can stand in.
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

from compat.python.kafka_python_admin import NewAdmin, OldAdmin
from compat.python.loop import Json, NotSupportedError, Place, message_record, paced, to_bytes
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import codec as kafka_codec
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

OLD = int(kafka.__version__.split(".")[0]) < 3
LIMIT_BYTES = 4 << 20
JOIN_TIMEOUT_MS = 30_000

Base: Any = OldAdmin if OLD else NewAdmin


def strategies() -> dict[str, Any]:
    """The assignors that this version has."""
    found: dict[str, Any] = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}
    try:
        from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

        found["sticky"] = StickyPartitionAssignor
        from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

        found["cooperative-sticky"] = CooperativeStickyAssignor
    except ModuleNotFoundError:
        pass
    return found


def let_joins_finish(consumer: Any) -> None:
    """Do not let the short polls of the loop interrupt a rebalance.

    When the time of a ``poll`` ends between JoinGroup and SyncGroup, kafka-python 3.0.12 drops the assignment that
    arrives afterwards: the member then polls for ever without partitions and without heartbeats.
    """
    coordinator = consumer._coordinator
    join = coordinator.ensure_active_group
    coordinator.ensure_active_group = lambda timeout_ms=None: join(timeout_ms=JOIN_TIMEOUT_MS)


class _Counter(ConsumerRebalanceListener):  # type: ignore[misc]  # has no types where the checker runs
    """How many assignments there were."""

    def __init__(self) -> None:
        self.count = 0

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Not counted."""

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Counted."""
        del assigned
        self.count += 1


class KafkaPythonAdapter(Base):  # type: ignore[misc]  # the base depends on the version that is installed
    """Producers are kept, so that they live through a restart of the broker."""

    client = "kafka-python"
    version = kafka.__version__

    def __init__(self) -> None:
        super().__init__()
        self._producers: dict[tuple[str, int, bool], Any] = {}
        self._member: Any = None
        self._listener = _Counter()

    def _producer(self, codec: str, acks: int, *, idempotent: bool) -> Any:
        kind = (codec, acks, idempotent)
        if codec == "zstd" and not hasattr(kafka_codec, "has_zstd"):
            raise NotSupportedError(f"no zstd in kafka-python {self.version}")
        if kind not in self._producers:
            extra: Json = {}
            if "enable_idempotence" in KafkaProducer.DEFAULT_CONFIG:
                extra["enable_idempotence"] = idempotent
            elif idempotent:
                raise NotSupportedError(f"no idempotent producer in kafka-python {self.version}")
            if OLD or not idempotent:
                # Without a retry, the old producers give records up that were in flight when the broker went away.
                extra |= {"retries": 100, "max_in_flight_requests_per_connection": 1, "retry_backoff_ms": 200}
            self._producers[kind] = KafkaProducer(
                bootstrap_servers=self.bootstrap,
                client_id="compat",
                compression_type=None if codec == "none" else codec,
                acks="all" if acks == -1 else acks,
                max_request_size=LIMIT_BYTES,
                metadata_max_age_ms=2000,
                **extra,
            )
        return self._producers[kind]

    def do_produce(
        self,
        topic: str,
        records: list[Json],
        codec: str = "none",
        acks: int = -1,
        idempotent: bool = False,
        per_second: float | None = None,
    ) -> Json:
        """Send, and wait for every future."""
        if any(data is None for record in records for _, data in record["headers"]):
            raise NotSupportedError("a header's value must be bytes")
        deadline = time.monotonic() + self.timeout_s
        producer = self._producer(codec, acks, idempotent=idempotent)
        futures = []
        for record, wait_s in paced(records, per_second):
            if wait_s:
                time.sleep(wait_s)
            future = producer.send(
                topic,
                key=to_bytes(record["key"]),
                value=to_bytes(record["value"]),
                headers=[(name, to_bytes(data)) for name, data in record["headers"]],
                partition=record["partition"],
                timestamp_ms=record["timestamp"],
            )
            futures.append(future)
        producer.flush(timeout=deadline - time.monotonic())
        done = [future.get(timeout=max(0.1, deadline - time.monotonic())) for future in futures]
        return {"offsets": [[each.partition, each.offset] if acks else None for each in done]}

    def _consumer(self, **settings: Any) -> Any:
        return KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            client_id="compat",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            metadata_max_age_ms=2000,
            **settings,
        )

    def do_consume(self, topic: str, partition: int, start: Any, count: int) -> Json:
        """Assign one partition and read."""
        deadline = time.monotonic() + self.timeout_s
        consumer = self._consumer(group_id=None)
        where = TopicPartition(topic, partition)
        found: list[Json] = []
        try:
            consumer.assign([where])
            if start == "beginning":
                consumer.seek_to_beginning(where)
            elif start == "end":
                consumer.seek_to_end(where)
            elif isinstance(start, dict):
                consumer.seek(where, consumer.offsets_for_times({where: start["time"]})[where].offset)
            else:
                consumer.seek(where, start)
            while len(found) < count and time.monotonic() < deadline:
                for messages in consumer.poll(timeout_ms=200, max_records=count - len(found)).values():
                    found += [message_record(message) for message in messages]
        except UnboundLocalError as error:
            # What 1.4.7 makes of a codec that it does not know.
            raise NotSupportedError(f"no zstd in kafka-python {self.version}") from error
        finally:
            consumer.close()
        return {"records": found}

    def _with_consumer(self, method: str, *arguments: Any) -> Any:
        consumer = self._consumer(group_id=None)
        try:
            return getattr(consumer, method)(*arguments)
        finally:
            consumer.close()

    def do_offset_for_time(self, topic: str, partition: int, time: int) -> Json:
        """By the consumer's search."""
        where = TopicPartition(topic, partition)
        found = self._with_consumer("offsets_for_times", {where: time})[where]
        return {"offset": None if found is None else found.offset}

    def do_watermarks(self, topic: str, partition: int) -> Json:
        """By the consumer's two queries."""
        where = TopicPartition(topic, partition)
        low = self._with_consumer("beginning_offsets", [where])[where]
        return {"beginning": low, "end": self._with_consumer("end_offsets", [where])[where]}

    def join(self, group: str, topics: list[str], strategy: str, instance_id: str | None, session_ms: int) -> None:
        """Subscribe."""
        extra: Json = {}
        if instance_id:
            if "group_instance_id" not in KafkaConsumer.DEFAULT_CONFIG:
                raise NotSupportedError(f"no static members in kafka-python {self.version}")
            extra["group_instance_id"] = instance_id
        if strategy not in strategies():
            raise NotSupportedError(f"kafka-python {self.version} has {', '.join(strategies())}")
        self._member = self._consumer(
            group_id=group,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=500,
            partition_assignment_strategy=[strategies()[strategy]],
            **extra,
        )
        if not OLD:
            let_joins_finish(self._member)
        self._member.subscribe(topics, listener=self._listener)

    def rebalances(self) -> int | None:
        """As its listener counted."""
        return self._listener.count

    def member_poll(self, timeout_s: float) -> list[Json]:
        """What poll gives."""
        polled = self._member.poll(timeout_ms=int(timeout_s * 1000), max_records=500)
        return [message_record(message) for messages in polled.values() for message in messages]

    def assignment(self) -> list[Place]:
        """As the consumer has it."""
        return [(each.topic, each.partition) for each in self._member.assignment()]

    def commit(self, offsets: dict[Place, int]) -> None:
        """Synchronously."""
        from kafka.structs import OffsetAndMetadata

        rest = ["", -1][: len(OffsetAndMetadata._fields) - 1]
        self._member.commit({TopicPartition(*each): OffsetAndMetadata(at, *rest) for each, at in offsets.items()})

    def committed(self, topic: str, partition: int) -> int | None:
        """As the broker tells the member."""
        found: int | None = self._member.committed(TopicPartition(topic, partition))
        return found

    def leave(self) -> None:
        """Close the consumer."""
        self._member.close()

    def close(self) -> None:
        """Close the producers."""
        for producer in self._producers.values():
            producer.close(timeout=2)

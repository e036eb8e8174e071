"""confluent-kafka (librdkafka)."""

import time
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka import admin as confluent_admin
from tests.clients.workers.base import Adapter, Json, record_json, to_bytes

# The module re-exports its names without saying so to type checkers.
admin: Any = confluent_admin

TIMEOUT_S = 30
ALL_BROKERS_DOWN = {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._PARTITION_EOF}


def message_json(message: Message) -> Json:
    kind, stamp = message.timestamp()
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    headers: Any = message.headers() or []
    key: Any = message.key()
    value: Any = message.value()
    return record_json(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=stamp if kind else None,
        key=key,
        value=value,
        headers=[(name, data) for name, data in headers],
    )


class ConfluentAdapter(Adapter):
    """Producers are kept, so that they live through a restart of the broker."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producers: dict[str, Any] = {}
        self._member: Any = None
        self._admin: Any = None

    def _producer(self, codec: str, options: Json) -> Any:
        key = repr((codec, sorted(options.items())))
        if key not in self._producers:
            settings = {
                "bootstrap.servers": self._bootstrap,
                "compression.type": codec,
                "enable.idempotence": bool(options.get("idempotence")),
                "message.max.bytes": 2_000_000,
                "linger.ms": 20,
                "reconnect.backoff.max.ms": 1000,
                "sticky.partitioning.linger.ms": 0,
            }
            self._producers[key] = Producer(settings)
        return self._producers[key]

    def produce(self, topic: str, records: list[Json], codec: str, options: Json) -> list[list[int]]:
        producer = self._producer(codec, options)
        places: list[list[int]] = [[-1, -1] for _ in records]
        errors: list[KafkaError] = []

        def delivered(index: int, error: KafkaError | None, message: Any) -> None:
            if error is not None:
                errors.append(error)
            else:
                places[index] = [message.partition(), message.offset()]

        for index, record in enumerate(records):
            extra: Json = {}
            if record["partition"] is not None:
                extra["partition"] = record["partition"]
            if record["timestamp"] is not None:
                extra["timestamp"] = record["timestamp"]
            producer.produce(
                topic,
                key=to_bytes(record["key"]),
                value=to_bytes(record["value"]),
                headers=[(name, to_bytes(data)) for name, data in record["headers"]],
                on_delivery=lambda error, message, index=index: delivered(index, error, message),
                **extra,
            )
            producer.poll(0)
        left = producer.flush(TIMEOUT_S)
        if errors:
            raise KafkaException(errors[0])
        if left:
            raise TimeoutError(f"{left} records were not acknowledged")
        return places

    def _consumer(self, **settings: Any) -> Any:
        return Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 100,
                "reconnect.backoff.max.ms": 1000,
                **settings,
            }
        )

    def _read_assigned(self, assigned: list[TopicPartition], count: int, timeout_s: float) -> list[Json]:
        consumer = self._consumer(**{"group.id": "unused"})
        found: list[Json] = []
        try:
            consumer.assign(assigned)
            deadline = time.monotonic() + timeout_s
            while len(found) < count and time.monotonic() < deadline:
                for message in consumer.consume(500, 0.2):
                    if message.error():
                        raise KafkaException(message.error())
                    found.append(message_json(message))
        finally:
            consumer.close()
        return found

    def read(self, topic: str, partitions: list[int], count: int, timeout_s: float) -> list[Json]:
        return self._read_assigned([TopicPartition(topic, each, 0) for each in partitions], count, timeout_s)

    def _for_time(self, topic: str, partition: int, timestamp: int) -> int:
        consumer = self._consumer(**{"group.id": "unused"})
        try:
            (found,) = consumer.offsets_for_times([TopicPartition(topic, partition, timestamp)], timeout=TIMEOUT_S)
        finally:
            consumer.close()
        offset: int = found.offset
        return offset

    def offset_for_time(self, topic: str, partition: int, timestamp: int) -> int | None:
        offset = self._for_time(topic, partition, timestamp)
        return offset if offset >= 0 else None

    def read_from_time(self, topic: str, partition: int, timestamp: int, count: int, timeout_s: float) -> list[Json]:
        start = TopicPartition(topic, partition, self._for_time(topic, partition, timestamp))
        return self._read_assigned([start], count, timeout_s)

    def join(self, topic: str, group: str, options: Json) -> None:
        settings: Json = {
            "group.id": group,
            "session.timeout.ms": options.get("session_timeout_ms", 10_000),
            "heartbeat.interval.ms": 500,
            "partition.assignment.strategy": options.get("strategy", "range"),
            "topic.metadata.refresh.interval.ms": 2000,
        }
        if options.get("instance_id"):
            settings["group.instance.id"] = options["instance_id"]
        self._member = self._consumer(**settings)
        self._member.subscribe([topic])

    def poll(self, timeout_s: float) -> list[Json]:
        found = []
        for message in self._member.consume(500, timeout_s):
            error = message.error()
            if error is None:
                found.append(message_json(message))
            elif error.code() not in ALL_BROKERS_DOWN and not error.retriable():
                raise KafkaException(error)
        return found

    def assignment(self) -> list[list[Any]]:
        return [[each.topic, each.partition] for each in self._member.assignment()]

    def commit(self) -> None:
        positions = [each for each in self._member.position(self._member.assignment()) if each.offset >= 0]
        if positions:
            self._member.commit(offsets=positions, asynchronous=False)

    def leave(self) -> None:
        self._member.close()

    def close(self) -> None:
        for producer in self._producers.values():
            producer.flush(5)

    # Administrative calls.

    def _client(self) -> Any:
        if self._admin is None:
            self._admin = admin.AdminClient({"bootstrap.servers": self._bootstrap})
        return self._admin

    @staticmethod
    def _only(futures: dict[Any, Any]) -> Any:
        (future,) = futures.values()
        return future.result(TIMEOUT_S)

    def admin_create_topic(self, name: str, partitions: int, configs: dict[str, str]) -> None:
        self._only(self._client().create_topics([admin.NewTopic(name, partitions, 1, config=configs)]))

    def admin_delete_topic(self, name: str) -> None:
        self._only(self._client().delete_topics([name]))

    def admin_list_topics(self) -> list[str]:
        return list(self._client().list_topics(timeout=TIMEOUT_S).topics)

    def admin_describe_topic(self, name: str) -> Json:
        metadata = self._client().list_topics(name, timeout=TIMEOUT_S).topics[name]
        return {
            str(number): {"leader": each.leader, "replicas": each.replicas, "isr": each.isrs}
            for number, each in metadata.partitions.items()
        }

    def admin_create_partitions(self, name: str, total: int) -> None:
        self._only(self._client().create_partitions([admin.NewPartitions(name, total)]))

    def admin_describe_configs(self, topic: str) -> dict[str, str | None]:
        found = self._only(self._client().describe_configs([admin.ConfigResource(admin.ResourceType.TOPIC, topic)]))
        return {name: entry.value for name, entry in found.items()}

    def admin_alter_config(self, topic: str, name: str, value: str) -> None:
        entry = admin.ConfigEntry(name, value, incremental_operation=admin.AlterConfigOpType.SET)
        resource = admin.ConfigResource(admin.ResourceType.TOPIC, topic, incremental_configs=[entry])
        self._only(self._client().incremental_alter_configs([resource]))

    def admin_delete_records(self, topic: str, partition: int, before: int) -> int:
        found = self._only(self._client().delete_records([TopicPartition(topic, partition, before)]))
        low: int = found.low_watermark
        return low

    def admin_list_offsets(self, topic: str, partition: int, spec: str) -> int:
        kinds = admin.OffsetSpec
        specs = {
            "earliest": kinds.earliest(),
            "latest": kinds.latest(),
            "max": kinds.max_timestamp(),
        }
        found = self._only(self._client().list_offsets({TopicPartition(topic, partition): specs[spec]}))
        offset: int = found.offset
        return offset

    def admin_list_groups(self) -> list[str]:
        listing = self._client().list_consumer_groups(request_timeout=TIMEOUT_S).result()
        assert not listing.errors, listing.errors
        return [each.group_id for each in listing.valid]

    def admin_describe_group(self, group: str) -> Json:
        found = self._only(self._client().describe_consumer_groups([group]))
        members = [
            {
                "client_id": each.client_id,
                "host": each.host,
                "instance_id": each.group_instance_id,
                "assignment": [[part.topic, part.partition] for part in each.assignment.topic_partitions],
            }
            for each in found.members
        ]
        return {"state": found.state.name.title(), "protocol": found.partition_assignor, "members": members}

    def admin_group_offsets(self, group: str) -> dict[str, int]:
        found = self._only(self._client().list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
        return {f"{each.topic}-{each.partition}": each.offset for each in found.topic_partitions}

    def admin_alter_group_offset(self, group: str, topic: str, partition: int, offset: int) -> None:
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition, offset)])
        found = self._only(self._client().alter_consumer_group_offsets([wanted]))
        for each in found.topic_partitions:
            if each.error:
                raise KafkaException(each.error)

    def admin_delete_group(self, group: str) -> None:
        self._only(self._client().delete_consumer_groups([group]))

    def admin_describe_cluster(self) -> Json:
        found = self._client().describe_cluster().result(TIMEOUT_S)
        return {"cluster_id": found.cluster_id, "brokers": [node.id for node in found.nodes]}

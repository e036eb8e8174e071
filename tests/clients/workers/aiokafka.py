"""aiokafka; its loop runs in a thread of its own, so heartbeats go on between requests."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from tests.clients.workers.base import Adapter, BrokerError, Json, record_json, to_bytes

STRATEGIES = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
}


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


class AiokafkaAdapter(Adapter):
    """Producers are kept, so that they live through a restart of the broker."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._producers: dict[str, Any] = {}
        self._member: Any = None
        self._admin: Any = None

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _producer(self, codec: str, options: Json) -> Any:
        key = repr((codec, sorted(options.items())))
        if key not in self._producers:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                compression_type=None if codec == "none" else codec,
                acks="all",
                enable_idempotence=bool(options.get("idempotence")),
                linger_ms=20,
                max_request_size=2_000_000,
            )
            await producer.start()
            self._producers[key] = producer
        return self._producers[key]

    async def _produce(self, topic: str, records: list[Json], codec: str, options: Json) -> list[list[int]]:
        producer = await self._producer(codec, options)
        futures = [
            await producer.send(
                topic,
                key=to_bytes(record["key"]),
                value=to_bytes(record["value"]),
                headers=[(name, to_bytes(data)) for name, data in record["headers"]],
                partition=record["partition"],
                timestamp_ms=record["timestamp"],
            )
            for record in records
        ]
        done = await asyncio.gather(*futures)
        return [[each.partition, each.offset] for each in done]

    def produce(self, topic: str, records: list[Json], codec: str, options: Json) -> list[list[int]]:
        found: list[list[int]] = self._run(self._produce(topic, records, codec, options))
        return found

    async def _consumer(self, **settings: Any) -> Any:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
            **settings,
        )

    async def _read(
        self, topic: str, partitions: list[int], count: int, timeout_s: float, stamp: int | None
    ) -> list[Json]:
        consumer = await self._consumer(group_id=None)
        assigned = [TopicPartition(topic, each) for each in partitions]
        consumer.assign(assigned)
        await consumer.start()
        found: list[Json] = []
        try:
            if stamp is None:
                await consumer.seek_to_beginning(*assigned)
            else:
                for where, offset in (await consumer.offsets_for_times({assigned[0]: stamp})).items():
                    consumer.seek(where, offset.offset)
            deadline = time.monotonic() + timeout_s
            while len(found) < count and time.monotonic() < deadline:
                polled = await consumer.getmany(timeout_ms=200)
                found += [record_of(message) for messages in polled.values() for message in messages]
        finally:
            await consumer.stop()
        return found

    def read(self, topic: str, partitions: list[int], count: int, timeout_s: float) -> list[Json]:
        found: list[Json] = self._run(self._read(topic, partitions, count, timeout_s, None))
        return found

    async def _for_time(self, topic: str, partition: int, timestamp: int) -> int | None:
        consumer = await self._consumer(group_id=None)
        await consumer.start()
        try:
            where = TopicPartition(topic, partition)
            found = (await consumer.offsets_for_times({where: timestamp}))[where]
        finally:
            await consumer.stop()
        return None if found is None else found.offset

    def offset_for_time(self, topic: str, partition: int, timestamp: int) -> int | None:
        found: int | None = self._run(self._for_time(topic, partition, timestamp))
        return found

    def read_from_time(self, topic: str, partition: int, timestamp: int, count: int, timeout_s: float) -> list[Json]:
        found: list[Json] = self._run(self._read(topic, [partition], count, timeout_s, timestamp))
        return found

    async def _join(self, topic: str, group: str, options: Json) -> None:
        self._member = await self._consumer(
            group_id=group,
            session_timeout_ms=options.get("session_timeout_ms", 10_000),
            heartbeat_interval_ms=500,
            metadata_max_age_ms=2000,
            group_instance_id=options.get("instance_id"),
            partition_assignment_strategy=[STRATEGIES[options.get("strategy", "range")]],
        )
        self._member.subscribe([topic])
        await self._member.start()

    def join(self, topic: str, group: str, options: Json) -> None:
        self._run(self._join(topic, group, options))

    def poll(self, timeout_s: float) -> list[Json]:
        polled = self._run(self._member.getmany(timeout_ms=int(timeout_s * 1000)))
        return [record_of(message) for messages in polled.values() for message in messages]

    def assignment(self) -> list[list[Any]]:
        return [[each.topic, each.partition] for each in self._member.assignment()]

    def commit(self) -> None:
        self._run(self._member.commit())

    def leave(self) -> None:
        self._run(self._member.stop())

    def close(self) -> None:
        for producer in self._producers.values():
            self._run(producer.stop())

    # Administrative calls.

    async def _made_admin(self) -> Any:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
            await self._admin.start()
        return self._admin

    async def _admin_call(self, name: str, *args: Any, **options: Any) -> Any:
        return await getattr(await self._made_admin(), name)(*args, **options)

    def _call(self, name: str, *args: Any, **options: Any) -> Any:
        return self._run(self._admin_call(name, *args, **options))

    def admin_create_topic(self, name: str, partitions: int, configs: dict[str, str]) -> None:
        answer = self._call("create_topics", [NewTopic(name, partitions, 1, topic_configs=configs)])
        for _, code, *rest in answer.topic_errors:
            if code:
                raise BrokerError(code, str(rest))

    def admin_delete_topic(self, name: str) -> None:
        for _, code in self._call("delete_topics", [name]).topic_error_codes:
            if code:
                raise BrokerError(code)

    def admin_list_topics(self) -> list[str]:
        return list(self._call("list_topics"))

    def admin_describe_topic(self, name: str) -> Json:
        (found,) = self._call("describe_topics", [name])
        return {
            str(each["partition"]): {"leader": each["leader"], "replicas": each["replicas"], "isr": each["isr"]}
            for each in found["partitions"]
        }

    def admin_create_partitions(self, name: str, total: int) -> None:
        self._call("create_partitions", {name: NewPartitions(total)})

    def admin_describe_configs(self, topic: str) -> dict[str, str | None]:
        (answer,) = self._call("describe_configs", [ConfigResource(ConfigResourceType.TOPIC, topic)])
        ((code, message, _, _, entries),) = answer.resources
        if code:
            raise BrokerError(code, message)
        return {entry[0]: entry[1] for entry in entries}

    def admin_alter_config(self, topic: str, name: str, value: str) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})
        for answer in self._call("alter_configs", [resource]):
            for code, message, *_ in answer.resources:
                if code:
                    raise BrokerError(code, message)

    def admin_delete_records(self, topic: str, partition: int, before: int) -> int:
        where = TopicPartition(topic, partition)
        low: int = self._call("delete_records", {where: RecordsToDelete(before)})[where]
        return low

    def admin_list_groups(self) -> list[str]:
        return [each[0] for each in self._call("list_consumer_groups")]

    def admin_describe_group(self, group: str) -> Json:
        (answer,) = self._call("describe_consumer_groups", [group])
        ((_, _, state, _, protocol, members, *_),) = answer.groups
        described = [
            {"client_id": each[-4], "host": each[-3], "instance_id": None, "assignment": None} for each in members
        ]
        return {"state": state, "protocol": protocol, "members": described}

    def admin_group_offsets(self, group: str) -> dict[str, int]:
        found = self._call("list_consumer_group_offsets", group)
        return {f"{where.topic}-{where.partition}": each.offset for where, each in found.items()}

    def admin_describe_cluster(self) -> Json:
        found = self._call("describe_cluster")
        return {"cluster_id": found.get("cluster_id"), "brokers": [each["node_id"] for each in found["brokers"]]}

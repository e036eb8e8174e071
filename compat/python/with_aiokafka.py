"""aiokafka; its loop runs in a thread of its own, so heartbeats go on between requests."""

import asyncio
import inspect
import threading
import time
from collections.abc import Coroutine
from typing import Any

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from compat.python.loop import Adapter, BrokerError, Json, NotSupportedError, Place, message_record, paced, to_bytes

try:
    from aiokafka.coordinator.assignors.range import RangePartitionAssignor
    from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
    from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
except ModuleNotFoundError:  # 0.8 is built on kafka-python
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
    from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

try:
    from aiokafka.admin import NewPartitions, NewTopic
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
except ImportError:
    from kafka.admin import NewPartitions, NewTopic
    from kafka.admin.config_resource import ConfigResource, ConfigResourceType

STRATEGIES = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
}
LIMIT_BYTES = 4 << 20


class _Counter(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types where the checker runs
    """How many assignments there were."""

    def __init__(self) -> None:
        self.count = 0

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Not counted."""

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Counted."""
        del assigned
        self.count += 1


class AiokafkaAdapter(Adapter):
    """Producers are kept, so that they live through a restart of the broker."""

    client = "aiokafka"
    version = aiokafka.__version__

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._producers: dict[tuple[str, int, bool], Any] = {}
        self._member: Any = None
        self._listener = _Counter()
        self._admin: Any = None

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(self.timeout_s)
        finally:
            future.cancel()

    async def _producer(self, kind: tuple[str, int, bool]) -> Any:
        if kind not in self._producers:
            codec, acks, idempotent = kind
            producer = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap,
                client_id="compat",
                compression_type=None if codec == "none" else codec,
                acks="all" if acks == -1 else acks,
                enable_idempotence=idempotent,
                max_request_size=LIMIT_BYTES,
                metadata_max_age_ms=2000,
            )
            await producer.start()
            self._producers[kind] = producer
        return self._producers[kind]

    async def _produce(self, topic: str, records: list[Json], kind: Any, per_second: float | None) -> list[Any]:
        producer = await self._producer(kind)
        futures = []
        for record, wait_s in paced(records, per_second):
            if wait_s:
                await asyncio.sleep(wait_s)
            future = await producer.send(
                topic,
                key=to_bytes(record["key"]),
                value=to_bytes(record["value"]),
                headers=[(name, to_bytes(data)) for name, data in record["headers"]],
                partition=record["partition"],
                timestamp_ms=record["timestamp"],
            )
            futures.append(future)
        return await asyncio.gather(*futures)

    def do_produce(
        self,
        topic: str,
        records: list[Json],
        codec: str = "none",
        acks: int = -1,
        idempotent: bool = False,
        per_second: float | None = None,
    ) -> Json:
        """Send, and await every future."""
        done = self._run(self._produce(topic, records, (codec, acks, idempotent), per_second))
        return {"offsets": [None if each is None or acks == 0 else [each.partition, each.offset] for each in done]}

    def _consumer(self, **settings: Any) -> Any:
        return AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            client_id="compat",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            metadata_max_age_ms=2000,
            **settings,
        )

    async def _consume(self, topic: str, partition: int, start: Any, count: int) -> list[Json]:
        consumer = self._consumer(group_id=None)
        where = TopicPartition(topic, partition)
        consumer.assign([where])
        await consumer.start()
        found: list[Json] = []
        try:
            if start == "beginning":
                await consumer.seek_to_beginning(where)
            elif start == "end":
                await consumer.seek_to_end(where)
            elif isinstance(start, dict):
                consumer.seek(where, (await consumer.offsets_for_times({where: start["time"]}))[where].offset)
            else:
                consumer.seek(where, start)
            deadline = time.monotonic() + self.timeout_s - 1
            while len(found) < count and time.monotonic() < deadline:
                polled = await consumer.getmany(timeout_ms=200, max_records=count - len(found))
                found += [message_record(message) for messages in polled.values() for message in messages]
        finally:
            await consumer.stop()
        return found

    def do_consume(self, topic: str, partition: int, start: Any, count: int) -> Json:
        """Assign one partition and read."""
        return {"records": self._run(self._consume(topic, partition, start, count))}

    async def _with_consumer(self, method: str, *arguments: Any) -> Any:
        consumer = self._consumer(group_id=None)
        await consumer.start()
        try:
            return await getattr(consumer, method)(*arguments)
        finally:
            await consumer.stop()

    def do_offset_for_time(self, topic: str, partition: int, time: int) -> Json:
        """By the consumer's search."""
        where = TopicPartition(topic, partition)
        found = self._run(self._with_consumer("offsets_for_times", {where: time}))[where]
        return {"offset": None, "timestamp": None} if found is None else found._asdict()

    def do_watermarks(self, topic: str, partition: int) -> Json:
        """By the consumer's two queries."""
        where = TopicPartition(topic, partition)
        low = self._run(self._with_consumer("beginning_offsets", [where]))[where]
        high = self._run(self._with_consumer("end_offsets", [where]))[where]
        return {"beginning": low, "end": high}

    async def _join(self, group: str, topics: list[str], strategy: str, session_ms: int, extra: Json) -> None:
        self._member = self._consumer(
            group_id=group,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=500,
            partition_assignment_strategy=[STRATEGIES[strategy]],
            **extra,
        )
        self._member.subscribe(topics, listener=self._listener)
        await self._member.start()

    def join(self, group: str, topics: list[str], strategy: str, instance_id: str | None, session_ms: int) -> None:
        """Subscribe and start."""
        if strategy not in STRATEGIES:
            raise NotSupportedError("aiokafka has range, roundrobin and sticky")
        extra: Json = {}
        if instance_id:
            if "group_instance_id" not in inspect.signature(AIOKafkaConsumer.__init__).parameters:
                raise NotSupportedError(f"no static members in aiokafka {self.version}")
            extra["group_instance_id"] = instance_id
        self._run(self._join(group, topics, strategy, session_ms, extra))

    def rebalances(self) -> int | None:
        """As its listener counted."""
        return self._listener.count

    def member_poll(self, timeout_s: float) -> list[Json]:
        """What getmany gives."""
        polled = self._run(self._member.getmany(timeout_ms=int(timeout_s * 1000)))
        return [message_record(message) for messages in polled.values() for message in messages]

    def assignment(self) -> list[Place]:
        """As the consumer has it."""
        return [(each.topic, each.partition) for each in self._member.assignment()]

    def commit(self, offsets: dict[Place, int]) -> None:
        """Await the commit."""
        self._run(self._member.commit({TopicPartition(*place): offset for place, offset in offsets.items()}))

    def committed(self, topic: str, partition: int) -> int | None:
        """As the broker tells the member."""
        found: int | None = self._run(self._member.committed(TopicPartition(topic, partition)))
        return found

    def leave(self) -> None:
        """Stop the consumer."""
        self._run(self._member.stop())

    def close(self) -> None:
        """Stop the producers."""
        self.timeout_s = 3
        for producer in self._producers.values():
            self._run(producer.stop())

    # Administrative calls.

    async def _admin_call(self, name: str, *arguments: Any, **options: Any) -> Any:
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, client_id="compat")
            await admin.start()
            self._admin = admin
        return await getattr(self._admin, name)(*arguments, **options)

    def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        if not hasattr(AIOKafkaAdminClient, name):
            raise NotSupportedError(f"AIOKafkaAdminClient has no {name}")
        return self._run(self._admin_call(name, *arguments, **options))

    def do_create_topic(
        self,
        topic: str,
        partitions: int,
        replication_factor: int = 1,
        configs: dict[str, str] | None = None,
        validate_only: bool = False,
    ) -> None:
        """CreateTopics."""
        new = NewTopic(topic, partitions, replication_factor, topic_configs=configs or {})
        answer = self._call("create_topics", [new], validate_only=validate_only)
        for _, code, *rest in answer.topic_errors:
            if code:
                raise BrokerError(code, *rest)

    def do_delete_topic(self, topic: str) -> None:
        """DeleteTopics."""
        for _, code in self._call("delete_topics", [topic]).topic_error_codes:
            if code:
                raise BrokerError(code)

    def do_create_partitions(self, topic: str, total: int) -> None:
        """CreatePartitions."""
        answer = self._call("create_partitions", {topic: NewPartitions(total)})
        for _, code, message in answer.topic_errors:
            if code:
                raise BrokerError(code, message)

    def do_list_topics(self) -> Json:
        """Metadata of all."""
        return {"topics": list(self._call("list_topics"))}

    def do_describe_topic(self, topic: str) -> Json:
        """Metadata of one."""
        (found,) = self._call("describe_topics", [topic])
        names = ("partition", "leader", "replicas", "isr")
        return {"partitions": [{name: each[name] for name in names} for each in found["partitions"]]}

    def _resource(self, type: str, name: str, configs: Json | None = None) -> Any:
        if type == "group":
            raise NotSupportedError("aiokafka has settings of topics and brokers")
        return ConfigResource(ConfigResourceType[type.upper()], name, configs)

    def do_describe_configs(self, type: str, name: str) -> Json:
        """DescribeConfigs."""
        (answer,) = self._call("describe_configs", [self._resource(type, name)])
        ((code, message, _, _, entries),) = answer.resources
        if code:
            raise BrokerError(code, message)
        return {"configs": {entry[0]: entry[1] for entry in entries}}

    def do_alter_configs(self, type: str, name: str, configs: dict[str, str]) -> None:
        """AlterConfigs."""
        for answer in self._call("alter_configs", [self._resource(type, name, configs)]):
            for code, message, *_ in answer.resources:
                if code:
                    raise BrokerError(code, message)

    def do_delete_records(self, topic: str, partition: int, before: int) -> Json:
        """DeleteRecords."""
        if not hasattr(AIOKafkaAdminClient, "delete_records"):
            raise NotSupportedError("AIOKafkaAdminClient has no delete_records")
        from aiokafka.admin import RecordsToDelete

        where = TopicPartition(topic, partition)
        return {"low_watermark": self._call("delete_records", {where: RecordsToDelete(before)})[where]}

    def do_list_groups(self) -> Json:
        """ListGroups."""
        return {"groups": [each[0] for each in self._call("list_consumer_groups")]}

    def do_describe_group(self, group: str) -> Json:
        """DescribeGroups."""
        (answer,) = self._call("describe_consumer_groups", [group])
        ((code, _, state, _, protocol, members, *_),) = answer.groups
        if code:
            raise BrokerError(code)
        described = [{"client_id": each[-4], "host": each[-3], "assignment": None} for each in members]
        return {"state": state, "protocol": protocol, "members": described}

    def do_group_offsets(self, group: str) -> Json:
        """OffsetFetch."""
        found = self._call("list_consumer_group_offsets", group)
        return {"offsets": [[where.topic, where.partition, each.offset] for where, each in found.items()]}

    def do_describe_cluster(self) -> Json:
        """Metadata."""
        found = self._call("describe_cluster")
        return {
            "cluster_id": found.get("cluster_id"),
            "controller": found.get("controller_id"),
            "brokers": [each["node_id"] for each in found["brokers"]],
        }

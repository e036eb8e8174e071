"""confluent-kafka's asyncio classes, AIOProducer and AIOConsumer; their loop runs in a thread of its own."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any

import confluent_kafka
from compat.python.loop import Adapter, Json, NotSupportedError, Place, paced, to_bytes
from compat.python.with_confluent import PASSING, consumer_settings, member_settings, message_json, producer_settings
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.aio import AIOConsumer, AIOProducer


class ConfluentAsyncioAdapter(Adapter):
    """Producers are kept. There is no administrative class; topics can be listed with a consumer."""

    client = "confluent-kafka's asyncio classes"
    version = f"{confluent_kafka.__version__}, librdkafka {confluent_kafka.libversion()[0]}"

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._producers: dict[tuple[str, int, bool], Any] = {}
        self._member: Any = None
        self._assignments = 0

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(self.timeout_s + 5)

    async def _produce(
        self, topic: str, records: list[Json], codec: str, acks: int, idempotent: bool, pace: Any
    ) -> Any:
        kind = (codec, acks, idempotent)
        if kind not in self._producers:
            settings = producer_settings(self.bootstrap, codec, acks, idempotent=idempotent)
            self._producers[kind] = AIOProducer(settings, batch_size=100, buffer_timeout=0.1)
        producer = self._producers[kind]
        futures = []
        for record, wait_s in paced(records, pace):
            if wait_s:
                await asyncio.sleep(wait_s)
            options: Json = {}
            if record["partition"] is not None:
                options["partition"] = record["partition"]
            if record["timestamp"] is not None:
                options["timestamp"] = record["timestamp"]
            key, value = to_bytes(record["key"]), to_bytes(record["value"])
            futures.append(await producer.produce(topic, value=value, key=key, **options))
        async with asyncio.timeout(self.timeout_s):
            await producer.flush()
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
        if any(record["headers"] for record in records):
            raise NotSupportedError("AIOProducer refuses headers")
        if any(record["timestamp"] is not None for record in records):
            raise NotSupportedError("AIOProducer refuses timestamps")
        done = self._run(self._produce(topic, records, codec, acks, idempotent, per_second))
        return {"offsets": [[each.partition(), each.offset()] if acks else None for each in done]}

    async def _offset(self, consumer: Any, topic: str, partition: int, time: int) -> int:
        wanted = [TopicPartition(topic, partition, time)]
        (found,) = await consumer.offsets_for_times(wanted, timeout=self.timeout_s)
        offset: int = found.offset
        return offset

    async def _consume(self, topic: str, partition: int, start: Any, count: int) -> list[Json]:
        consumer = AIOConsumer(consumer_settings(self.bootstrap, "unused"))
        found: list[Json] = []
        deadline = time.monotonic() + self.timeout_s
        try:
            offset = {"beginning": confluent_kafka.OFFSET_BEGINNING, "end": confluent_kafka.OFFSET_END}.get(str(start))
            if isinstance(start, dict):
                offset = await self._offset(consumer, topic, partition, start["time"])
            await consumer.assign([TopicPartition(topic, partition, start if offset is None else offset)])
            while len(found) < count and time.monotonic() < deadline:
                for message in await consumer.consume(num_messages=count - len(found), timeout=0.1):
                    if message.error() is None:
                        found.append(message_json(message))
                    elif message.error().code() not in PASSING:
                        raise KafkaException(message.error())
        finally:
            await consumer.close()
        return found

    def do_consume(self, topic: str, partition: int, start: Any, count: int) -> Json:
        """Assign one partition and read."""
        return {"records": self._run(self._consume(topic, partition, start, count))}

    async def _with_consumer(self, method: str, *arguments: Any) -> Any:
        consumer = AIOConsumer(consumer_settings(self.bootstrap, "unused"))
        try:
            return await getattr(consumer, method)(*arguments, timeout=self.timeout_s)
        finally:
            await consumer.close()

    def do_offset_for_time(self, topic: str, partition: int, time: int) -> Json:
        """By the consumer's search."""
        (found,) = self._run(self._with_consumer("offsets_for_times", [TopicPartition(topic, partition, time)]))
        return {"offset": found.offset if found.offset >= 0 else None}

    def do_watermarks(self, topic: str, partition: int) -> Json:
        """By the consumer's query."""
        low, high = self._run(self._with_consumer("get_watermark_offsets", TopicPartition(topic, partition)))
        return {"beginning": low, "end": high}

    def do_list_topics(self) -> Json:
        """By a consumer's list_topics."""
        return {"topics": list(self._run(self._with_consumer("list_topics")).topics)}

    def do_describe_topic(self, topic: str) -> Json:
        """By a consumer's list_topics."""
        found = self._run(self._with_consumer("list_topics", topic)).topics[topic]
        return {
            "partitions": [
                {"partition": number, "leader": each.leader, "replicas": each.replicas, "isr": each.isrs}
                for number, each in found.partitions.items()
            ]
        }

    def join(self, group: str, topics: list[str], strategy: str, instance_id: str | None, session_ms: int) -> None:
        """Subscribe."""
        settings = member_settings(self.bootstrap, group, strategy, instance_id, session_ms)

        async def joined() -> None:
            self._member = AIOConsumer(settings)
            await self._member.subscribe(topics, on_assign=self._on_assign)

        self._run(joined())

    async def _on_assign(self, consumer: Any, partitions: Any) -> None:
        del consumer, partitions
        self._assignments += 1

    def rebalances(self) -> int | None:
        """Calls of on_assign."""
        return self._assignments

    def member_poll(self, timeout_s: float) -> list[Json]:
        """Messages that came."""
        found = []
        for message in self._run(self._member.consume(num_messages=500, timeout=timeout_s)):
            error = message.error()
            if error is None:
                found.append(message_json(message))
            elif error.code() not in PASSING and not error.retriable():
                raise KafkaException(error)
        return found

    def assignment(self) -> list[Place]:
        """As librdkafka has it."""
        return [(each.topic, each.partition) for each in self._run(self._member.assignment())]

    def commit(self, offsets: dict[Place, int]) -> None:
        """Synchronously."""
        wanted = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
        for each in self._run(self._member.commit(offsets=wanted, asynchronous=False)):
            if each.error:
                raise KafkaException(each.error)

    def committed(self, topic: str, partition: int) -> int | None:
        """As the broker tells the member."""
        wanted = [TopicPartition(topic, partition)]
        (found,) = self._run(self._member.committed(wanted, timeout=self.timeout_s))
        return found.offset if found.offset >= 0 else None

    def leave(self) -> None:
        """Close the consumer."""
        self._run(self._member.close())

    def close(self) -> None:
        """Give the producers a moment."""
        for producer in self._producers.values():
            self._run(producer.flush(2))

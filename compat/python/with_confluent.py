"""confluent-kafka (librdkafka), its synchronous classes."""

import time
from typing import Any

import confluent_kafka
from compat.python.confluent_admin import ConfluentAdmin
from compat.python.loop import Json, NotSupportedError, Place, paced, record_json, to_bytes
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

LIMIT_BYTES = 4 << 20
PASSING = {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._PARTITION_EOF, KafkaError._TIMED_OUT}


def message_json(message: Any) -> Json:
    """A message that was read."""
    kind, stamp = message.timestamp()
    return record_json(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp=stamp if kind else None,
        key=message.key(),
        value=message.value(),
        headers=[(name, data) for name, data in message.headers() or []],
    )


def producer_settings(bootstrap: str, codec: str, acks: int, *, idempotent: bool) -> Json:
    """librdkafka's settings of a producer."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "compat",
        "compression.type": codec,
        "acks": acks,
        "enable.idempotence": idempotent,
        "message.max.bytes": LIMIT_BYTES,
        "topic.metadata.refresh.interval.ms": 2000,
        "reconnect.backoff.max.ms": 1000,
    }


def consumer_settings(bootstrap: str, group: str) -> Json:
    """librdkafka's settings of a consumer."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "compat",
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "topic.metadata.refresh.interval.ms": 2000,
        "reconnect.backoff.max.ms": 1000,
    }


def member_settings(bootstrap: str, group: str, strategy: str, instance_id: str | None, session_ms: int) -> Json:
    """librdkafka's settings of a group member."""
    if strategy == "sticky":
        raise NotSupportedError("librdkafka has range, roundrobin and cooperative-sticky")
    settings = consumer_settings(bootstrap, group) | {
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": 500,
        "partition.assignment.strategy": strategy,
    }
    return settings | ({"group.instance.id": instance_id} if instance_id else {})


def sent(record: Json) -> Json:
    """The keyword arguments of ``produce``."""
    found: Json = {
        "key": to_bytes(record["key"]),
        "value": to_bytes(record["value"]),
        "headers": [(name, to_bytes(data)) for name, data in record["headers"]],
    }
    if record["partition"] is not None:
        found["partition"] = record["partition"]
    if record["timestamp"] is not None:
        found["timestamp"] = record["timestamp"]
    return found


class ConfluentAdapter(ConfluentAdmin):
    """Producers are kept, so that they live through a restart of the broker."""

    client = "confluent-kafka"
    version = f"{confluent_kafka.__version__}, librdkafka {confluent_kafka.libversion()[0]}"

    def __init__(self) -> None:
        super().__init__()
        self._producers: dict[tuple[str, int, bool], Any] = {}
        self._member: Any = None
        self._assignments = 0

    def do_produce(
        self,
        topic: str,
        records: list[Json],
        codec: str = "none",
        acks: int = -1,
        idempotent: bool = False,
        per_second: float | None = None,
    ) -> Json:
        """Send, and wait for every delivery report."""
        kind = (codec, acks, idempotent)
        if kind not in self._producers:
            self._producers[kind] = Producer(producer_settings(self.bootstrap, codec, acks, idempotent=idempotent))
        producer = self._producers[kind]
        places: list[list[int] | None] = [None for _ in records]
        errors: list[KafkaError] = []

        def delivered(index: int, error: KafkaError | None, message: Any) -> None:
            if error is not None:
                errors.append(error)
            elif acks != 0:
                places[index] = [message.partition(), message.offset()]

        deadline = time.monotonic() + self.timeout_s
        for index, (record, wait_s) in enumerate(paced(records, per_second)):
            producer.poll(wait_s)
            producer.produce(
                topic,
                on_delivery=lambda error, message, index=index: delivered(index, error, message),
                **sent(record),
            )
        left = producer.flush(deadline - time.monotonic())
        if errors:
            raise KafkaException(errors[0])
        if left:
            producer.purge()
            raise TimeoutError(f"{left} records were not acknowledged")
        return {"offsets": places}

    def _consumer(self) -> Any:
        return Consumer(consumer_settings(self.bootstrap, "unused"))

    def _for_time(self, consumer: Any, topic: str, partition: int, time: int) -> Any:
        (found,) = consumer.offsets_for_times([TopicPartition(topic, partition, time)], timeout=self.timeout_s)
        return found

    def do_consume(self, topic: str, partition: int, start: Any, count: int) -> Json:
        """Assign one partition and read."""
        consumer = self._consumer()
        found: list[Json] = []
        deadline = time.monotonic() + self.timeout_s
        try:
            offset = {"beginning": confluent_kafka.OFFSET_BEGINNING, "end": confluent_kafka.OFFSET_END}.get(str(start))
            if isinstance(start, dict):
                offset = self._for_time(consumer, topic, partition, start["time"]).offset
            consumer.assign([TopicPartition(topic, partition, start if offset is None else offset)])
            while len(found) < count and time.monotonic() < deadline:
                for message in consumer.consume(count - len(found), 0.1):
                    if message.error() is None:
                        found.append(message_json(message))
                    elif message.error().code() not in PASSING:
                        raise KafkaException(message.error())
        finally:
            consumer.close()
        return {"records": found}

    def do_offset_for_time(self, topic: str, partition: int, time: int) -> Json:
        """By the consumer's search."""
        consumer = self._consumer()
        try:
            offset = self._for_time(consumer, topic, partition, time).offset
        finally:
            consumer.close()
        return {"offset": offset if offset >= 0 else None}

    def do_watermarks(self, topic: str, partition: int) -> Json:
        """By the consumer's query."""
        consumer = self._consumer()
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=self.timeout_s)
        finally:
            consumer.close()
        return {"beginning": low, "end": high}

    def join(self, group: str, topics: list[str], strategy: str, instance_id: str | None, session_ms: int) -> None:
        """Subscribe."""
        self._member = Consumer(member_settings(self.bootstrap, group, strategy, instance_id, session_ms))
        self._member.subscribe(topics, on_assign=self._on_assign)

    def _on_assign(self, consumer: Any, partitions: Any) -> None:
        del consumer, partitions
        self._assignments += 1

    def rebalances(self) -> int | None:
        """Calls of on_assign."""
        return self._assignments

    def member_poll(self, timeout_s: float) -> list[Json]:
        """Messages that came."""
        found = []
        for message in self._member.consume(500, timeout_s):
            error = message.error()
            if error is None:
                found.append(message_json(message))
            elif error.code() not in PASSING and not error.retriable():
                raise KafkaException(error)
        return found

    def assignment(self) -> list[Place]:
        """As librdkafka has it."""
        return [(each.topic, each.partition) for each in self._member.assignment()]

    def commit(self, offsets: dict[Place, int]) -> None:
        """Synchronously."""
        wanted = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
        for each in self._member.commit(offsets=wanted, asynchronous=False):
            if each.error:
                raise KafkaException(each.error)

    def committed(self, topic: str, partition: int) -> int | None:
        """As the broker tells the member."""
        (found,) = self._member.committed([TopicPartition(topic, partition)], timeout=self.timeout_s)
        return found.offset if found.offset >= 0 else None

    def leave(self) -> None:
        """Close the consumer."""
        self._member.close()

    def close(self) -> None:
        """Give the producers a moment."""
        for producer in self._producers.values():
            producer.flush(2)

"""Testing code that uses confluent-kafka: a fresh topic for each test, a real broker, no mocks."""

import json

from confluent_kafka import Consumer, Message, Producer

from ottla.testing import Broker

# -- the code under test ------------------------------------------------------------------------------------------


def publish_order(producer: Producer, topic: str, order: dict[str, object]) -> None:
    """Write an order, keyed by its customer, so that the orders of one customer stay in order."""
    producer.produce(topic, json.dumps(order).encode(), key=str(order["customer"]), headers={"kind": "order"})
    producer.flush(10)


def total_of(bootstrap_servers: str, topic: str, group: str) -> int:
    """Add up the orders that the group has not seen yet, and commit."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.subscribe([topic])
    total = 0
    try:
        while (message := next_message(consumer)) is not None:
            total += json.loads(message.value() or b"{}")["amount"]
        consumer.commit(asynchronous=False)
    finally:
        consumer.close()
    return total


def next_message(consumer: Consumer) -> Message | None:
    """Return the next message, None at the end of the (only) partition."""
    while True:
        message = consumer.poll(1.0)
        if message is not None:
            return None if message.error() else message


# -- its tests ----------------------------------------------------------------------------------------------------


def test_an_order_is_written_with_its_key(ottla_broker: Broker, ottla_topic: str) -> None:
    producer = Producer({"bootstrap.servers": ottla_broker.bootstrap_servers})
    publish_order(producer, ottla_topic, {"customer": 7, "amount": 3})

    (record,) = ottla_broker.records(ottla_topic)
    assert record.key == b"7"
    assert json.loads(record.value or b"") == {"customer": 7, "amount": 3}
    assert ("kind", b"order") in record.headers


def test_a_total_goes_on_where_it_stopped(ottla_broker: Broker, ottla_topic: str) -> None:
    ottla_broker.produce(ottla_topic, '{"amount": 1}', '{"amount": 2}')
    assert total_of(ottla_broker.bootstrap_servers, ottla_topic, "totals") == 3

    ottla_broker.produce(ottla_topic, '{"amount": 10}')
    assert total_of(ottla_broker.bootstrap_servers, ottla_topic, "totals") == 10
    assert ottla_broker.groups()["totals"].lag == 0

"""Testing a FastAPI application with a consumer: requests go in, records come out, and the other way round."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from fastapi_app import ORDERS, SHIPMENTS, make_app

from ottla.testing import Broker


@pytest.fixture
def client(ottla_broker: Broker) -> Iterator[TestClient]:
    ottla_broker.create_topic(ORDERS)
    ottla_broker.create_topic(SHIPMENTS)
    with TestClient(make_app(ottla_broker.bootstrap_servers)) as client:
        yield client
    ottla_broker.delete_topic(ORDERS)
    ottla_broker.delete_topic(SHIPMENTS)


def test_a_request_becomes_a_record(client: TestClient, ottla_broker: Broker) -> None:
    assert client.post("/orders/17", json={"item": "tea"}).status_code == 202

    (record,) = ottla_broker.records(ORDERS)
    assert record.key == b"17"
    assert json.loads(record.value or b"") == {"order": "17", "item": "tea"}


def test_a_record_becomes_an_answer(client: TestClient, ottla_broker: Broker) -> None:
    assert client.get("/orders/18").status_code == 404

    ottla_broker.produce(SHIPMENTS, '{"order": "18", "by": "bicycle"}')
    ottla_broker.wait_for_group("shop", lag=0)
    assert client.get("/orders/18").json() == {"order": "18", "by": "bicycle"}

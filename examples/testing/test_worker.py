"""Testing a synchronous worker: run to a number of records, run in the background, and run into a fault."""

import sqlite3
import threading
from pathlib import Path

import pytest
import worker

from ottla.testing import Broker


@pytest.fixture(autouse=True)
def _settings(ottla_broker: Broker, ottla_topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the worker at the broker; with pytest-django it is ``settings.KAFKA = {...}``."""
    kafka = {
        **worker.SETTINGS["KAFKA"],
        "bootstrap.servers": ottla_broker.bootstrap_servers,
        "group.id": f"payments of {ottla_topic}",
    }
    monkeypatch.setitem(worker.SETTINGS, "KAFKA", kafka)
    monkeypatch.setitem(worker.SETTINGS, "PAYMENTS_TOPIC", ottla_topic)
    monkeypatch.setitem(worker.SETTINGS, "DATABASE", str(tmp_path / "db.sqlite3"))


def payments() -> dict[str, int]:
    database = sqlite3.connect(worker.SETTINGS["DATABASE"])
    try:
        return dict(database.execute("SELECT id, amount FROM payment"))
    finally:
        database.close()


def test_payments_are_saved(ottla_broker: Broker, ottla_topic: str) -> None:
    ottla_broker.produce(ottla_topic, '{"id": "a", "amount": 1}', '{"id": "b", "amount": 2}')
    worker.Command().handle(records=2)
    assert payments() == {"a": 1, "b": 2}


def test_a_payment_that_comes_twice_is_saved_once(ottla_broker: Broker, ottla_topic: str) -> None:
    ottla_broker.produce(ottla_topic, *['{"id": "a", "amount": 1}'] * 2)
    worker.Command().handle(records=2)
    assert payments() == {"a": 1}


def test_a_worker_that_fails_begins_again_with_what_it_had_not_saved(ottla_broker: Broker, ottla_topic: str) -> None:
    ottla_broker.produce(ottla_topic, '{"id": "a", "amount": 1}', "no JSON")
    with pytest.raises(ValueError, match="Expecting value"):
        worker.Command().handle()
    assert payments() == {"a": 1}
    assert ottla_broker.groups()[f"payments of {ottla_topic}"].lag == 1


def test_a_worker_in_the_background(ottla_broker: Broker, ottla_topic: str) -> None:
    command = worker.Command()
    thread = threading.Thread(target=command.handle)
    thread.start()
    try:
        ottla_broker.produce(ottla_topic, '{"id": "a", "amount": 1}')
        ottla_broker.wait_for_group(f"payments of {ottla_topic}", lag=0)
        assert payments() == {"a": 1}
    finally:
        command.stopping = True
        thread.join()

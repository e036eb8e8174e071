"""Changes that clients make, against what Kafka makes of the same ones."""

from typing import Any

import pytest

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.runtime.settings import BrokerConfig, Settings
from ottla.runtime.settings.dynamic import (
    is_dynamic,
    validate_broker_dynamic,
)

OUR_SENTENCES = ("requirement failed", "Error parsing configuration property", "/ by zero")
"""Where Kafka shows an assertion of its own, we say what to do instead."""

ACCEPTED_HERE = {"principal.builder.class", "listeners", "log.cleaner.threads"}
"""No class is loaded; the listeners of the case lack its controller; no cleaner threads is no division by zero."""

REFUSED_WHILE_RUNNING = ("Dynamic thread count update validation failed", "Log cleaner threads")
"""What Kafka's answers here were recorded without: a running broker's thread pools and cleaner."""


def test_a_brokers_dynamic_settings(kafka_answers: dict[str, Any]) -> None:
    wrong = []
    for given, per_broker, expected in kafka_answers["dynamic"]:
        outcome = None
        try:
            validate_broker_dynamic(BrokerConfig(), given, per_broker=per_broker)
        except ApiError as error:
            outcome = error.message if error.code is ErrorCode.INVALID_REQUEST else repr(error.code)
        if expected is not None and expected[2].startswith(OUR_SENTENCES) and outcome is not None:
            continue
        if expected is None and outcome is not None and outcome.startswith(REFUSED_WHILE_RUNNING):
            continue
        if expected is not None and ACCEPTED_HERE & given.keys():
            continue
        if _sorted(outcome) != _sorted(expected and expected[2]):
            wrong.append((given, per_broker, outcome, expected))
    assert wrong == []


def _sorted(message: str | None) -> tuple[str, list[str]] | None:
    """The sentence and the names it lists: their order is that of a hash table."""
    if message is None or "Set(" not in message:
        return None if message is None else (message, [])
    sentence, _, listed = message.rstrip(")").partition("Set(")
    return sentence, sorted(listed.split(", "))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"log.cleaner.threads": "0"}, "Log cleaner threads should be at least 1"),
        (
            {"log.cleaner.threads": "3"},
            "Log cleaner threads cannot be increased to more than double the current value 1",
        ),
        (
            {"num.io.threads": "17"},
            "Dynamic thread count update validation failed for num.io.threads=17, value should not be greater than "
            "double the current value 8",
        ),
        (
            {"num.io.threads": "3"},
            "Dynamic thread count update validation failed for num.io.threads=3, value should be at least half the "
            "current value 8",
        ),
        (
            {"num.recovery.threads.per.data.dir": "5"},
            "Dynamic thread count update validation failed for num.recovery.threads.per.data.dir=5, value should not "
            "be greater than double the current value 2",
        ),
        ({"max.connection.creation.rate": "0"}, "Invalid max.connection.creation.rate 0"),
        ({"listeners": "PLAINTEXT://:1"}, "Cannot update these configs dynamically: Set(listeners)"),
    ],
)
def test_what_a_running_broker_refuses(given: dict[str, str], message: str) -> None:
    """Asked of a running Apache Kafka 4.2.0, all but the last."""
    with pytest.raises(ApiError) as caught:
        validate_broker_dynamic(BrokerConfig(), given, per_broker=True)
    assert (caught.value.code, caught.value.message) == (ErrorCode.INVALID_REQUEST, message)


@pytest.mark.parametrize(
    "given",
    [
        {"log.cleaner.threads": "2"},
        {"num.io.threads": "4"},
        {"num.io.threads": "16"},
        {"num.network.threads": "1"},
        {"num.recovery.threads.per.data.dir": "1"},
        {"max.connection.creation.rate": "1"},
    ],
)
def test_what_a_running_broker_takes(given: dict[str, str]) -> None:
    validate_broker_dynamic(BrokerConfig(), given, per_broker=False)


def test_how_far_threads_may_go_is_measured_from_now() -> None:
    config = BrokerConfig()
    config.set_cluster_dynamic({"log.cleaner.threads": "2"})
    validate_broker_dynamic(config, {"log.cleaner.threads": "4"}, per_broker=False)
    validate_broker_dynamic(config, {"log.cleaner.threads": "2", "log.cleaner.backoff.ms": "1"}, per_broker=False)


def test_which_settings_are_dynamic() -> None:
    assert is_dynamic("log.retention.ms")
    assert is_dynamic("leader.replication.throttled.rate")
    assert is_dynamic("listener.name.x.ssl.client.auth")
    assert not is_dynamic("num.partitions")
    assert not is_dynamic("no.such.setting")


def test_a_change_is_checked_against_the_other_layers() -> None:
    broker = BrokerConfig(Settings({"max.connections.per.ip.overrides": "h:1"}))
    validate_broker_dynamic(broker, {"max.connections.per.ip": "0"}, per_broker=True)
    with pytest.raises(ApiError):
        validate_broker_dynamic(BrokerConfig(), {"max.connections.per.ip": "0"}, per_broker=True)

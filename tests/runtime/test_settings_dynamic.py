"""Changes that clients make, against what Kafka makes of the same ones."""

from typing import Any

import pytest

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.runtime.settings import BrokerConfig, Settings
from ottla.runtime.settings.dynamic import (
    Operation,
    apply_operations,
    check_operations,
    is_dynamic,
    validate_broker_dynamic,
)
from ottla.runtime.settings.table import BROKER, CLIENT_METRICS, GROUP, TOPIC

TABLES = {"TOPIC": TOPIC, "GROUP": GROUP, "CLIENT_METRICS": CLIENT_METRICS, "BROKER": BROKER}

OUR_SENTENCES = ("requirement failed", "Error parsing configuration property", "/ by zero")
"""Where Kafka shows an assertion of its own, we say what to do instead."""

ACCEPTED_HERE = {"principal.builder.class", "listeners", "log.cleaner.threads"}
"""No class is loaded; the listeners of the case lack its controller; no cleaner threads is no division by zero."""


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


def test_steps_of_an_incremental_change(kafka_answers: dict[str, Any]) -> None:
    wrong = []
    for kind, before, operations, (after, refusal) in kafka_answers["alter"]:
        steps = [(name, Operation[operation], value) for name, operation, value in operations]
        try:
            outcome = apply_operations(TABLES[kind], before, steps)
        except ApiError as error:
            if refusal != [error.code.name, error.message]:
                wrong.append((kind, before, operations, error.message, refusal))
            continue
        if refusal is None and outcome != after:
            wrong.append((kind, before, operations, str(outcome), after))
        if refusal is not None and "is not LIST" in refusal[1]:
            wrong.append((kind, before, operations, str(outcome), refusal))
    assert wrong == []


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([("a", 0, "1"), ("a", 1, None)], "Error due to duplicate config keys"),
        ([("a", 0, None), ("b", 2, None)], "Null value not supported for : a, b"),
        ([("a", 9, "1")], "Unknown operations type 9"),
    ],
)
def test_steps_that_no_resource_takes(steps: list[tuple[str, int, str | None]], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_operations(steps)
    assert (caught.value.code, caught.value.message) == (ErrorCode.INVALID_REQUEST, message)


def test_steps_that_are_well_formed() -> None:
    check_operations([("a", 0, "1"), ("b", 1, None), ("c", 2, "x")])


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

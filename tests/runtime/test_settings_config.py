"""The settings in force: layers, synonyms, listeners, and the defaults of topics and groups."""

import logging
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.runtime.settings import (
    BrokerConfig,
    Settings,
    group_values,
    topic_values,
    validate_group_configs,
    validate_topic_configs,
)
from ottla.runtime.settings.table import BROKER, TOPIC


def config(**texts: str) -> BrokerConfig:
    return BrokerConfig(Settings({name.replace("_", "."): text for name, text in texts.items()}))


def test_typed_access() -> None:
    broker = config(ssl_key_password="s3cret", log_dirs="/a,/b")
    assert broker.int("num.partitions") == 1
    assert broker.bool("auto.create.topics.enable") is True
    assert broker.float("log.cleaner.min.cleanable.ratio") == 0.5
    assert broker.str("compression.type") == "producer"
    assert broker.list("log.dirs") == ("/a", "/b")
    assert broker.list("advertised.listeners") == ()
    assert broker.optional_str("broker.rack") is None
    assert broker.optional_int("log.retention.ms") is None
    assert broker.secret("ssl.key.password") == "s3cret"
    assert broker.secret("ssl.keystore.password") is None
    assert "s3cret" not in repr(broker.values)
    assert broker.metadata_dir == "/a"
    assert config(ottla_metadata_dir="/m").metadata_dir == "/m"
    with pytest.raises(KeyError):
        broker.int("no.such.setting")


def test_nearest_layer_wins_and_the_dict_stays_the_same() -> None:
    broker = config(message_max_bytes="10")
    values = broker.values
    assert values["message.max.bytes"] == 10
    assert broker.set_cluster_dynamic({"message.max.bytes": "20"}) == {"message.max.bytes"}
    assert values["message.max.bytes"] == 20
    broker.set_dynamic({"message.max.bytes": "30"})
    assert values["message.max.bytes"] == 30
    broker.set_dynamic({})
    assert values["message.max.bytes"] == 20
    broker.set_cluster_dynamic({})
    assert values["message.max.bytes"] == 10
    assert broker.values is values


@pytest.mark.parametrize(
    ("texts", "expected_ms"),
    [
        ({}, 168 * 3_600_000),
        ({"log.retention.hours": "2"}, 7_200_000),
        ({"log.retention.hours": "2", "log.retention.minutes": "3"}, 180_000),
        ({"log.retention.hours": "2", "log.retention.minutes": "3", "log.retention.ms": "4"}, 4),
        ({"log.retention.hours": "-2"}, -1),
        ({"log.retention.ms": "-7"}, -1),
    ],
)
def test_retention_by_its_three_names(texts: dict[str, str], expected_ms: int) -> None:
    assert BrokerConfig(Settings(texts)).topic_defaults["retention.ms"] == expected_ms


def test_other_times_of_topics() -> None:
    assert config(log_roll_hours="2").topic_defaults["segment.ms"] == 7_200_000
    assert config(log_roll_hours="2", log_roll_ms="5").topic_defaults["segment.ms"] == 5
    assert config(log_roll_jitter_hours="1").topic_defaults["segment.jitter.ms"] == 3_600_000
    assert config().topic_defaults["flush.ms"] == (1 << 63) - 1
    assert config(log_flush_scheduler_interval_ms="9").topic_defaults["flush.ms"] == 9
    assert config(log_flush_scheduler_interval_ms="9", log_flush_interval_ms="8").topic_defaults["flush.ms"] == 8


def test_a_dynamic_value_hides_static_synonyms() -> None:
    broker = config(log_retention_ms="5", log_retention_hours="1")
    broker.set_cluster_dynamic({"log.retention.ms": "70"})
    assert broker.topic_defaults["retention.ms"] == 70
    assert broker.values["log.retention.hours"] == 168
    broker.set_cluster_dynamic({})
    assert broker.topic_defaults["retention.ms"] == 5


def test_topic_defaults_without_changes_are_kafkas() -> None:
    defaults = config().topic_defaults
    assert {name: defaults[name] for name in TOPIC} == {name: setting.default for name, setting in TOPIC.items()}


def test_change_listeners_hear_what_changed() -> None:
    broker = config()
    heard: list[tuple[str, frozenset[str]]] = []
    broker.on_change(["message.max.bytes"], lambda names: heard.append(("size", names)))
    broker.on_change([], lambda names: heard.append(("all", names)))
    broker.set_dynamic({"log.cleaner.threads": "2"})
    assert heard == [("all", frozenset({"log.cleaner.threads"}))]
    heard.clear()
    broker.set_dynamic({"log.cleaner.threads": "2", "message.max.bytes": "5"})
    assert heard == [("size", frozenset({"message.max.bytes"})), ("all", frozenset({"message.max.bytes"}))]
    heard.clear()
    assert broker.set_dynamic({"log.cleaner.threads": "2", "message.max.bytes": "5"}) == frozenset()
    assert heard == []


def test_settings_of_one_listener_come_and_go() -> None:
    broker = config()
    name = "listener.name.internal.max.connections"
    broker.set_dynamic({name: "5"})
    assert broker.values[name] == 5
    assert broker.int("max.connections") == (1 << 31) - 1
    broker.set_dynamic({})
    assert name not in broker.values


def test_a_stored_value_that_is_refused_cannot_stop_a_start(caplog: pytest.LogCaptureFixture) -> None:
    broker = config(message_max_bytes="10")
    with caplog.at_level(logging.WARNING):
        assert broker.set_dynamic({"message.max.bytes": "x", "who.knows": "y"}) == frozenset()
    assert broker.int("message.max.bytes") == 10
    assert "message.max.bytes" in caplog.text


names = sorted(
    name for name, setting in BROKER.items() if setting.type.name in ("INT", "LONG") and setting.rule is not None
)
layers = st.dictionaries(st.sampled_from(names), st.integers(5, 9).map(str), max_size=4)


@hypothesis.given(layers, layers, layers)
def test_order_of_changes_does_not_matter(static: dict[str, str], cluster: dict[str, str], own: dict[str, str]) -> None:
    static = {name: text for name, text in static.items() if name != "node.id"}
    first, second = (BrokerConfig(_settings(static)) for _ in range(2))
    first.set_cluster_dynamic(cluster)
    first.set_dynamic(own)
    second.set_dynamic(own)
    second.set_cluster_dynamic(cluster)
    assert first.values == second.values


def _settings(texts: dict[str, str]) -> Settings:
    settings = Settings()
    for name, text in texts.items():
        settings.texts[name] = text
        settings.values[name] = int(text)
    return settings


def test_topic_values() -> None:
    broker = config(log_cleanup_policy="compact")
    values = topic_values(broker, {"retention.ms": "5", "max.message.bytes": "nonsense", "old.setting": "1"})
    assert values["retention.ms"] == 5
    assert values["max.message.bytes"] == 1_048_588
    assert values["cleanup.policy"] == ("compact",)
    assert values.keys() == TOPIC.keys()
    assert broker.topic_defaults["retention.ms"] == 604_800_000


def test_group_values() -> None:
    broker = BrokerConfig(Settings({"group.consumer.session.timeout.ms": "50000"}))
    values = group_values(broker, {"share.auto.offset.reset": "earliest"})
    assert values["consumer.session.timeout.ms"] == 50_000
    assert values["share.auto.offset.reset"] == "earliest"
    assert values["streams.num.standby.replicas"] == 0


def refusal(
    validate: Callable[[BrokerConfig, Any], object], broker: BrokerConfig, asked: Any
) -> tuple[ErrorCode, str | None] | None:
    try:
        validate(broker, asked)
    except ApiError as error:
        return error.code, error.message
    return None


def test_topic_settings_are_refused_as_kafka_refuses_them(kafka_answers: dict[str, Any]) -> None:
    wrong = []
    for broker_texts, asked, expected in kafka_answers["topic"]:
        outcome = refusal(validate_topic_configs, BrokerConfig(Settings(broker_texts)), asked)
        if outcome != (expected and (ErrorCode.INVALID_CONFIG, expected[2])):
            wrong.append((asked, outcome, expected))
    assert wrong == []


def test_group_settings_are_refused_as_kafka_refuses_them(kafka_answers: dict[str, Any]) -> None:
    wrong = []
    for asked, expected in kafka_answers["group"]:
        outcome = refusal(validate_group_configs, config(), asked)
        if outcome != (expected and (ErrorCode.INVALID_CONFIG, expected[2])):
            wrong.append((asked, outcome, expected))
    assert wrong == []


def test_validation_returns_typed_values() -> None:
    assert validate_topic_configs(config(), {"cleanup.policy": "compact, delete", "retention.ms": " 5 "}) == {
        "cleanup.policy": ("compact", "delete"),
        "retention.ms": 5,
    }

"""The table of settings against Kafka's own: names, types, defaults, rules, importance, update modes, synonyms."""

from typing import Any

import pytest

from ottla.runtime.settings.model import Setting, SettingError, Type, UpdateMode
from ottla.runtime.settings.table import (
    BROKER,
    BROKER_SETTING_OF_TOPIC,
    CLIENT_METRICS,
    DYNAMIC_ONLY,
    GROUP,
    GROUPS,
    TOPIC,
    broker_setting,
    listener_base_name,
    synonyms,
)
from ottla.runtime.settings.texts import value_to_text
from ottla.runtime.settings.values import parse_value

TABLES = {
    "broker": BROKER,
    "dynamic_only": BROKER,
    "topic": TOPIC,
    "group": GROUP,
    "client_metrics": CLIENT_METRICS,
}

OTHER_DEFAULTS = {
    "log.dir": "ottla-data",
    "listeners": "PLAINTEXT://127.0.0.1:9092",
    "node.id": "1",
}
"""Where Ottla starts without being told anything, and Kafka does not (docs/deviations.md)."""

OPTIONAL_HERE = {"process.roles", "controller.listener.names", "node.id"}
"""What Kafka demands and Ottla does not need."""

STATIC_HERE = {"listeners", "listener.security.protocol.map"}
"""What Kafka can change while it runs and Ottla cannot."""


def facts_with_settings(facts: dict[str, Any]) -> list[tuple[dict[str, Any], Setting]]:
    return [(fact, table[fact["name"]]) for section, table in TABLES.items() for fact in facts[section]]


def test_every_setting_of_kafka_is_known(kafka_facts: dict[str, Any]) -> None:
    ours = {name for name in BROKER if not name.startswith("ottla.")}
    assert ours == {fact["name"] for section in ("broker", "dynamic_only") for fact in kafka_facts[section]}
    assert len(kafka_facts["broker"]) == 341
    assert set(TOPIC) == {fact["name"] for fact in kafka_facts["topic"]}
    assert set(GROUP) == {fact["name"] for fact in kafka_facts["group"]}
    assert set(CLIENT_METRICS) == {fact["name"] for fact in kafka_facts["client_metrics"]}
    assert {fact["name"] for fact in kafka_facts["dynamic_only"]} == DYNAMIC_ONLY


def test_no_setting_stands_in_two_groups() -> None:
    assert len(BROKER) == sum(len(rows) for _, rows in GROUPS)


def test_types_importance_and_visibility(kafka_facts: dict[str, Any]) -> None:
    for fact, setting in facts_with_settings(kafka_facts):
        assert (setting.type.name, setting.importance.value, setting.internal) == (
            fact["type"],
            fact["importance"],
            fact["internal"],
        ), setting.name


def test_defaults(kafka_facts: dict[str, Any]) -> None:
    for fact, setting in facts_with_settings(kafka_facts):
        expected = OTHER_DEFAULTS.get(setting.name, fact["default"])
        assert value_to_text(setting.default) == expected, setting.name
        assert not fact["required"] or setting.name in OPTIONAL_HERE


def test_defaults_keep_their_own_rules() -> None:
    for table in (BROKER, TOPIC, GROUP, CLIENT_METRICS):
        for setting in table.values():
            text = value_to_text(setting.default)
            if text is not None:
                assert parse_value(setting, text) == setting.default, setting.name


def test_rules_read_as_kafka_prints_them(kafka_facts: dict[str, Any]) -> None:
    for fact, setting in facts_with_settings(kafka_facts):
        expected = None if fact["validator"] is None else fact["validator"]
        assert (None if setting.rule is None else str(setting.rule)) == expected, setting.name


def is_list_with_doubles(setting: Setting, sample: str) -> bool:
    """Kafka drops doubles when it reads a whole configuration; its samples here were read one by one."""
    return setting.type is Type.LIST and sample == "a, a"


def test_sample_values_are_read_and_refused_as_kafka_does(kafka_facts: dict[str, Any]) -> None:
    wrong = []
    for fact, setting in facts_with_settings(kafka_facts):
        if setting.type in (Type.CLASS, Type.PASSWORD):
            continue  # a class cannot be loaded here, a password is never shown
        for sample, expected in zip(kafka_facts["samples"], fact["results"], strict=True):
            if is_list_with_doubles(setting, sample):
                continue
            if isinstance(expected, int):
                expected = kafka_facts["messages"][expected].replace("{name}", setting.name)
            try:
                outcome = value_to_text(parse_value(setting, sample))
            except SettingError as error:
                outcome = str(error)
            if outcome != expected:
                wrong.append((setting.name, sample, outcome, expected))
    assert wrong == []


def test_update_modes(kafka_facts: dict[str, Any]) -> None:
    modes = kafka_facts["update_modes"]
    for name, setting in BROKER.items():
        if name in DYNAMIC_ONLY or name.startswith("ottla."):
            continue
        if name in STATIC_HERE:
            assert setting.update_mode is UpdateMode.READ_ONLY
            continue
        assert setting.update_mode is UpdateMode(modes.get(name, "read-only")), name


def test_synonyms(kafka_facts: dict[str, Any]) -> None:
    for name in BROKER:
        assert list(synonyms(name)) == kafka_facts["synonyms"].get(name, [name]), name
    assert kafka_facts["topic_synonym"] == BROKER_SETTING_OF_TOPIC


def test_only_passwords_are_sensitive() -> None:
    assert {name for name, setting in BROKER.items() if setting.sensitive} == {
        name for name, setting in BROKER.items() if setting.type is Type.PASSWORD
    }
    assert BROKER["ssl.keystore.key"].sensitive


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("listener.name.internal.ssl.client.auth", "ssl.client.auth"),
        ("listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config", "sasl.jaas.config"),
        ("listener.name.sasl_ssl.plain.connections.max.reauth.ms", "connections.max.reauth.ms"),
        ("listener.name.x", None),
        ("ssl.client.auth", None),
    ],
)
def test_settings_of_one_listener(name: str, base: str | None) -> None:
    assert listener_base_name(name) == base
    if base is not None:
        assert broker_setting(name) is BROKER[base]
        assert synonyms(name) == (name, base)


def test_our_own_settings_carry_our_prefix() -> None:
    ottla = [setting for title, rows in GROUPS for setting in rows if title == "Tune Ottla itself"]
    assert ottla
    assert all(setting.name.startswith("ottla.") for setting in ottla)

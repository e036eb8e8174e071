"""What DescribeConfigs says, setting by setting, against Kafka's own answers for the same configuration."""

from typing import Any

import pytest

from ottla.runtime.settings import BrokerConfig, Settings, Source
from ottla.runtime.settings.describe import (
    Entry,
    describe_broker,
    describe_client_metrics,
    describe_cluster,
    describe_group,
    describe_topic,
)
from ottla.runtime.settings.table import BROKER, broker_setting


@pytest.fixture(scope="module")
def given(kafka_answers: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = kafka_answers["describe"][0]
    return first


@pytest.fixture
def config(given: dict[str, Any]) -> BrokerConfig:
    known = {name: text for name, text in given["static"].items() if broker_setting(name) is not None}
    settings = Settings({**known, "broker.id": "1"})
    settings.unknown.update({name: text for name, text in given["static"].items() if name not in known})
    broker = BrokerConfig(settings)
    broker.set_cluster_dynamic(given["cluster"])
    broker.set_dynamic(given["broker"])
    return broker


def kafkas(kafka_answers: dict[str, Any], kind: int, name: str) -> dict[str, Any]:
    for answer in kafka_answers["describe"][1:]:
        if answer["resource"] == [kind, name]:
            configs: dict[str, Any] = answer["configs"]
            return configs
    raise AssertionError((kind, name))


def plain(entries: list[Entry]) -> dict[str, Any]:
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    return {
        entry.name: [
            entry.value,
            entry.read_only,
            int(entry.source),
            entry.sensitive,
            int(entry.type),
            [[synonym.name, synonym.value, int(synonym.source)] for synonym in entry.synonyms],
        ]
        for entry in entries
    }


def without_other_defaults(configs: dict[str, Any]) -> dict[str, Any]:
    """Leave out what starts differently here or cannot be changed while it runs, and what is only ours."""
    return {
        name: said
        for name, said in configs.items()
        if name not in ("log.dir", "listeners", "listener.security.protocol.map", "node.id")
        and not name.startswith("ottla.")
    }


def test_topic(kafka_answers: dict[str, Any], given: dict[str, Any], config: BrokerConfig) -> None:
    assert plain(describe_topic(config, given["topic"])) == kafkas(kafka_answers, 2, "t")


def test_group(kafka_answers: dict[str, Any], given: dict[str, Any], config: BrokerConfig) -> None:
    assert plain(describe_group(config, given["group"])) == kafkas(kafka_answers, 32, "g")


def test_client_metrics(kafka_answers: dict[str, Any], given: dict[str, Any]) -> None:
    assert plain(describe_client_metrics(given["client_metrics"])) == kafkas(kafka_answers, 16, "m")


def test_broker(kafka_answers: dict[str, Any], config: BrokerConfig) -> None:
    ours = without_other_defaults(plain(describe_broker(config)))
    theirs = without_other_defaults(kafkas(kafka_answers, 4, "1"))
    assert ours.keys() == theirs.keys()
    assert {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]} == {}


def test_cluster(kafka_answers: dict[str, Any], config: BrokerConfig) -> None:
    assert plain(describe_cluster(config)) == kafkas(kafka_answers, 4, "")


def test_only_what_was_asked_for(config: BrokerConfig) -> None:
    assert [entry.name for entry in describe_topic(config, {}, ["retention.ms", "nope"])] == ["retention.ms"]
    assert [entry.name for entry in describe_broker(config, ["log.dirs"])] == ["log.dirs"]
    assert len(describe_topic(config, {}, [])) == 33


def test_internal_settings_show_only_when_set(config: BrokerConfig) -> None:
    assert "internal.segment.bytes" not in plain(describe_topic(config, {}))
    assert plain(describe_topic(config, {"internal.segment.bytes": "500"}))["internal.segment.bytes"][0] == "500"


def test_secrets_are_never_said() -> None:
    config = BrokerConfig(Settings({"ssl.key.password": "s3cret"}))
    config.set_dynamic({"listener.name.x.ssl.keystore.password": "s3cret"})
    config.set_cluster_dynamic({"sasl.jaas.config": "s3cret"})
    entries = describe_broker(config) + describe_cluster(config)
    assert "s3cret" not in repr(entries)
    (entry,) = describe_broker(config, ["ssl.key.password"])
    assert (entry.value, entry.sensitive, entry.source) == (None, True, Source.STATIC_BROKER_CONFIG)


def test_every_known_setting_has_documentation(config: BrokerConfig) -> None:
    for entry in describe_broker(config):
        if entry.setting is not None:
            assert entry.documentation
    assert all(entry.documentation for entry in describe_topic(config, {}) + describe_group(config, {}))
    assert BROKER["log.dirs"] is broker_setting("log.dirs")

"""What the operator writes: files, ``--set``, and what is said about mistakes (issue lines 1.4 and 7.1)."""

from pathlib import Path
from typing import Any

import pytest

from ottla.model.errors import OperatorError
from ottla.runtime.settings import BrokerConfig, Settings, load, load_text
from ottla.runtime.settings.model import SettingError

STOCK_FILE = """\
# what Kafka 4.2 ships as config/server.properties
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT
num.network.threads=3
num.io.threads=8
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
offsets.topic.replication.factor=1
log.retention.hours=168
log.segment.bytes=1073741824
"""


def refusal(text: str = "", *overrides: str) -> str:
    with pytest.raises(OperatorError) as caught:
        load_text(text, "server.properties", overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_nothing_given_is_all_defaults() -> None:
    settings = load()
    assert settings.texts == {}
    assert settings.warnings == []
    config = BrokerConfig(settings)
    assert config.log_dirs == ("ottla-data",)
    assert config.node_id == 1
    assert [str(listener) for listener in config.listeners] == ["PLAINTEXT://127.0.0.1:9092"]
    assert config.advertised_listeners == ()


def test_kafkas_own_file_works() -> None:
    settings = load_text(STOCK_FILE, "server.properties")
    config = BrokerConfig(settings)
    assert settings.warnings == []
    assert [str(listener) for listener in config.listeners] == ["PLAINTEXT://:9092"]
    assert [str(listener) for listener in config.advertised_listeners] == ["PLAINTEXT://localhost:9092"]
    assert config.log_dirs == ("/tmp/kraft-combined-logs",)
    assert "num.io.threads" in settings.without_effect
    assert "num.partitions" not in settings.without_effect


def test_override_wins_over_file(tmp_path: Path) -> None:
    path = tmp_path / "server.properties"
    path.write_text("num.partitions=3\nmessage.max.bytes = 5000\n")
    config = BrokerConfig(load(str(path), ["num.partitions=7"]))
    assert config.int("num.partitions") == 7
    assert config.int("message.max.bytes") == 5000


def test_umlauts_in_either_encoding(tmp_path: Path) -> None:
    for encoding in ("utf-8", "latin-1"):
        path = tmp_path / encoding
        path.write_bytes("log.dirs=/data/küche\n".encode(encoding))
        assert BrokerConfig(load(str(path))).log_dirs == ("/data/küche",)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"cannot read .*nowhere: No such file or directory; give --config"):
        load(str(tmp_path / "nowhere"))


def test_unknown_name_in_a_file_is_a_warning_with_the_nearest() -> None:
    settings = load_text("num.partitons=3\n\nzzz=1\n", "server.properties")
    assert settings.unknown == {"num.partitons": "3", "zzz": "1"}
    near, far = settings.warnings
    assert near.startswith("server.properties line 1: there is no setting num.partitons; did you mean num.partitions?")
    assert far.startswith("server.properties line 3: there is no setting zzz")
    assert "did you mean" not in far


def test_unknown_name_with_set_is_an_error_with_the_nearest() -> None:
    assert refusal("", "num.partitons=3") == (
        "--set num.partitons: there is no setting num.partitons; did you mean num.partitions?"
    )


def test_topic_setting_where_a_broker_setting_belongs() -> None:
    assert "the default for all topics is log.retention.ms" in refusal("", "retention.ms=5")
    assert "kafka-configs" in refusal("", "leader.replication.throttled.rate=5")


def test_ill_typed_value_in_a_file_names_file_and_line() -> None:
    assert refusal("a=b\nnum.partitions = many\n") == (
        "server.properties line 2: num.partitions cannot be 'many'; give a number of at least 1"
    )


def test_ill_typed_value_with_set() -> None:
    assert refusal("", "auto.create.topics.enable=yes") == (
        "--set: auto.create.topics.enable cannot be 'yes'; give true or false"
    )
    assert refusal("", "num.partitions") == "--set num.partitions: give it as --set name=value"


def test_malformed_escape_names_file_and_line() -> None:
    assert refusal("a=1\nlog.dirs=C:\\users\n").startswith("server.properties line 2: ")


def test_only_the_last_of_two_lines_counts() -> None:
    settings = load_text("num.partitions=x\nnum.partitions=4\n", "f")
    assert settings.values["num.partitions"] == 4


def test_node_id_and_broker_id_are_one_number() -> None:
    assert BrokerConfig(load_text("broker.id=7", "f")).node_id == 7
    assert load_text("node.id=7", "f").values["broker.id"] == 7
    assert "two names for one number" in refusal("broker.id=7\nnode.id=8")


def test_whole_configurations_are_refused_where_kafka_refuses_them(kafka_answers: dict[str, Any]) -> None:
    roles = (
        "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n"
        "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ncontroller.quorum.voters=1@localhost:9093\n"
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
    )
    other = {
        "inter.broker.listener.name",  # nothing listens between brokers yet
        "listener.name.plaintext.ssl.client.auth",  # Kafka finds out later
    }
    wrong = []
    for given, expected in kafka_answers["static"]:
        if other & given.keys():
            continue
        text = roles + "".join(f"{name}={value}\n" for name, value in given.items())
        try:
            load_text(text, "f")
            refused = False
        except OperatorError:
            refused = True
        if refused != (expected is not None):
            wrong.append((given, expected))
    assert wrong == []


@pytest.mark.parametrize(
    "listeners",
    ["PLAINTEXT://:99999", "PLAINTEXT://::1:9092", "PLAINTEXT:9092", "://:1", "PLAINTEXT://h:", "PLAINTEXT://h:x"],
)
def test_addresses_that_cannot_be_read(listeners: str) -> None:
    assert "give NAME://host:port" in refusal(f"listeners={listeners}")


def test_addresses() -> None:
    text = (
        "listeners=plaintext://[::1]:0,Other://0.0.0.0:0\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,other:ssl"
    )
    first, second = BrokerConfig(load_text(text, "f")).listeners
    assert (first.name, first.protocol, first.host, first.port) == ("PLAINTEXT", "PLAINTEXT", "::1", 0)
    assert str(first) == "PLAINTEXT://[::1]:0"
    assert (second.name, second.protocol, second.host) == ("OTHER", "SSL", "0.0.0.0")
    both = "listeners=A://0.0.0.0:1,B://[::]:1\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT"
    assert len(BrokerConfig(load_text(both, "f")).listeners) == 2
    assert "none is left" in refusal(
        "listeners=C://:1\nlistener.security.protocol.map=C:PLAINTEXT\ncontroller.listener.names=C"
    )
    assert "occurs twice" in refusal("listener.security.protocol.map=A:PLAINTEXT,a:SSL")


def test_connections_of_single_hosts() -> None:
    config = BrokerConfig(load_text("max.connections.per.ip.overrides= h:5, ::1:7", "f"))
    assert config.max_connections_per_ip_overrides == {"h": 5, "::1": 7}


def test_settings_from_texts() -> None:
    assert Settings({"num.partitions": "3"}).values == {"num.partitions": 3}
    with pytest.raises(SettingError):
        Settings({"nope": "3"})

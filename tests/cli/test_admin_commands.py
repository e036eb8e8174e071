"""topic, group, config and cluster against a node: tables, JSON, errors of a part, questions."""

import json
import signal
from typing import Any

import pytest
from tests.cli.commands import Ottla, on_terminal
from tests.cli.test_commands import complete
from tests.harness.calls import unique
from tests.harness.node import Node


def loads(text: str) -> Any:
    return json.loads(text)


@pytest.fixture
def name() -> str:
    return unique("cli")


def test_the_life_of_a_topic(ottla: Ottla, name: str) -> None:
    created = ottla.well("topic", "create", name, "--partitions", "3", "--config", "retention.ms=1000")
    assert created.out == f"created topic {name}: 3 partitions, 1 replica\n"
    assert [name, "3", "1", "ok"] in ottla.well("topic", "list").table()
    lines = ottla.well("topic", "describe", name).lines()
    assert lines[0] == f"topic       {name}"
    assert lines[2:5] == ["partitions  3", "replicas    1", "settings    retention.ms=1000"]
    assert lines[6].split() == ["PARTITION", "LEADER", "REPLICAS", "IN", "SYNC", "FIRST", "END", "OFFSETS"]
    assert [line.split()[0] for line in lines[7:]] == ["0", "1", "2"]
    altered = ottla.well("topic", "alter", name, "-p", "4", "-c", "segment.ms=60000", "--delete-config", "retention.ms")
    assert altered.lines() == [f"changed 2 settings of topic {name}", f"topic {name} now has 4 partitions"]
    (topic,) = loads(ottla.well("topic", "describe", name, "--json").out)
    assert topic["configs"] == {"segment.ms": "60000"}
    assert [one["partition"] for one in topic["partitions"]] == [0, 1, 2, 3]
    assert topic["partitions"][0]["earliest_offset"] == topic["partitions"][0]["latest_offset"] == 0
    assert ottla.well("topic", "delete", name, "--yes").out == f"deleted topic {name}\n"
    assert name not in {one["name"] for one in loads(ottla.well("topic", "list", "--json").out)}


def test_creating_in_json_and_dry(ottla: Ottla, name: str) -> None:
    assert ottla.well("topic", "create", name, "-p", "2", "--dry-run").out.startswith(f"could create topic {name}")
    (created,) = loads(ottla.well("topic", "create", name, "-p", "2", "--json").out)
    assert created | {"topic_id": "?"} == {
        "name": name,
        "created": True,
        "topic_id": "?",
        "partitions": 2,
        "replication_factor": 1,
    }
    again = ottla("topic", "create", name)
    assert (again.code, again.out, again.err.count("\n")) == (1, "", 1)
    assert "TOPIC_ALREADY_EXISTS" in again.err
    assert ottla.well("topic", "create", name, "--if-not-exists").out == f"topic {name} exists already\n"


def test_what_fails_does_not_hide_what_worked(ottla: Ottla, name: str) -> None:
    ottla.well("topic", "create", name)
    both = ottla("topic", "create", name, f"{name}-2")
    assert both.code == 1
    assert both.out.startswith(f"created topic {name}-2")
    assert both.err.count("\n") == 1
    described = ottla("topic", "describe", "no-such-topic", name)
    assert described.code == 1
    assert f"topic       {name}" in described.out
    assert "no-such-topic" in described.err
    assert described.err.count("\n") == 1
    deleted = ottla("topic", "delete", "no-such-topic", name, f"{name}-2", "--yes")
    assert deleted.code == 1
    assert len(deleted.lines()) == 2
    assert ottla.well("topic", "delete", name, "--yes", "--if-exists").out == f"there was no topic {name}\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["-c", "no.such.setting=1"], "INVALID_CONFIG"),
        (["-c", "retention.ms=much"], "INVALID_CONFIG"),
        (["-r", "3"], "INVALID_REPLICATION_FACTOR"),
    ],
)
def test_what_the_broker_refuses(ottla: Ottla, name: str, arguments: list[str], code: str) -> None:
    result = ottla("topic", "create", name, *arguments)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert code in result.err
    assert name in result.err


def test_a_topic_name_that_cannot_be(ottla: Ottla) -> None:
    result = ottla("topic", "create", "a b\x1b[31m")
    assert result.code == 1
    assert "INVALID_TOPIC_EXCEPTION" in result.err
    assert "\x1b" not in result.err
    assert result.err.count("\n") == 1


def test_deleting_asks_on_a_terminal(ottla: Ottla, name: str) -> None:
    ottla.well("topic", "create", name)
    for answer, code, said in (("n", 1, "nothing was changed"), ("y", 0, f"deleted topic {name}")):
        with on_terminal(ottla, "topic", "delete", name) as terminal:
            terminal.wait_for("[y/N]: ")
            terminal.type(f"{answer}\r")
            assert terminal.wait() == code
            assert said in terminal.plain


def test_ctrl_c_at_a_question_changes_nothing(ottla: Ottla, name: str) -> None:
    ottla.well("topic", "create", name)
    with on_terminal(ottla, "topic", "delete", name) as terminal:
        terminal.wait_for("[y/N]: ")
        terminal.type("\x03")
        assert terminal.wait() in (130, -signal.SIGINT)
        assert "Traceback" not in terminal.text
    assert ottla.well("topic", "describe", name).code == 0


def test_internal_topics_are_listed_when_asked_for(ottla: Ottla, name: str) -> None:
    ottla.well("topic", "create", name)
    ottla.well("consume", name, "--group", unique("group"))
    assert "__consumer_offsets" not in ottla.well("topic", "list").out
    assert "__consumer_offsets" in ottla.well("topic", "list", "--internal").out


def test_configs(ottla: Ottla, name: str) -> None:
    ottla.well("topic", "create", name)
    nothing = ottla.well("config", "describe", "topic", name)
    assert nothing.out == ""
    assert nothing.err == f"topic {name} has no settings of its own; --all shows those in force\n"
    assert loads(ottla.well("config", "describe", "topic", name, "--json").out) == []
    set_two = ottla.well("config", "alter", "topic", name, "--set", "retention.ms=7", "--set", "max.message.bytes=1000")
    assert set_two.out == f"changed 2 settings of topic {name}\n"
    table = ottla.well("config", "describe", "topic", name).table()
    assert [row[:2] for row in table] == [["SETTING", "VALUE"], ["max.message.bytes", "1000"], ["retention.ms", "7"]]
    ottla.well("config", "alter", "topic", name, "--delete", "retention.ms", "--append", "cleanup.policy=compact")
    entries = {
        one["name"]: one["value"] for one in loads(ottla.well("config", "describe", "topic", name, "--json").out)
    }
    assert entries == {"cleanup.policy": "delete,compact", "max.message.bytes": "1000"}
    ottla.well("config", "alter", "topic", name, "--subtract", "cleanup.policy=delete", "--dry-run")
    everything = {one["name"] for one in loads(ottla.well("config", "describe", "topic", name, "--all", "--json").out)}
    assert {"retention.ms", "cleanup.policy", "compression.type"} <= everything
    refused = ottla("config", "alter", "topic", name, "--set", "segment.bytes=-1")
    assert (refused.code, refused.err.count("\n")) == (1, 1)


def test_configs_of_brokers_and_groups(ottla: Ottla) -> None:
    broker = str(loads(ottla.well("cluster", "describe", "--json").out)["brokers"][0]["id"])
    for arguments in (["describe", "broker", "99"], ["alter", "broker", "99", "--set", "log.cleaner.threads=2"]):
        result = ottla("config", *arguments)
        assert (result.code, result.err) == (1, f"ottla: there is no broker 99; there is {broker}\n")
    own = ottla.well("config", "describe", "broker", broker).out
    assert "log.dirs" in own
    assert len(ottla.well("config", "describe", "broker", broker, "--all").lines()) > 100
    ottla.well("config", "alter", "broker", "default", "--set", "log.cleaner.threads=2")
    assert ["log.cleaner.threads", "2"] in [
        row[:2] for row in ottla.well("config", "describe", "broker", "default").table()
    ]
    ottla.well("config", "alter", "broker", "default", "--delete", "log.cleaner.threads")
    ottla.well("config", "alter", "group", "g", "--set", "consumer.session.timeout.ms=50000")
    assert "consumer.session.timeout.ms  50000" in ottla.well("config", "describe", "group", "g").out
    missing = ottla("config", "describe", "topic", "no-such-topic")
    assert (missing.code, missing.err.count("\n")) == (1, 1)


def test_the_cluster(ottla: Ottla, node: Node) -> None:
    cluster = loads(ottla.well("cluster", "describe", "--json").out)
    assert len(cluster["cluster_id"]) == 22
    (broker,) = cluster["brokers"]
    assert f"{broker['host']}:{broker['port']}" == node.bootstrap
    assert cluster["controller"] == broker["id"]
    assert cluster["partitions_without_leader"] == 0
    (log_dir,) = cluster["log_dirs"]
    assert log_dir["error"] is None
    text = ottla.well("cluster", "describe").out
    assert cluster["cluster_id"] in text
    assert node.bootstrap in text


def test_a_settings_file_says_where_and_how(ottla: Ottla, node: Node, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("settings") / "client.properties"
    path.write_text(f"bootstrap.servers={node.bootstrap}\nclient.id=me\nno.such.setting=1\n")
    result = ottla("topic", "list", "--command-config", str(path), more={"OTTLA_BOOTSTRAP": ""})
    assert result.code == 0
    assert result.err.startswith("ottla: warning: ")
    assert "no.such.setting" in result.err
    path.write_text("acks=perhaps\n")
    wrong = ottla("topic", "list", "--command-config", str(path))
    assert wrong.code == 2
    assert "acks" in wrong.err


def test_completion_asks_the_cluster(ottla: Ottla, name: str) -> None:
    ottla.well("topic", "create", name, f"{name}-other")
    assert complete(ottla, "topic", "describe", name) == [name, f"{name}-other"]
    assert complete(ottla, "topic", "delete", name, name) == [f"{name}-other"]
    assert complete(ottla, "config", "describe", "topic", f"{name}-") == [f"{name}-other"]
    assert "default" in complete(ottla, "config", "describe", "broker", "")
    bootstrap, ottla_elsewhere = ottla.bootstrap, Ottla("127.0.0.1:1")
    assert complete(ottla_elsewhere, "topic", "describe", "--bootstrap", bootstrap, f"{name}-") == [f"{name}-other"]


def test_tables_on_terminals(ottla: Ottla, name: str) -> None:
    long_name = f"{name}-{'with-a-very-long-name-' * 9}"
    ottla.well("topic", "create", long_name)
    with on_terminal(ottla, "topic", "list", columns=60) as terminal:
        assert terminal.wait() == 0
        assert "\x1b[1mTOPIC\x1b[0m" in terminal.text
        assert all(len(line) <= 60 for line in terminal.plain.splitlines())
        cells = (line.split()[0] for line in terminal.plain.splitlines() if line.strip())
        assert long_name in "".join(cells)
    with on_terminal(ottla, "topic", "list", more={"NO_COLOR": "1"}) as terminal:
        assert terminal.wait() == 0
        assert "\x1b" not in terminal.text
    piped = ottla.well("topic", "list")
    assert any(line.startswith(f"{long_name}  ") for line in piped.lines())
    assert "\x1b" not in piped.out
    assert "\x1b[1mTOPIC" in ottla.well("topic", "list", more={"FORCE_COLOR": "1"}).out


def test_the_version_and_whom_it_is_said_of(ottla: Ottla, node: Node) -> None:
    assert "cluster" not in loads(ottla.well("version", "--json").out), "no cluster is asked unless it is named"
    facts = loads(ottla.well("version", "--json", "--bootstrap", node.bootstrap).out)
    assert facts["cluster"] == loads(ottla.well("cluster", "describe", "--json").out)["cluster_id"]
    assert facts["brokers"] == node.bootstrap
    assert ottla.well("version", "-b", node.bootstrap).lines()[-1].split() == ["brokers", node.bootstrap]
    result = ottla("version", "-b", "127.0.0.1:1")
    assert (result.code, result.out) == (1, "")

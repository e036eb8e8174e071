"""produce and consume against a node: every byte arrives, live, until the end, Ctrl-C or a reader that has enough."""

import fcntl
import json
import os
import random
import shlex
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from tests.cli.commands import Ottla, on_terminal
from tests.harness.calls import unique
from tests.harness.fixtures import MakeNode
from tests.harness.node import ottla_command
from tests.harness.waiting import eventually

NODE_SETTINGS = {"auto.create.topics.enable": "false"}


@pytest.fixture
def name(ottla: Ottla) -> str:
    made = unique("records")
    # Some records here are old: retention may not take them meanwhile.
    ottla.well("topic", "create", made, "--partitions", "2", "--config", "retention.ms=-1")
    return made


def end_offset(ottla: Ottla, topic: str) -> int:
    (described,) = json.loads(ottla.well("topic", "describe", topic, "--json").out)
    return sum(one["latest_offset"] for one in described["partitions"])


def test_lines_go_in_and_come_out(ottla: Ottla, name: str) -> None:
    produced = ottla.well("produce", name, "-p", "0", stdin="one\n\nthree\nfour without an end")
    assert (produced.out, produced.err) == ("", "4 records produced\n")
    assert ottla.well("consume", name).out == "one\n\nthree\nfour without an end\n"
    assert ottla.well("produce", name, "-q", stdin="").err == ""
    assert ottla.well("produce", name, stdin="").err == "0 records produced\n"
    assert ottla.well("produce", name, stdin="x").err == "1 record produced\n"


def test_bytes_stay_bytes_through_a_pipe(ottla: Ottla, name: str) -> None:
    lines = [bytes(random.Random(seed).randbytes(40).replace(b"\n", b"")) for seed in range(20)]
    data = b"\n".join(lines) + b"\n"
    assert ottla.raw("produce", name, "-p", "1", stdin=data).returncode == 0
    assert ottla.raw("consume", name, "-p", "1").stdout == data


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_many_records_with_every_codec(ottla: Ottla, name: str, codec: str) -> None:
    text = "".join(f"record {number} of many\n" for number in range(5000))
    assert ottla.well("produce", name, "-p", "0", "-z", codec, stdin=text).err == "5000 records produced\n"
    assert ottla.well("consume", name).out == text


def test_keys_headers_and_acks(ottla: Ottla, name: str) -> None:
    ottla.well(
        *("produce", name, "--key-separator", r"\t", "--header", "host=web1", "--header", "n=ö", "--acks", "1"),
        stdin="k1\tv1\nk2\tv\t2\n",
    )
    shown = ottla.well("consume", name, "--format", "%k=%v [%h] %K %S").lines()
    assert sorted(shown) == ["k1=v1 [host=web1,n=ö] 2 2", "k2=v\t2 [host=web1,n=ö] 2 3"]
    assert ottla.well("produce", name, "--acks", "0", "--linger-ms", "0", stdin="x\n").err == "1 record produced\n"


def test_equal_keys_share_a_partition(ottla: Ottla, name: str) -> None:
    ottla.well("produce", name, "-K", ":", stdin="".join(f"key {n % 5}:{n}\n" for n in range(50)))
    places = {tuple(line.split(";")) for line in ottla.well("consume", name, "-F", "%k;%p").lines()}
    assert len(places) == 5


def test_null_and_its_marker(ottla: Ottla, name: str) -> None:
    ottla.well("produce", name, "-p", "0", "-K", ":", "--null-marker", "NULL", stdin="k:NULL\nNULL:v\nk:\n")
    assert ottla.well("consume", name, "-F", "%k=%v", "--null-marker", "<null>").lines() == [
        "k=<null>",
        "<null>=v",
        "k=",
    ]
    assert ottla.well("consume", name, "-F", "%S %v").lines() == ["-1 ", "1 v", "0 "]


def test_json_there_and_back(ottla: Ottla, name: str) -> None:
    lines = [
        {"key": "k", "value": "v", "headers": {"a": "1"}, "partition": 1, "timestamp": 1_767_225_600_000},
        {"value_base64": "/wA=", "partition": 1, "timestamp": 1_767_225_600_001},
        {"key": None, "value": None, "partition": 1, "timestamp": 1_767_225_600_002},
        {"value": {"nested": [1, None, "ö"]}, "partition": 1, "timestamp": "2026-01-01T00:00:00.003Z"},
    ]
    ottla.well("produce", name, "--json", stdin="".join(json.dumps(line) + "\n" for line in lines))
    first = ottla.well("consume", name, "--json").lines()
    records = [json.loads(line) for line in first]
    assert [one["offset"] for one in records] == [0, 1, 2, 3]
    assert records[0] == {
        "topic": name,
        "partition": 1,
        "offset": 0,
        "timestamp": 1_767_225_600_000,
        "key": "k",
        "value": "v",
        "headers": [{"key": "a", "value": "1"}],
    }
    assert records[1]["value_base64"] == "/wA="
    assert records[2]["value"] is None
    assert json.loads(records[3]["value"]) == {"nested": [1, None, "ö"]}
    other = unique("copy")
    ottla.well("topic", "create", other, "-p", "2", "-c", "retention.ms=-1")
    ottla.well("produce", other, "--json", stdin="\n".join(first))
    copied = [json.loads(line) | {"topic": name} for line in ottla.well("consume", other, "--json").lines()]
    assert copied == records


def test_a_line_that_is_no_record_ends_it_and_says_which(ottla: Ottla, name: str) -> None:
    result = ottla("produce", name, "--json", stdin='{"value": 1}\n{"value": 2}\nhello\n{"value": 4}\n')
    assert result.code == 1
    assert result.err.startswith("ottla: line 3: not JSON")
    assert result.err.endswith("2 records produced\n")
    assert ottla.well("consume", name).lines() == ["1", "2"]


def test_a_record_that_is_refused_ends_it_and_says_which(ottla: Ottla, name: str) -> None:
    ottla.well("topic", "alter", name, "-c", "max.message.bytes=2000")
    result = ottla("produce", name, "-p", "0", stdin="small\n" + "x" * 5000 + "\n")
    assert result.code == 1
    assert "MESSAGE_TOO_LARGE" in result.err
    assert "line 2" in result.err or "line 1" in result.err  # they travel in one batch
    assert result.err.count("\n") == 2


def test_a_topic_or_partition_that_is_not_there(ottla: Ottla, name: str) -> None:
    for arguments, stdin in (
        (["produce", "no-such-topic"], "x\n"),
        (["consume", "no-such-topic"], ""),
        (["consume", "no-such-topic", "--group", "g"], ""),
        (["produce", name, "-p", "7"], "x\n"),
    ):
        result = ottla(*arguments, stdin=stdin)
        assert result.code == 1, result
        lines = [line for line in result.err.splitlines() if not line.endswith("produced")]
        assert len(lines) == 1, result
        assert "no-such-topic" in lines[0] or name in lines[0], result
    wrong = ottla("consume", name, "-p", "7")
    assert (wrong.code, wrong.err) == (2, f"ottla: topic {name} has no partition 7; it has 2, the first is 0\n")


def test_where_to_begin(ottla: Ottla, name: str) -> None:
    for partition in (0, 1):
        lines = [{"value": n, "partition": partition, "timestamp": 1_767_225_600_000 + 1000 * n} for n in range(10)]
        ottla.well("produce", name, "--json", stdin="".join(json.dumps(line) + "\n" for line in lines))

    def values(*arguments: str) -> list[int]:
        return [int(line) for line in ottla.well("consume", name, *arguments).lines()]

    one = ("-p", "1")
    assert values(*one) == list(range(10))
    assert values(*one, "--from", "beginning", "--max", "3") == [0, 1, 2]
    assert values(*one, "--from", "end") == []
    assert values(*one, "--from", "7") == [7, 8, 9]
    assert values(*one, "--from", "70") == []
    assert values(*one, "--from", "-2") == [8, 9]
    assert values(*one, "--from", "-200") == list(range(10))
    assert values(*one, "--from", "2026-01-01T00:00:07Z") == [7, 8, 9]
    assert values(*one, "--from", "2026-01-01T00:00:06.500Z") == [7, 8, 9]
    assert values(*one, "--from", "-1s") == []
    assert sorted(values("--from", "-1")) == [9, 9]
    assert sorted(values("-p", "0", "-p", "1", "--from", "8")) == [8, 8, 9, 9]


def test_it_ends_where_the_topic_ended_when_it_began(ottla: Ottla, name: str) -> None:
    """A topic that is written to all the time must not keep a reader for ever."""
    ottla.well("produce", name, stdin="".join(f"{n}\n" for n in range(100)))
    process = ottla.start("produce", name, "-q")
    assert process.stdin is not None
    try:
        process.stdin.write(b"more\n" * 10)
        process.stdin.flush()
        assert len(ottla.well("consume", name).lines()) >= 100
    finally:
        process.communicate(timeout=30)


def test_following_shows_what_comes_as_it_comes(ottla: Ottla, name: str) -> None:
    writer = ottla.start("produce", name, "-p", "0")
    reader = ottla.start("consume", name, "--follow", "--from", "beginning")
    assert writer.stdin is not None
    assert reader.stdout is not None
    for number in range(5):
        writer.stdin.write(b"line %d\n" % number)
        writer.stdin.flush()
        assert reader.stdout.readline() == b"line %d\n" % number
    reader.send_signal(signal.SIGINT)
    out, err = reader.communicate(timeout=30)
    assert (reader.returncode, out, err) == (0, b"", b"")
    _, err = writer.communicate(timeout=30)
    assert (writer.returncode, err) == (0, b"5 records produced\n")


def test_following_begins_at_the_end(ottla: Ottla, name: str) -> None:
    ottla.well("produce", name, "-p", "0", stdin="old\n")
    with on_terminal(ottla, "consume", name, "--follow") as terminal:
        for number in range(200):  # until the reader is there
            ottla.well("produce", name, "-p", "0", "-q", stdin=f"new {number}\n")
            if "new" in terminal.text or not terminal._read(0.1) or "new" in terminal.text:
                break
        terminal.type("\x03")
        assert terminal.wait() == 0
        assert "old" not in terminal.text


def test_following_a_topic_that_is_deleted_ends(ottla: Ottla, name: str) -> None:
    ottla.well("produce", name, "-p", "0", stdin="old\n")
    reader = ottla.start("consume", name, "--follow", "--from", "beginning")
    assert reader.stdout is not None
    assert reader.stdout.readline() == b"old\n"
    ottla.well("topic", "delete", name, "--yes")
    out, err = reader.communicate(timeout=30)
    assert (reader.returncode, out) == (1, b"")
    assert err.count(b"\n") == 1
    assert b"the topic is gone" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_loses_nothing_that_was_read(ottla: Ottla, name: str, number: signal.Signals) -> None:
    process = ottla.start("produce", name, "-p", "0", "--linger-ms", "60000")
    assert process.stdin is not None
    process.stdin.write(b"".join(b"%d\n" % n for n in range(1000)) + b"not ended")
    process.stdin.flush()
    eventually(lambda: process.stdin is not None and _pipe_is_empty(process.stdin.fileno()), "it has read all")
    process.send_signal(number)
    assert process.wait(30) == 130
    assert process.stderr is not None
    err = process.stderr.read().decode().splitlines()
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    assert err == ["ottla: a line that had not ended yet was not produced: 9 bytes", "1000 records produced"]
    assert ottla.well("consume", name).lines() == [str(n) for n in range(1000)]


def _pipe_is_empty(descriptor: int) -> bool:
    waiting: int = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0"))[0]
    return waiting == 0


def test_a_reader_that_has_enough_is_no_failure(ottla: Ottla, name: str) -> None:
    ottla.well("produce", name, "-p", "0", stdin="".join(f"{n:0100}\n" for n in range(20_000)))
    for more in ([], ["--follow", "--from", "beginning"], ["--group", unique("group")]):
        process = ottla.start("consume", name, *more)
        assert process.stdout is not None
        assert process.stdout.readline() == b"%0100d\n" % 0
        process.stdout.close()
        assert process.stderr is not None
        assert process.wait(30) == 0
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.stdin is not None
        process.stdin.close()


def test_a_follower_notices_that_its_reader_has_gone(ottla: Ottla, name: str) -> None:
    """Like ``ottla consume --follow | head -1`` with nothing more to come."""
    ottla.well("produce", name, stdin="first\n")
    process = ottla.start("consume", name, "--follow", "--from", "beginning")
    assert process.stdout is not None
    assert process.stdout.readline() == b"first\n"
    process.stdout.close()
    assert process.wait(30) == 0
    for stream in (process.stdin, process.stderr):
        assert stream is not None
        stream.close()


def test_a_full_disk_is_one_line(ottla: Ottla, name: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    ottla.well("produce", name, stdin="x\n")
    with Path("/dev/full").open("wb") as full:
        for arguments in (["consume", name], ["topic", "list"]):
            done = subprocess.run(
                ottla_command(*arguments),
                stdout=full,
                stderr=subprocess.PIPE,
                env=ottla.environment(),
                timeout=30,
                check=False,
            )
            assert done.returncode == 1
            assert done.stderr.decode().startswith("ottla: ")
            assert done.stderr.count(b"\n") == 1


def test_two_signals_end_it_while_its_reader_does_not_read(ottla: Ottla, name: str) -> None:
    ottla.well("produce", name, stdin="".join(f"{number:0100}\n" for number in range(5000)))
    process = ottla.start("consume", name)
    assert process.stdout is not None
    process.stdout.read(1)  # it is at it, and 500 kB do not go into a pipe
    for _ in range(2):
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 130
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream is not None
        stream.close()


def test_what_could_not_be_printed_is_not_committed(ottla: Ottla, name: str, tmp_path: Path) -> None:
    """Whatever the file of settings says: it may be an application's, which commits by time."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    ottla.well("produce", name, stdin="x\n")
    settings = tmp_path / "client.properties"
    settings.write_text("enable.auto.commit=true\n")
    group = unique("group")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            ottla_command("consume", name, "--group", group, "--command-config", str(settings)),
            stdout=full,
            stderr=subprocess.PIPE,
            env=ottla.environment(),
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert ottla.well("consume", name, "--group", group).out == "x\n"


def test_commands_work_without_standard_output_and_error(ottla: Ottla, name: str) -> None:
    """As some supervisors start them; nothing that is opened later may take the place of these streams."""
    ottla.well("produce", name, stdin="x\n")
    for arguments in ("consume", "topic describe"):
        command = shlex.join([*ottla_command(*arguments.split()), name])
        for closed in (">&-", "2>&-", ">&- 2>&-"):
            done = subprocess.run(
                ["sh", "-c", f"{command} {closed}"],
                capture_output=True,
                env=ottla.environment(),
                timeout=30,
                check=False,
            )
            assert (done.returncode, done.stderr) == (0, b""), (arguments, closed)


def test_a_terminal_gets_nothing_that_could_do_something_to_it(ottla: Ottla, name: str) -> None:
    ottla.raw("produce", name, "-p", "0", "-K", "|", stdin=b"k\x07|a\x1b]0;title\x07\xff\n")
    with on_terminal(ottla, "consume", name, "--format", "%k %v") as terminal:
        assert terminal.wait() == 0
        assert terminal.text == "k\\x07 a\\x1b]0;title\\x07\\xff\r\n"
    empty = unique("empty")
    ottla.well("topic", "create", empty)
    with on_terminal(ottla, "consume", empty) as terminal:
        assert terminal.wait() == 0
        assert terminal.plain == f"no records in {empty} there\n"


def test_typing_records_at_a_terminal(ottla: Ottla, name: str) -> None:
    with on_terminal(ottla, "produce", name, "-p", "0") as terminal:
        terminal.wait_for("Ctrl-D ends")
        terminal.type("hello\r")
        eventually(lambda: end_offset(ottla, name) == 1, "what was typed is written at once")
        terminal.type("again\r\x04")
        assert terminal.wait() == 0
        assert "2 records produced" in terminal.text
    assert ottla.well("consume", name).lines() == ["hello", "again"]


def test_progress_is_shown_to_a_terminal_and_taken_away(ottla: Ottla, name: str) -> None:
    reading, writing = os.pipe()
    with on_terminal(ottla, "produce", name, stdin=reading) as terminal:
        os.close(reading)
        os.write(writing, b"one\ntwo\n")
        terminal.wait_for("2 records written")
        os.close(writing)
        assert terminal.wait() == 0
        assert terminal.text.endswith("\r\x1b[K2 records produced\r\n")


def test_a_group_goes_on_where_it_stopped(ottla: Ottla, name: str) -> None:
    group = unique("group")
    ottla.well("produce", name, "-p", "1", stdin="".join(f"{n}\n" for n in range(10)))
    assert ottla.well("consume", name, "-g", group, "-n", "4").lines() == ["0", "1", "2", "3"]
    (described,) = json.loads(ottla.well("group", "describe", group, "--json").out)
    assert (described["state"], described["lag"]) == ("Empty", 6)
    assert ottla.well("consume", name, "-g", group).lines() == ["4", "5", "6", "7", "8", "9"]
    assert ottla.well("consume", name, "-g", group).lines() == []
    ottla.well("produce", name, "-p", "1", stdin="10\n")
    assert ottla.well("consume", name, "-g", group).lines() == ["10"]
    assert ottla.well("consume", name, "-g", unique("group"), "--from", "8", "-p", "1").lines() == ["8", "9", "10"]
    new = unique("group")
    assert ottla.well("consume", name, "-g", new, "--from", "end").lines() == []
    ottla.well("produce", name, "-p", "1", stdin="11\n")
    assert ottla.well("consume", name, "-g", new).lines() == ["11"]


def test_a_member_stopped_by_ctrl_c_has_committed_what_it_printed(ottla: Ottla, name: str) -> None:
    group = unique("group")
    ottla.well("produce", name, "-p", "0", stdin="a\nb\n")
    reader = ottla.start("consume", name, "--group", group, "--follow")
    assert reader.stdout is not None
    assert [reader.stdout.readline(), reader.stdout.readline()] == [b"a\n", b"b\n"]
    (described,) = json.loads(ottla.well("group", "describe", group, "--json").out)
    assert described["state"] == "Stable"
    (member,) = described["members"]
    assert member["subscription"] == [name]
    assert sorted(one["partition"] for one in member["assignment"]) == [0, 1]
    text = ottla.well("group", "describe", group).out
    assert member["member_id"] in text
    assert f"{name}:0,1" in text
    refused = ottla("group", "reset-offsets", group, "--to-earliest", "--yes")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == f"ottla: group {group} has 1 members and is Stable: stop them first\n"
    refused = ottla("group", "delete", group, "--yes")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "NON_EMPTY_GROUP" in refused.err
    reader.send_signal(signal.SIGINT)
    _, err = reader.communicate(timeout=30)
    assert (reader.returncode, err) == (0, b"")
    (described,) = json.loads(ottla.well("group", "describe", group, "--json").out)
    assert (described["state"], described["members"], described["lag"]) == ("Empty", [], 0)


def test_resetting_offsets(ottla: Ottla, name: str) -> None:
    group = unique("group")
    for partition in (0, 1):
        lines = [{"value": n, "partition": partition, "timestamp": 1_767_225_600_000 + 1000 * n} for n in range(10)]
        ottla.well("produce", name, "--json", stdin="".join(json.dumps(line) + "\n" for line in lines))
    ottla.well("consume", name, "-g", group)

    def reset(*arguments: str) -> dict[int, tuple[int | None, int]]:
        found = json.loads(ottla.well("group", "reset-offsets", group, *arguments, "--yes", "--json").out)
        assert found["done"] is ("--dry-run" not in arguments)
        return {one["partition"]: (one["current_offset"], one["new_offset"]) for one in found["offsets"]}

    assert reset("--to-earliest", "--dry-run") == {0: (10, 0), 1: (10, 0)}
    assert reset("--shift-by", "-3") == {0: (10, 7), 1: (10, 7)}
    assert reset("--shift-by", "-30", "--topic", f"{name}:1") == {1: (7, 0)}
    assert reset("--to-offset", "5", "--topic", name) == {0: (7, 5), 1: (0, 5)}
    assert reset("--to-offset", "99", "--topic", f"{name}:0,1") == {0: (5, 10), 1: (5, 10)}
    assert reset("--to-datetime", "2026-01-01T00:00:04Z") == {0: (10, 4), 1: (10, 4)}
    assert reset("--to-datetime", "-1s", "--topic", f"{name}:0") == {0: (4, 10)}
    assert reset("--to-latest") == {0: (10, 10), 1: (4, 10)}
    assert reset("--to-earliest", "--topic", f"{name}:1") == {1: (10, 0)}
    assert len(ottla.well("consume", name, "-g", group).lines()) == 10
    for topic in (f"{name}:7", f"{name}:x", "no-such-topic"):
        wrong = ottla("group", "reset-offsets", group, "--to-earliest", "--topic", topic, "--yes")
        assert wrong.code in (1, 2)
        assert wrong.err.count("\n") == 1


def test_resetting_shows_a_plan_and_asks(ottla: Ottla, name: str) -> None:
    group = unique("group")
    ottla.well("produce", name, "-p", "0", stdin="a\nb\n")
    ottla.well("consume", name, "-g", group)
    plan = [["TOPIC", "PARTITION", "NOW", "THEN", "CHANGE"], [name, "0", "2", "0", "-2"]]
    without_terminal = ottla("group", "reset-offsets", group, "--to-earliest", "-t", f"{name}:0")
    assert without_terminal.code == 2
    assert without_terminal.table() == plan
    assert "--yes" in without_terminal.err
    for answer, code, lag in (("n", 1, 0), ("y", 0, 2)):
        with on_terminal(ottla, "group", "reset-offsets", group, "--to-earliest", "-t", f"{name}:0") as terminal:
            terminal.wait_for("[y/N]: ")
            assert [line.split() for line in terminal.plain.splitlines()[:2]] == plan
            terminal.type(f"{answer}\r")
            assert terminal.wait() == code
        (described,) = json.loads(ottla.well("group", "describe", group, "--json").out)
        assert described["lag"] == lag
    with on_terminal(ottla, "group", "reset-offsets", group, "--to-latest", "-t", f"{name}:0", "--json") as terminal:
        terminal.wait_for("[y/N]: ")
        assert [line.split() for line in terminal.plain.splitlines()[:2]] == [plan[0], [name, "0", "0", "2", "+2"]]
        terminal.type("y\r")
        assert terminal.wait() == 0
        assert '"done": true' in terminal.plain
    nothing = ottla.well("group", "reset-offsets", unique("group"), "--to-latest", "--yes")
    assert nothing.err.startswith("the group has committed no offsets")


def test_groups_are_listed_described_and_deleted(ottla: Ottla, name: str) -> None:
    group = unique("group")
    ottla.well("produce", name, stdin="a\n")
    ottla.well("consume", name, "-g", group)
    assert [group, "Empty", "classic", "consumer"] in ottla.well("group", "list").table()
    assert [group, "Empty", "classic", "consumer"] in ottla.well("group", "list", "--state", "Empty").table()
    assert group not in ottla.well("group", "list", "--state", "Stable").out
    assert group in {one["group_id"] for one in json.loads(ottla.well("group", "list", "--json").out)}
    missing = ottla("group", "describe", "no-such-group", group)
    assert (missing.code, missing.err) == (1, "ottla: there is no group no-such-group\n")
    assert f"group        {group}" in missing.out
    deleted = ottla("group", "delete", "no-such-group", group, "--yes")
    assert deleted.code == 1
    assert deleted.out == f"deleted group {group}\n"
    assert "GROUP_ID_NOT_FOUND" in deleted.err
    assert deleted.err.count("\n") == 1


def test_two_members_share_the_partitions(ottla: Ottla, name: str) -> None:
    group = unique("group")
    readers = [ottla.start("consume", name, "--group", group, "--follow") for _ in range(2)]

    def shares() -> list[int]:
        result = ottla("group", "describe", group, "--json")
        if result.code:
            return []
        (described,) = json.loads(result.out)
        return sorted(len(one["assignment"] or ()) for one in described["members"])

    eventually(shares, "each has one partition", accept=lambda found: found == [1, 1], timeout_s=40)
    ottla.well("produce", name, "-p", "0", stdin="to nought\n")
    ottla.well("produce", name, "-p", "1", stdin="to one\n")
    seen = set()
    for reader in readers:
        assert reader.stdout is not None
        seen.add(reader.stdout.readline())
        reader.send_signal(signal.SIGTERM)
    for reader in readers:
        reader.communicate(timeout=30)
        assert reader.returncode == 0
    assert seen == {b"to nought\n", b"to one\n"}


def test_a_broker_that_is_killed_and_comes_back_loses_nothing(make_node: MakeNode) -> None:
    node = make_node().start()
    mine = Ottla(node.bootstrap)
    mine.well("topic", "create", "t")
    mine.well("produce", "t", stdin="x\n")
    writer = mine.start("produce", "t")
    assert writer.stdin is not None
    writer.stdin.write(b"y\n")
    writer.stdin.flush()
    eventually(lambda: end_offset(mine, "t") == 2, "the writer is at work")
    node.restart(kill=True)
    writer.stdin.write(b"z\n")
    _, err = writer.communicate(timeout=60)
    assert (writer.returncode, err) == (0, b"2 records produced\n")
    assert mine.well("consume", "t").lines() == ["x", "y", "z"]


def test_standard_input_that_is_closed(ottla: Ottla, name: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{' '.join(ottla_command('produce', name))} <&-"],
        env=ottla.environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == b"ottla: there is no standard input to read records from\n"

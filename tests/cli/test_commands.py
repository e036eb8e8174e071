"""The tree of commands: help with examples that hold, errors in one line, exit codes, nothing imported in vain."""

import json
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.cli.commands import Ottla, on_terminal

from ottla.cli.completion import SHELLS
from ottla.cli.main import cli

NOBODY = Ottla("127.0.0.1:1")
"""No broker is there: what comes before the first connection must say what it has to say."""


def all_commands() -> Iterator[tuple[str, ...]]:
    def below(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                yield from below(inner, (*path, name))

    return below(cli, ())


ALL = list(all_commands())


def command_at(path: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None, path
        command = found
    return command


def examples(path: tuple[str, ...]) -> list[str]:
    text = command_at(path).get_help(click.Context(command_at(path), info_name="ottla"))
    _, found, rest = text.partition("Example")
    assert found, f"ottla {' '.join(path)} --help shows no example"
    lines = []
    for line in rest.splitlines()[1:]:
        if not line.strip():
            break
        lines.append(line.strip())
    assert lines
    return lines


def test_the_commands_of_the_issue_are_there() -> None:
    wanted = """topic create, topic list, topic describe, topic alter, topic delete, produce, consume, group list,
        group describe, group reset-offsets, group delete, config describe, config alter, cluster describe, log dump,
        version, serve, completion"""
    assert {tuple(path.split()) for path in wanted.split(",")} <= set(ALL)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_shows_an_example_that_it_understands(path: tuple[str, ...]) -> None:
    for line in examples(path):
        calls = [part.strip() for part in line.partition(" > ")[0].split(" | ")]
        ours = [shlex.split(call)[1:] for call in calls if call.startswith("ottla")]
        assert ours, line
        for arguments in ours:
            parse(cli, arguments)


def parse(command: click.Command, arguments: list[str]) -> None:
    """Take arguments apart as the command does, all the way down; nothing is run."""
    with command.make_context("ottla", list(arguments), resilient_parsing=False) as context:
        if isinstance(command, click.Group):
            name, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            assert name is not None
            assert inner is not None
            parse(inner, rest)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help_and_says_where_the_cluster_is(path: tuple[str, ...]) -> None:
    command = command_at(path)
    names = {name for option in command.params for name in option.opts}
    is_offline = path[:1] in ((), ("log",), ("completion",), ("serve",))
    if not isinstance(command, click.Group) and not is_offline:
        assert {"--bootstrap", "--command-config"} <= names
    assert command.help
    assert command.help.splitlines()[0].endswith(".")


def test_help_goes_to_stdout_and_is_no_failure() -> None:
    for arguments in (["--help"], ["-h"], [], ["topic"], ["topic", "create", "--help"]):
        result = NOBODY(*arguments)
        assert result.code == 0, arguments
        assert result.out.startswith("Usage: ottla"), arguments
        assert result.err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch"], "No such command 'nosuch'"),
        (["topic", "create"], "Missing argument 'NAME...'"),
        (["topic", "list", "--nosuch"], "No such option"),
        (["topic", "create", "a", "-p", "0"], "0 is below 1"),
        (["topic", "create", "a", "-p", "2147483648"], "2147483648 is more than 2147483647"),
        (["topic", "create", "a", "-r", "40000"], "40000 is more than 32767"),
        (["group", "reset-offsets", "a", "--to-offset", "9223372036854775808"], "is more than 9223372036854775807"),
        (["topic", "create", "a", "-p", "many"], "'many' is not a whole number"),
        (["topic", "create", "a", "-c", "retention.ms"], "--config 'retention.ms' is not of the form KEY=VALUE"),
        (["topic", "alter", "a"], "Nothing to change"),
        (["topic", "delete", "a"], "stdin is no terminal to ask at; --yes answers beforehand"),
        (["group", "delete", "a"], "--yes answers beforehand"),
        (["group", "reset-offsets", "a"], "Say where to, with one of --to-earliest"),
        (["group", "reset-offsets", "a", "--to-latest", "--shift-by", "1"], "Say where to"),
        (["group", "reset-offsets", "a", "--to-datetime", "soon"], "'soon' is no time"),
        (["config", "describe", "planet", "earth"], "'planet' is not one of"),
        (["config", "alter", "topic", "a"], "Nothing to change"),
        (["consume", "a", "--from", "somewhere"], "neither beginning, end nor an offset"),
        (["consume", "a", "--from", "-5", "--group", "g"], "cannot be used with --group"),
        (["consume", "a", "--json", "--format", "%v"], "exclude each other"),
        (["consume", "a", "--format", "%q"], "'%q' is none of"),
        (["produce", "a", "--json", "--key-separator", ":"], "exclude each other"),
        (["produce", "a", "--header", "h"], "--header 'h' is not of the form"),
        (["topic", "list", "--command-config", "/nonexistent"], "cannot read the settings file /nonexistent"),
        (["log", "dump", "/nonexistent"], "/nonexistent does not exist"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(arguments: list[str], message: str) -> None:
    result = NOBODY(*arguments)
    assert result.code == 2, result
    assert result.out == ""
    assert result.err.startswith("ottla: ")
    assert result.err.count("\n") == 1
    assert message in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["topic", "list"],
        ["topic", "create", "a"],
        ["group", "describe", "g"],
        ["config", "describe", "broker", "1"],
        ["cluster", "describe", "--json"],
        ["consume", "a"],
        ["produce", "a", "-q"],
    ],
)
def test_a_cluster_that_is_not_there_is_one_line_and_exit_code_1(arguments: list[str]) -> None:
    result = NOBODY(*arguments, stdin="a record\n")
    assert result.code == 1, result
    assert result.out == ""
    assert result.err.startswith("ottla: ")
    assert result.err.count("\n") == 1
    assert "127.0.0.1:1" in result.err


def test_version() -> None:
    facts = json.loads(NOBODY.well("version", "--json").out)
    assert facts["kafka"] == "4.2"
    assert NOBODY.well("version").lines()[0].split() == ["ottla", facts["ottla"]]
    assert NOBODY.well("--version").out == f"ottla {facts['ottla']}\n"


HEAVY = ["asyncio", "ssl", "socket", "logging", "json", "rich", "uvloop"]
HEAVY += ["ottla.client", "ottla.broker", "ottla.log", "ottla.runtime"]


NO_GROUP = [
    "ottla.client.consumer.membership",
    "ottla.client.consumer.committing",
    "ottla.protocol.messages.join_group",
    "json",
    "random",
]


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (["--version"], HEAVY),
        (["version"], [*HEAVY, "ottla.protocol"]),
        (["--help"], HEAVY),
        (["topic", "list", "--help"], HEAVY),
        (["topic", "list"], ["ottla.broker", "ottla.log", "ottla.runtime", "ottla.record", "rich", "uvloop", "json"]),
        (["consume", "a"], ["ottla.broker", "ottla.log", "rich", "uvloop", "ottla.client.producer", *NO_GROUP]),
        (["produce", "a"], ["ottla.broker", "ottla.log", "rich", "uvloop", "ottla.client.consumer", "json", "random"]),
    ],
)
def test_nothing_is_imported_that_is_not_needed(arguments: list[str], never: list[str]) -> None:
    """Nothing starts slower than 150 ms; what that takes is mostly imports, and those can be tested without a clock."""
    code = (
        "import sys\nfrom ottla.cli.main import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=NOBODY.environment(), check=True, input=""
    )
    imported = set(done.stderr.split())
    assert imported.isdisjoint(never), sorted(imported.intersection(never))


def test_who_has_seen_enough_gets_no_complaint() -> None:
    process = NOBODY.start("--help")
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")


def test_an_error_of_ours_is_one_line_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from ottla.cli import exits

    monkeypatch.delenv(exits.TRACEBACK_VARIABLE, raising=False)
    assert exits.code_for(ZeroDivisionError("by\nnought")) == 1
    assert capsys.readouterr().err == (
        "ottla: internal error: ZeroDivisionError: by\\nnought (OTTLA_TRACEBACK=1 shows where)\n"
    )
    monkeypatch.setenv(exits.TRACEBACK_VARIABLE, "1")
    with pytest.raises(ZeroDivisionError):
        exits.code_for(ZeroDivisionError("by nought"))


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_scripts(shell: str) -> None:
    script = NOBODY.well("completion", shell).out
    assert f"_OTTLA_COMPLETE={shell}_complete" in script
    assert "ottla" in script


def complete(ottla: Ottla, *words: str) -> list[str]:
    """What bash would offer for the last of the words."""
    line = " ".join(["ottla", *words])
    result = ottla.well(
        more={"_OTTLA_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))},
    )
    assert result.err == ""
    return [item.partition(",")[2] for item in result.lines() if item]


def test_completion_of_commands_and_options() -> None:
    assert complete(NOBODY, "to") == ["topic"]
    assert complete(NOBODY, "group", "") == ["list", "describe", "reset-offsets", "delete"]
    assert "--partitions" in complete(NOBODY, "topic", "create", "--par")
    assert complete(NOBODY, "produce", "--compression", "z") == ["zstd"]


def test_completion_without_a_cluster_offers_nothing() -> None:
    assert complete(NOBODY, "topic", "describe", "") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    script = tmp_path / "ottla.bash"
    script.write_text(NOBODY.well("completion", "bash").out)
    (tmp_path / "ottla").write_text(f'#!/bin/sh\nexec {sys.executable} -m ottla "$@"\n')
    (tmp_path / "ottla").chmod(0o755)
    asked = 'COMP_WORDS=(ottla topic de); COMP_CWORD=2; _ottla_completion ottla; echo "${COMPREPLY[@]}"'
    environment = NOBODY.environment()
    done = subprocess.run(
        ["bash", "-c", f"source {script}; {asked}"],
        env=environment | {"PATH": f"{tmp_path}:{environment['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["describe", "delete"]


def test_progress_of_a_cluster_that_does_not_answer_and_ctrl_c() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        with on_terminal(Ottla(f"{host}:{port}"), "topic", "list") as terminal:
            terminal.wait_for("listing topics (1 s)")
            terminal.type("\x03")
            assert terminal.wait() == 130
            assert terminal.text.endswith("\r\x1b[K")
            assert "Traceback" not in terminal.text

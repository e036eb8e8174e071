"""Log lines for people and for machines, and loggers as the Admin API changes them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.runtime.logging_setup import alter_loggers, configure_logging, list_loggers


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raises
    logging.getLogger("ottla.test.one").setLevel(logging.NOTSET)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_people_get_readable_lines() -> None:
    out = Terminal()
    configure_logging(stream=out)
    logging.getLogger("ottla.test.one").warning("it is %d", 5)
    logging.getLogger("ottla.test.one").debug("unseen")
    line = out.getvalue()
    assert line.endswith(" WARN  test.one: it is 5\n")
    assert line.count("\n") == 1


def test_a_traceback_follows_its_line() -> None:
    out = Terminal()
    configure_logging(stream=out)
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("ottla.test.one").exception("failed")
    first, *rest = out.getvalue().splitlines()
    assert first.endswith(" ERROR test.one: failed")
    assert rest[0].startswith("Traceback")
    assert rest[-1] == "ValueError: boom"


def test_machines_get_one_object_a_line() -> None:
    out = io.StringIO()
    configure_logging(stream=out, level="DEBUG")
    logger = logging.getLogger("ottla.test.one")
    logger.debug("zwei\nZeilen ä")
    try:
        raise ValueError("boom")
    except ValueError:
        logger.exception("failed")
    plain, failed = map(json.loads, out.getvalue().splitlines())
    assert plain["level"] == "DEBUG"
    assert plain["message"] == "zwei\nZeilen ä"
    assert plain["logger"] == "ottla.test.one"
    assert plain["time"].endswith("Z")
    assert "error" not in plain
    assert failed["error"].endswith("ValueError: boom")


def test_a_line_that_cannot_be_made_is_still_a_line() -> None:
    out = io.StringIO()
    configure_logging(stream=out)
    logging.getLogger("ottla.test.one").warning("%d", "no number")
    assert "cannot be formatted" in json.loads(out.getvalue())["message"]


def test_configuring_again_replaces() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logging(stream=first)
    configure_logging(stream=second)
    logging.getLogger("ottla.test.one").warning("x")
    assert first.getvalue() == ""
    assert second.getvalue()


def test_loggers_are_listed_with_the_level_in_force() -> None:
    configure_logging(stream=io.StringIO(), level="WARN")
    logging.getLogger("ottla.test.one").setLevel(logging.NOTSET)
    assert list_loggers()["root"] == "WARN"
    assert list_loggers()["ottla.test.one"] == "WARN"
    alter_loggers([("ottla.test.one", 0, "TRACE")])
    assert list_loggers()["ottla.test.one"] == "TRACE"
    alter_loggers([("ottla.test.one", 1, None)])
    assert list_loggers()["ottla.test.one"] == "WARN"
    logging.getLogger("ottla.test.one").setLevel(23)
    assert list_loggers()["ottla.test.one"] == "INFO"


def test_a_refused_step_leaves_everything_as_it_was() -> None:
    configure_logging(stream=io.StringIO())
    logging.getLogger("ottla.test.one")
    with pytest.raises(ApiError):
        alter_loggers([("ottla.test.one", 0, "DEBUG"), ("ottla.test.one", 0, "NOPE")])
    alter_loggers([("ottla.test.one", 0, "DEBUG")], validate_only=True)
    assert list_loggers()["ottla.test.one"] == "INFO"


def test_changes_are_refused_as_kafka_refuses_them(kafka_answers: dict[str, Any]) -> None:
    configure_logging(stream=io.StringIO())
    logging.getLogger("kafka.server")
    operations = {"SET": 0, "DELETE": 1, "APPEND": 2, "SUBTRACT": 3}
    wrong = []
    for (name, operation, level), expected in kafka_answers["loggers"]:
        outcome = None
        try:
            alter_loggers([(name, operations[operation], level)])
        except ApiError as error:
            outcome = [error.code.name, error.message]
        if outcome != (expected and [expected[0], expected[2]]):
            wrong.append((name, operation, level, outcome, expected))
    assert wrong == []
    logging.getLogger("kafka.server").setLevel(logging.NOTSET)


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(ApiError) as caught:
        alter_loggers([("root", 7, "INFO")])
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def test_what_a_line_says_beside_its_message_is_for_machines() -> None:
    for out, as_json in ((io.StringIO(), True), (io.StringIO(), False)):
        configure_logging(stream=out, as_json=as_json)
        fields = {"count": 3, "names": ["a"], "odd": object}
        logging.getLogger("ottla.test.one").info("three of them", extra={"fields": fields})
        if as_json:
            line = json.loads(out.getvalue())
            assert (line["message"], line["count"], line["names"]) == ("three of them", 3, ["a"])
            assert "object" in line["odd"]
        else:
            assert out.getvalue().endswith("test.one: three of them\n")


def test_what_a_client_calls_itself_neither_forges_a_line_nor_moves_the_cursor() -> None:
    out = Terminal()
    configure_logging(stream=out)
    logging.getLogger("ottla.test.one").warning("slow: %s", "café\n12:00:00.000 ERROR node: forged\r\x1b[2J")
    first, second = out.getvalue().splitlines()
    assert first.endswith("slow: café")
    assert second == "  12:00:00.000 ERROR node: forged\\r\\x1b[2J"

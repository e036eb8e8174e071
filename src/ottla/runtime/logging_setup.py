"""Where log lines go and what they look like; and the loggers as the Admin API shows them (resource BROKER_LOGGER).

Lines go to standard error: readable ones to a terminal, one JSON object each to anything else (fields ``time``,
``level``, ``logger``, ``message``, ``error``, and what a line says beside its message: ``extra={"fields": {...}}``).
Standard output stays free for what a command says.
"""

import logging
import sys
import time
from collections.abc import Iterable
from typing import TextIO

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

ROOT = "root"

LEVELS = {"DEBUG": 10, "ERROR": 40, "FATAL": 50, "INFO": 20, "TRACE": 5, "WARN": 30}
"""Kafka's names of levels, in the order in which its messages list them, and Python's numbers."""

_NAMES = {number: name for name, number in LEVELS.items()}
_SET, _DELETE, _APPEND, _SUBTRACT = range(4)


class HumanFormatter(logging.Formatter):
    """``12:34:56.789 WARN  broker.node: message``, the traceback, if any, on the lines after it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        name = record.name.removeprefix("ottla.")
        return f"{clock}.{int(record.msecs):03d} {level_name(record):5} {name}: {_shown(_message(record))}" + _trace(
            record, "\n"
        )


def _shown(message: str) -> str:
    """Return a message as a terminal may show it: what clients call themselves may hold anything.

    Lines after the first are indented, so that none can pass for one of the log's own.
    """
    if message.isprintable():
        return message
    lines = [
        "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)
        for line in message.split("\n")
    ]
    return "\n  ".join(lines)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        import json

        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": level_name(record),
            "logger": record.name,
            "message": _message(record),
        }
        line |= getattr(record, "fields", {})
        trace = _trace(record, "")
        if trace:
            line["error"] = trace
        return json.dumps(line, ensure_ascii=False, default=str)


def level_name(record: logging.LogRecord) -> str:
    """Return Kafka's name of a line's level."""
    return _NAMES.get(record.levelno, record.levelname)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        # A line that cannot be made is worth a line, not a traceback from inside of logging.
        return f"{record.msg!r} with {record.args!r} cannot be formatted: {error}"


def _trace(record: logging.LogRecord, before: str) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    from traceback import format_exception

    return before + "".join(format_exception(record.exc_info[1])).rstrip("\n")


def configure_logging(*, level: str = "INFO", stream: TextIO | None = None, as_json: bool | None = None) -> None:
    """Send every line of ``level`` (a name of Kafka's) and above to ``stream``, standard error unless given.

    May be called again; the last call counts.
    """
    target = stream if stream is not None else sys.stderr
    json_lines = not target.isatty() if as_json is None else as_json
    handler = logging.StreamHandler(target)
    handler.setFormatter(JsonFormatter() if json_lines else HumanFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(LEVELS[level])
    logging.raiseExceptions = False  # a closed standard error must not stop a node


def list_loggers() -> dict[str, str]:
    """Return the level in force of every logger by its name, the root's under ``root``."""
    loggers = {ROOT: _effective(logging.getLogger())}
    for name, logger in sorted(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger):
            loggers[name] = _effective(logger)
    return loggers


def _effective(logger: logging.Logger) -> str:
    level = logger.getEffectiveLevel()
    return _NAMES.get(level) or min(LEVELS, key=lambda name: abs(LEVELS[name] - level))


def alter_loggers(operations: Iterable[tuple[str, int, str | None]], *, validate_only: bool = False) -> None:
    """Set (0) or unset (1) the levels of loggers, steps being ``(name, operation, level)``; all of them or none.

    ApiError with Kafka's code and sentence for an unknown logger or level, for any other operation, and for unsetting
    the root (``RuntimeLoggerManager``). Levels are gone at the next start, as they are with Kafka.
    """
    steps = list(operations)
    known = list_loggers()
    for name, operation, level in steps:
        _check(known, name, operation, level)
    if validate_only:
        return
    for name, operation, level in steps:
        logger = logging.getLogger() if name == ROOT else logging.getLogger(name)
        logger.setLevel(LEVELS[level] if operation == _SET and level is not None else logging.NOTSET)


def _check(known: dict[str, str], name: str, operation: int, level: str | None) -> None:
    if operation in (_APPEND, _SUBTRACT):
        kind = "APPEND" if operation == _APPEND else "SUBTRACT"
        raise ApiError(ErrorCode.INVALID_REQUEST, f"{kind} operation is not allowed for the BROKER_LOGGER resource")
    if operation not in (_SET, _DELETE):
        raise ApiError(
            ErrorCode.INVALID_REQUEST,
            f"Unknown operation type {operation} is not allowed for the BROKER_LOGGER resource",
        )
    if name not in known:
        raise ApiError(ErrorCode.INVALID_CONFIG, f"Logger {name} does not exist!")
    if operation == _SET and level not in LEVELS:
        raise ApiError(
            ErrorCode.INVALID_CONFIG,
            f"Cannot set the log level of {name} to {level} as it is not a supported log level. "
            f"Valid log levels are {', '.join(LEVELS)}",
        )
    if operation == _DELETE and name == ROOT:
        raise ApiError(ErrorCode.INVALID_REQUEST, "Removing the log level of the root logger is not allowed")

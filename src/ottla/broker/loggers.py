"""Log levels that clients may look at and change while the node runs (BROKER_LOGGER, KIP-412).

They are never stored: a restart brings the configured ones back. Names are Python's (``ottla.log.manager``), levels
Kafka's; ``root`` is the root of all.
"""

import logging
from collections.abc import Sequence

from ottla.controller.alter_configs import ConfigChange, ConfigOperation
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

ROOT = "root"
LEVELS = {
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": 5,
}


def levels() -> dict[str, str]:
    """Return the level in force of every logger."""
    names = [name for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)]
    found = {ROOT: _level_name(logging.root.getEffectiveLevel())}
    found.update((name, _level_name(logging.getLogger(name).getEffectiveLevel())) for name in sorted(names))
    return found


def change_levels(changes: Sequence[ConfigChange], *, validate_only: bool) -> None:
    """Set or take back levels, all or none; raise ApiError in Kafka's words (``RuntimeLoggerManager``)."""
    known = levels()
    for change in changes:
        if change.operation not in (ConfigOperation.SET, ConfigOperation.DELETE):
            raise ApiError(
                ErrorCode.INVALID_REQUEST,
                f"{_operation_name(change.operation)} operation is not allowed for the BROKER_LOGGER resource",
            )
        if change.name not in known:
            raise ApiError(ErrorCode.INVALID_CONFIG, f"Logger {change.name} does not exist!")
        if change.operation == ConfigOperation.SET and change.value not in LEVELS:
            raise ApiError(
                ErrorCode.INVALID_CONFIG,
                f"Cannot set the log level of {change.name} to {change.value} as it is not a supported log level."
                f" Valid log levels are {', '.join(LEVELS)}",
            )
        if change.operation == ConfigOperation.DELETE and change.name == ROOT:
            raise ApiError(
                ErrorCode.INVALID_REQUEST,
                f"Removing the log level of the {ROOT} logger is not allowed",
            )
    if validate_only:
        return
    for change in changes:
        level = LEVELS[change.value or ""] if change.operation == ConfigOperation.SET else logging.NOTSET
        (logging.root if change.name == ROOT else logging.getLogger(change.name)).setLevel(level)


def _operation_name(operation: int) -> str:
    return next((known.name for known in ConfigOperation if known == operation), str(operation))


def _level_name(level: int) -> str:
    return next((name for name, least in LEVELS.items() if level >= least), "TRACE")

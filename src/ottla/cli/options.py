"""Options that several commands have, and what they mean."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from ottla.model.errors import OperatorError

DEFAULT_BOOTSTRAP = "127.0.0.1:9092"
BOOTSTRAP_VARIABLE = "OTTLA_BOOTSTRAP"

F = TypeVar("F", bound=Callable[..., Any])


class Target(NamedTuple):
    """Which cluster to talk to, and how. ``bootstrap`` is None where nobody said it: the file may."""

    bootstrap: str | None
    command_config: str | None


def target_options(function: F) -> F:
    """Give a command ``--bootstrap`` and ``--command-config``, as its arguments of these names."""
    function = click.option(
        "--command-config",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="Kafka client properties: TLS, SASL, timeouts.",
    )(function)
    return click.option(
        "-b",
        "--bootstrap",
        metavar="HOST:PORT",
        envvar=BOOTSTRAP_VARIABLE,
        help=f"Brokers, with commas between them. [default: ${BOOTSTRAP_VARIABLE} or {DEFAULT_BOOTSTRAP}]",
    )(function)


def json_option(function: F) -> F:
    """Give a command ``--json``, as its argument ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


def yes_option(function: F) -> F:
    """Give a command ``--yes``, as its argument ``yes``."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(function)


def split_pairs(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """Return ``key=value`` arguments as a mapping; the last of a key counts. OperatorError for one without ``=``."""
    result = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise OperatorError(f"{option} {pair!r} is not of the form KEY=VALUE")
        result[key.strip()] = value
    return result

"""Options that several commands have, and what they mean."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from ottla.model.errors import OperatorError

DEFAULT_BOOTSTRAP = "127.0.0.1:9092"
BOOTSTRAP_VARIABLE = "OTTLA_BOOTSTRAP"
MAX_INT16 = 2**15 - 1
MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1

if TYPE_CHECKING:
    _Int = click.ParamType[int]
else:
    _Int = click.ParamType  # not generic before click 8.4

F = TypeVar("F", bound=Callable[..., Any])


class Target(NamedTuple):
    """Which cluster to talk to, and how. ``bootstrap`` is None where nobody said it: the file may."""

    bootstrap: str | None
    command_config: str | None


class WholeNumber(_Int):
    """A number from ``least`` to ``most``; unlike click's own range it does not show in the help."""

    name = "number"

    def __init__(self, least: int, most: int = MAX_INT32) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail with what is wrong with it."""
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number", param, ctx)
        if number < self._least:
            self.fail(f"{number} is below {self._least}", param, ctx)
        if number > self._most:
            self.fail(f"{number} is more than {self._most}", param, ctx)
        return number


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

"""The pytest plugin: fixtures ``ottla_broker`` and ``ottla_topic``, and the marker ``ottla``.

pytest imports this module in every project that has Ottla installed, so it imports nothing until a fixture is used. A
test that is marked with settings gets a broker with these, and shares it with the tests that are marked alike; the
session's other broker goes on beside it with its data.

``ottla_broker`` has the scope of the session, so that fixtures of any scope may use it. The marker reaches it as a
parameter, which pytest knows how to order tests by; the brokers themselves are kept by ``_ottla_brokers``, so that
going from one to another and back neither stops nor empties any.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from .broker import Broker

MARKER = "ottla"
HELP = (
    "ottla(settings={...}, disk=False, partitions=1, config={...}): the broker's settings by Kafka's names, and the "
    "partitions and settings of the topic that ottla_topic makes"
)
ARGUMENTS = ("settings", "disk", "partitions", "config")
MAX_NAME = 150


class _Wish(NamedTuple):
    """A broker's settings as a marker asks for them, in an order that makes equal ones equal."""

    settings: tuple[tuple[str, object], ...]
    disk: bool

    def __str__(self) -> str:
        """The test's id: what is set."""
        texts = [f"{name}={value}" for name, value in self.settings] + ["disk"] * self.disk
        return ",".join(texts)


class Brokers:
    """The session's brokers, each made when it is first asked for."""

    def __init__(self) -> None:
        self._brokers: dict[object, Broker] = {}

    def get(self, wish: "_Wish | None") -> "Broker":
        """Return the running broker with these settings."""
        from .broker import Broker

        key = None if wish is None else repr(wish)
        broker = self._brokers.get(key)
        if broker is None:
            settings, disk = ({}, False) if wish is None else (dict(wish.settings), wish.disk)
            broker = self._brokers[key] = Broker(settings, disk=disk)
        return broker if broker.is_running else broker.start()

    def close(self) -> None:
        """Stop all of them."""
        for broker in self._brokers.values():
            broker.close()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", HELP)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that is marked with settings the broker that has them."""
    if "ottla_broker" not in metafunc.fixturenames:
        return
    asked = _asked(metafunc.definition)
    if asked.get("settings") or asked.get("disk"):
        settings = asked.get("settings") or {}
        wish = _Wish(tuple(sorted((name, _plain(value)) for name, value in settings.items())), bool(asked.get("disk")))
        metafunc.parametrize("ottla_broker", [wish], indirect=True, scope="session", ids=[str(wish)])


def _plain(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _asked(node: pytest.Item) -> dict[str, Any]:
    """Return what the markers of a test, its class and its module ask for, the nearest going first."""
    asked: dict[str, Any] = {}
    for marker in node.iter_markers(MARKER):
        unknown = sorted(marker.kwargs.keys() - set(ARGUMENTS))
        if marker.args or unknown:
            what = f"no argument {unknown[0]!r}" if unknown else "arguments by name only"
            raise pytest.UsageError(f"{node.nodeid}: the marker ottla takes {what}; it is {HELP}")
        for name, value in marker.kwargs.items():
            is_both = name in asked and isinstance(value, Mapping)
            asked[name] = {**value, **asked[name]} if is_both else asked.get(name, value)
    return asked


@pytest.fixture(scope="session")
def _ottla_brokers() -> Iterator[Brokers]:
    brokers = Brokers()
    yield brokers
    brokers.close()


@pytest.fixture(scope="session")
def ottla_broker(request: pytest.FixtureRequest, _ottla_brokers: Brokers) -> "Broker":
    """A Kafka broker in memory, one for the session, or with the settings of the marker ``ottla``."""
    return _ottla_brokers.get(getattr(request, "param", None))


@pytest.fixture
def ottla_topic(request: pytest.FixtureRequest, ottla_broker: "Broker") -> Iterator[str]:
    """The name of a fresh topic, deleted after the test; the marker says how many partitions and which settings."""
    from .operations import fresh_name

    if not ottla_broker.is_running:  # a test before this one stopped it
        ottla_broker.start()
    asked = _asked(request.node)
    readable = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in request.node.name)
    name = ottla_broker.create_topic(
        fresh_name(readable[:MAX_NAME].strip("-")), partitions=asked.get("partitions"), config=asked.get("config")
    )
    yield name
    if ottla_broker.is_running and name in ottla_broker.topics():
        ottla_broker.delete_topic(name)

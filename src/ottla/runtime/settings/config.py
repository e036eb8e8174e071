"""The node's settings as they are now: defaults, what the operator wrote, and what clients have changed since.

Four layers, the nearest first: dynamic for this broker, dynamic for the whole cluster, static, default
(``DynamicBrokerConfig``). A dynamic value also hides the lower layers' synonyms of it: a dynamic
``log.retention.ms`` wins over a static ``log.retention.hours``, and the other way round.
"""

import builtins
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from .listeners import Listener, advertised_listeners, client_listeners, parse_ip_overrides
from .load import Settings
from .model import Secret, SettingError, Value
from .table import broker_setting, defaults, synonyms
from .topic_defaults import topic_defaults
from .values import parse_value

logger = logging.getLogger(__name__)

ChangeListener: TypeAlias = Callable[[frozenset[str]], None]


class BrokerConfig:
    """Typed access to the settings of one node, live.

    ``values`` holds every setting of the table by its name, typed, and is changed in place: code on a hot path may
    keep the dict and look up what it needs, or take ``on_change`` and keep an attribute. The typed getters raise
    KeyError for a name that is not in the table, and assert the type.
    """

    __slots__ = ("_listeners", "_topic_defaults", "cluster_dynamic", "dynamic", "static", "values")

    def __init__(self, static: Settings | None = None) -> None:
        self.static = static if static is not None else Settings()
        self.cluster_dynamic: dict[builtins.str, builtins.str] = {}
        """Dynamic texts for all brokers, as they stand in the metastore."""
        self.dynamic: dict[builtins.str, builtins.str] = {}
        """Dynamic texts for this broker."""
        self.values: dict[builtins.str, Value] = defaults()
        self.values.update(self.static.values)
        self._listeners: builtins.list[tuple[frozenset[builtins.str], ChangeListener]] = []
        self._topic_defaults: dict[builtins.str, Value] | None = None

    # --- typed access

    def int(self, name: builtins.str) -> builtins.int:
        """Return a whole number."""
        value = self.values[name]
        assert isinstance(value, builtins.int)
        return value

    def optional_int(self, name: builtins.str) -> builtins.int | None:
        """Return a whole number, or None if there is none."""
        value = self.values[name]
        assert value is None or isinstance(value, builtins.int)
        return value

    def float(self, name: builtins.str) -> builtins.float:
        """Return a number."""
        value = self.values[name]
        assert isinstance(value, (builtins.float, builtins.int))
        return value

    def bool(self, name: builtins.str) -> builtins.bool:
        """Return a truth value."""
        value = self.values[name]
        assert isinstance(value, builtins.bool)
        return value

    def str(self, name: builtins.str) -> builtins.str:
        """Return a text."""
        value = self.values[name]
        assert isinstance(value, builtins.str)
        return value

    def optional_str(self, name: builtins.str) -> builtins.str | None:
        """Return a text, or None if there is none."""
        value = self.values[name]
        assert value is None or isinstance(value, builtins.str)
        return value

    def list(self, name: builtins.str) -> tuple[builtins.str, ...]:
        """Return the members of a list; an absent list has none."""
        value = self.values[name]
        assert value is None or isinstance(value, tuple)
        return value or ()

    def secret(self, name: builtins.str) -> builtins.str | None:
        """Return a password in the clear, or None if there is none."""
        value = self.values[name]
        assert value is None or isinstance(value, Secret)
        return value.text if value is not None else None

    # --- what several settings say together

    @property
    def node_id(self) -> builtins.int:
        """The number of this node."""
        return self.int("node.id")

    @property
    def log_dirs(self) -> tuple[builtins.str, ...]:
        """The data folders: ``log.dirs``, or else ``log.dir``."""
        return self.list("log.dirs") or self.list("log.dir")

    @property
    def metadata_dir(self) -> builtins.str:
        """The folder of the embedded metastore: ``ottla.metadata.dir``, or else the first data folder."""
        return self.optional_str("ottla.metadata.dir") or self.log_dirs[0]

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Where to listen for clients."""
        return client_listeners(self.values)

    @property
    def advertised_listeners(self) -> tuple[Listener, ...]:
        """What clients are told to dial, none if the operator left it open."""
        return advertised_listeners(self.values)

    @property
    def max_connections_per_ip_overrides(self) -> dict[builtins.str, builtins.int]:
        """How many connections single hosts may have."""
        return parse_ip_overrides(self.str("max.connections.per.ip.overrides"))

    @property
    def topic_defaults(self) -> Mapping[builtins.str, Value]:
        """What each setting of a topic is where the topic says nothing, typed (computed once for each change)."""
        if self._topic_defaults is None:
            self._topic_defaults = topic_defaults(self.values)
        return self._topic_defaults

    # --- change

    def on_change(self, names: Iterable[builtins.str], listener: ChangeListener) -> None:
        """Call ``listener`` with the names that changed, each time any of ``names`` does; no names stand for all."""
        self._listeners.append((frozenset(names), listener))

    def set_cluster_dynamic(self, texts: Mapping[builtins.str, builtins.str]) -> frozenset[builtins.str]:
        """Replace the dynamic settings of the whole cluster; return the names whose value changed."""
        self.cluster_dynamic = dict(texts)
        return self._apply()

    def set_dynamic(self, texts: Mapping[builtins.str, builtins.str]) -> frozenset[builtins.str]:
        """Replace the dynamic settings of this broker; return the names whose value changed."""
        self.dynamic = dict(texts)
        return self._apply()

    def _apply(self) -> frozenset[builtins.str]:
        values = self.layered(self.cluster_dynamic, self.dynamic)
        changed = frozenset(
            name for name in values.keys() | self.values.keys() if values.get(name) != self.values.get(name)
        )
        for name in self.values.keys() - values.keys():
            del self.values[name]
        self.values.update(values)
        if changed:
            self._topic_defaults = None
            for names, listener in self._listeners:
                if not names or names & changed:
                    listener(changed)
        return changed

    def layered(
        self, cluster: Mapping[builtins.str, builtins.str], broker: Mapping[builtins.str, builtins.str]
    ) -> dict[builtins.str, Value]:
        """Return all typed values with the two dynamic layers put over the static one.

        A stored value that this version refuses is ignored with a line in the log, so that it cannot stop a start.
        """
        given = dict(self.static.values)
        for layer in (cluster, broker):
            for name, text in layer.items():
                setting = broker_setting(name)
                if setting is None:
                    continue
                try:
                    value = parse_value(setting, text)
                except SettingError as error:
                    logger.warning("a stored dynamic setting is ignored: %s", error)
                    continue
                if not name.startswith("listener.name."):
                    for synonym in synonyms(name):
                        given.pop(synonym, None)
                given[name] = value
        return {**defaults(), **given}

"""What a setting is: its name, type, default, rule, and what happens when it changes.

The numbers of :class:`Type` and :class:`Source` are those of the DescribeConfigs response
(``DescribeConfigsResponse.ConfigType`` and ``ConfigSource``).
"""

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Protocol, TypeAlias

from ottla.model.errors import OttlaError


class SettingError(OttlaError):
    """A name or a value that is refused; the message is in the words that Kafka's clients and users know."""


class Secret:
    """A password: shown nowhere, handed out by ``text`` only."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "[hidden]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


Value: TypeAlias = bool | int | float | str | tuple[str, ...] | Secret | None
"""A typed value; lists are tuples, classes are their names."""

Values: TypeAlias = Mapping[str, Value]


class Type(IntEnum):
    """What a value is, with the number that DescribeConfigs gives it."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


class Source(IntEnum):
    """Where an effective value comes from, with the number that DescribeConfigs gives it."""

    UNKNOWN = 0
    DYNAMIC_TOPIC_CONFIG = 1
    DYNAMIC_BROKER_CONFIG = 2
    DYNAMIC_DEFAULT_BROKER_CONFIG = 3
    STATIC_BROKER_CONFIG = 4
    DEFAULT_CONFIG = 5
    DYNAMIC_BROKER_LOGGER_CONFIG = 6
    CLIENT_METRICS_CONFIG = 7
    GROUP_CONFIG = 8


class Importance(Enum):
    """How much a setting matters."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class UpdateMode(Enum):
    """Whether a broker's setting can change while the broker runs, and for whom."""

    READ_ONLY = "read-only"
    PER_BROKER = "per-broker"
    CLUSTER_WIDE = "cluster-wide"


class Effect(Enum):
    """What a setting does in Ottla."""

    ACTIVE = "active"
    LATER = "later"
    """Belongs to a part of Kafka that Ottla does not serve yet; read and checked, and nothing more."""
    NONE = "none"
    """Belongs to a part of Kafka that Ottla does not have (thread pools, KRaft, the JVM); read and checked only."""


class Scope(Enum):
    """What a setting is a setting of."""

    BROKER = "broker"
    TOPIC = "topic"
    GROUP = "group"
    CLIENT_METRICS = "client-metrics"


class Rule(Protocol):
    """What a typed value must satisfy."""

    def refusal(self, name: str, value: Value) -> str | None:
        """Kafka's sentence about what is wrong with ``value``, None when nothing is."""

    @property
    def wanted(self) -> str:
        """What would be right, to go after "give": "a number of at least 1"."""


class Setting:
    """One line of a settings table. Kept cheap to make: several hundred are made when a node starts."""

    __slots__ = (
        "default",
        "effect",
        "importance",
        "internal",
        "name",
        "rule",
        "scope",
        "type",
        "update_mode",
    )

    def __init__(
        self,
        name: str,
        type: Type,
        default: Value,
        importance: Importance,
        rule: Rule | None = None,
        update_mode: UpdateMode = UpdateMode.READ_ONLY,
        effect: Effect = Effect.ACTIVE,
        *,
        scope: Scope = Scope.BROKER,
        internal: bool = False,
    ) -> None:
        self.name = name
        self.type = type
        self.default = default
        self.importance = importance
        self.rule = rule
        self.update_mode = update_mode
        self.effect = effect
        self.scope = scope
        self.internal = internal

    def __repr__(self) -> str:
        return f"Setting({self.name!r})"

    @property
    def sensitive(self) -> bool:
        """Whether its value is never shown to anybody."""
        return self.type is Type.PASSWORD

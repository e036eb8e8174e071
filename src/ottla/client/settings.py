"""The settings of a client, by the names that Kafka's clients gave them, and a few of librdkafka's for TLS.

A setting that is known to Kafka's clients but means nothing here (serializers, metric reporters) is taken in silence,
any other unknown name becomes a warning. Values are checked when the client is made: SettingsError names the setting.
"""

from collections.abc import Mapping
from typing import NamedTuple

from .errors import SettingsError


class _Setting(NamedTuple):
    default: str | int | bool | None
    choices: tuple[str, ...] = ()
    least: int = 0


_TEXT = _Setting(None)
COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")
SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

KNOWN: dict[str, _Setting] = {
    "client.id": _Setting("ottla"),
    "request.timeout.ms": _Setting(30_000, least=1),
    "default.api.timeout.ms": _Setting(60_000, least=1),
    "retries": _Setting(2**31 - 1),
    "retry.backoff.ms": _Setting(100),
    "retry.backoff.max.ms": _Setting(1000),
    "socket.connection.setup.timeout.ms": _Setting(10_000, least=1),
    "metadata.max.age.ms": _Setting(300_000),
    "allow.auto.create.topics": _Setting(False),
    # Security
    "security.protocol": _Setting("PLAINTEXT", SECURITY_PROTOCOLS),
    "sasl.mechanism": _Setting("PLAIN", MECHANISMS),
    "sasl.jaas.config": _TEXT,
    "sasl.username": _TEXT,
    "sasl.password": _TEXT,
    "ssl.truststore.location": _TEXT,
    "ssl.truststore.type": _Setting("PEM"),
    "ssl.truststore.password": _TEXT,
    "ssl.truststore.certificates": _TEXT,
    "ssl.ca.location": _TEXT,
    "ssl.keystore.location": _TEXT,
    "ssl.keystore.type": _Setting("PEM"),
    "ssl.keystore.password": _TEXT,
    "ssl.keystore.key": _TEXT,
    "ssl.keystore.certificate.chain": _TEXT,
    "ssl.certificate.location": _TEXT,
    "ssl.key.location": _TEXT,
    "ssl.key.password": _TEXT,
    "ssl.cipher.suites": _TEXT,
    "ssl.endpoint.identification.algorithm": _Setting("https", ("https", "none", "")),
    "enable.ssl.certificate.verification": _Setting(True),
    # Producer
    "acks": _Setting("all", ("all", "-1", "0", "1")),
    "linger.ms": _Setting(5),
    "batch.size": _Setting(262_144, least=1),
    "buffer.memory": _Setting(33_554_432, least=1),
    "compression.type": _Setting("none", COMPRESSIONS),
    "compression.gzip.level": _Setting(-1, least=-1),
    "compression.lz4.level": _Setting(9),
    "compression.zstd.level": _Setting(3, least=-131_072),
    "delivery.timeout.ms": _Setting(120_000, least=1),
    "enable.idempotence": _Setting(True),
    "max.block.ms": _Setting(60_000),
    "max.request.size": _Setting(1_048_576, least=1),
    # Consumer
    "group.id": _TEXT,
    "group.instance.id": _TEXT,
    "auto.offset.reset": _Setting(None, ("earliest", "latest", "none")),
    "enable.auto.commit": _Setting(False),
    "auto.commit.interval.ms": _Setting(5000),
    "session.timeout.ms": _Setting(45_000, least=1),
    "heartbeat.interval.ms": _Setting(3000, least=1),
    "max.poll.interval.ms": _Setting(300_000, least=1),
    "max.poll.records": _Setting(500, least=1),
    "fetch.min.bytes": _Setting(1),
    "fetch.max.bytes": _Setting(52_428_800),
    "fetch.max.wait.ms": _Setting(500),
    "max.partition.fetch.bytes": _Setting(1_048_576),
    "check.crcs": _Setting(True),
    "isolation.level": _Setting("read_uncommitted", ("read_uncommitted", "read_committed")),
    "partition.assignment.strategy": _Setting("range"),
}
"""Every setting that has an effect. The type of the default is the setting's type; None: text, not set.

Different from Kafka's clients on purpose: ``enable.auto.commit`` is off, a consumer does not create topics by asking
for them, ``batch.size`` is larger, and PEM is the type of the stores.
"""

_NUMBERS = frozenset(name for name, setting in KNOWN.items() if type(setting.default) is int)
_SWITCHES = frozenset(name for name, setting in KNOWN.items() if type(setting.default) is bool)

_WITHOUT_MEANING = (
    "auto.include.jmx.reporter",
    "bootstrap.servers",  # an argument of the client's own
    "client.dns.lookup",
    "client.rack",
    "connections.max.idle.ms",
    "default.key.",
    "enable.metrics.push",
    "exclude.internal.topics",
    "group.protocol",
    "interceptor.classes",
    "key.deserializer",
    "key.serializer",
    "max.in.flight.requests.per.connection",
    "metadata.max.idle.ms",
    "metadata.recovery.",
    "metric.reporters",
    "metrics.",
    "partitioner.",
    "receive.buffer.bytes",
    "reconnect.backoff.",
    "sasl.client.callback.handler.class",
    "sasl.kerberos.",
    "sasl.login.",
    "security.providers",
    "send.buffer.bytes",
    "socket.connection.setup.timeout.max.ms",
    "ssl.enabled.protocols",
    "ssl.engine.factory.class",
    "ssl.keymanager.algorithm",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
    "value.deserializer",
    "value.serializer",
)
"""Settings of Kafka's clients, or beginnings of their names, that are taken in silence."""


class ClientSettings:
    """Checked settings; the getters take the names in :data:`KNOWN`."""

    __slots__ = ("_values", "given", "warnings")

    def __init__(self, given: Mapping[str, str | int | bool]) -> None:
        self.given = dict(given)
        self._values: dict[str, str | int | bool] = {}
        warnings = []
        for name, value in given.items():
            setting = KNOWN.get(name)
            if setting is not None:
                self._values[name] = _value(name, setting, value)
            elif not name.startswith(_WITHOUT_MEANING):
                warnings.append(f"the setting {name} is not known here and has no effect")
        self.warnings = tuple(warnings)

    def replace(self, keywords: Mapping[str, str | int | bool]) -> "ClientSettings":
        """Return these settings with others before them, whose names have underscores for dots.

        A keyword that is no setting is a TypeError, as for any other call.
        """
        given = dict(self.given)
        for keyword, value in keywords.items():
            name = keyword.replace("_", ".")
            if name not in KNOWN:
                raise TypeError(f"there is no setting {name}")
            given[name] = value
        return ClientSettings(given)

    def is_set(self, name: str) -> bool:
        """Whether somebody gave a value."""
        return name in self._values

    def number(self, name: str) -> int:
        """The value of a number."""
        value = self._values.get(name, KNOWN[name].default)
        assert type(value) is int, name
        return value

    def switch(self, name: str) -> bool:
        """The value of a switch."""
        value = self._values.get(name, KNOWN[name].default)
        assert type(value) is bool, name
        return value

    def text(self, name: str) -> str:
        """The value of a text, empty if it is not set and has no default."""
        value = self._values.get(name, KNOWN[name].default)
        return "" if value is None else str(value)

    def seconds(self, name: str) -> float:
        """The value of a number of milliseconds, in seconds."""
        return self.number(name) / 1000


def settings_from_file(path: str) -> dict[str, str]:
    """Read a client's properties file, as ``--command-config`` of Kafka's tools names it."""
    from ottla.runtime.settings.model import SettingError
    from ottla.runtime.settings.properties import parse_properties

    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  # pathlib would cost a start-up its import
            return parse_properties(file.read())
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"the settings file {path} is not UTF-8 text") from error
    except SettingError as error:
        raise SettingsError(f"the settings file {path}: {error}") from error


def _value(name: str, setting: _Setting, given: str | int | bool) -> str | int | bool:
    if name in _SWITCHES:
        return _switch(name, given)
    if name in _NUMBERS:
        return _number(name, setting, given)
    text = str(given).strip()
    if setting.choices:
        for choice in setting.choices:
            if text.lower() == choice.lower():
                return choice
        names = ", ".join(choice for choice in setting.choices if choice)
        raise SettingsError(f"{name}: {text!r} is none of {names}")
    return text


def _switch(name: str, given: str | int | bool) -> bool:
    text = str(given).strip().lower()
    if text not in ("true", "false"):
        raise SettingsError(f"{name}: {given!r} is neither true nor false")
    return text == "true"


def _number(name: str, setting: _Setting, given: str | int | bool) -> int:
    try:
        number = int(str(given).strip())
    except ValueError:
        raise SettingsError(f"{name}: {given!r} is not a whole number") from None
    if number < setting.least:
        raise SettingsError(f"{name}: {number} is below {setting.least}")
    return number

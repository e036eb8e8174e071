"""Addresses in settings: listeners and what they advertise, and limits for single client addresses.

A listener is ``NAME://host:port``; the name is any case and stands for upper case, the host may be empty (every
address of the machine) or an IPv6 address in brackets (``SocketServerConfigs.listenerListToEndPoints``).
"""

from collections.abc import Mapping
from typing import NamedTuple

from .model import SettingError, Values

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_META_ADDRESSES = ("0.0.0.0", "::", "0:0:0:0:0:0:0:0")
_HIGHEST_PORT = 65535


class AddressError(SettingError):
    """An address or a list of them that cannot be used; the message says what to write instead."""


class Listener(NamedTuple):
    """A place to listen, or the address of one to tell clients."""

    name: str
    protocol: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.name}://{host}:{self.port}"


def client_listeners(values: Values) -> tuple[Listener, ...]:
    """Return where to listen; what the file of a Kafka controller gives to the controller's role is left out.

    AddressError for an entry of another form, a name without a protocol, or a name or port that occurs twice; port 0
    (any free one) may, and so may one port for IPv4 and IPv6.
    """
    listeners = _parse_listeners("listeners", values)
    taken: dict[tuple[int, bool], Listener] = {}
    for listener in listeners:
        if listener.port != 0:
            other = taken.setdefault((listener.port, ":" in listener.host), listener)
            if other is not listener:
                raise AddressError(f"listeners: {other} and {listener} have one port; give each a port of its own")
    return _without_controllers(values, listeners)


def advertised_listeners(values: Values) -> tuple[Listener, ...]:
    """Return what clients are told to dial; AddressError also for an address that nobody can dial."""
    listeners = _parse_listeners("advertised.listeners", values)
    for listener in listeners:
        if listener.host in _META_ADDRESSES:
            raise AddressError(
                f"advertised.listeners: clients cannot dial {listener.host}; give the name or address that they use"
            )
    return _without_controllers(values, listeners)


def _without_controllers(values: Values, listeners: tuple[Listener, ...]) -> tuple[Listener, ...]:
    controllers = values["controller.listener.names"]
    names = {name.upper() for name in controllers} if isinstance(controllers, tuple) else ()
    return tuple(listener for listener in listeners if listener.name not in names)


def _parse_listeners(setting: str, values: Values) -> tuple[Listener, ...]:
    entries, protocol_map = values[setting], values["listener.security.protocol.map"]
    assert isinstance(protocol_map, str)
    protocols = parse_protocol_map(protocol_map)
    listeners = (
        tuple(_parse_listener(setting, entry, protocols) for entry in entries) if isinstance(entries, tuple) else ()
    )
    names = [listener.name for listener in listeners]
    for name in names:
        if names.count(name) > 1:
            raise AddressError(f"{setting}: two listeners are called {name}; give each a name of its own")
    return listeners


def _parse_listener(setting: str, entry: str, protocols: Mapping[str, str]) -> Listener:
    name, mark, rest = entry.partition("://")
    host, colon, port_text = rest.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not mark or not name or not colon or not port_text.isdecimal() or int(port_text) > _HIGHEST_PORT:
        raise AddressError(f"{setting}: cannot read {entry!r}; give NAME://host:port, such as PLAINTEXT://:9092")
    name = name.upper()
    protocol = protocols.get(name)
    if protocol is None:
        raise AddressError(
            f"{setting}: nothing says which protocol {name} speaks; "
            f"add {name}:PLAINTEXT to listener.security.protocol.map"
        )
    return Listener(name, protocol, host, int(port_text))


def parse_protocol_map(text: str) -> dict[str, str]:
    """Return the protocol of each listener name of ``listener.security.protocol.map``."""
    protocols: dict[str, str] = {}
    for entry in filter(None, (entry.strip() for entry in text.split(","))):
        name, colon, protocol = (part.strip().upper() for part in entry.rpartition(":"))
        if not colon or not name or protocol not in PROTOCOLS:
            raise AddressError(
                f"listener.security.protocol.map: cannot read {entry!r}; give NAME:PROTOCOL, "
                f"the protocol one of {', '.join(PROTOCOLS)}"
            )
        if name in protocols:
            raise AddressError(f"listener.security.protocol.map: {name} occurs twice; keep one")
        protocols[name] = protocol
    return protocols


def metrics_address(values: Values) -> tuple[str, int] | None:
    """Return host and port of ``ottla.metrics.listener``, None if it is not set. Raises AddressError."""
    text = values["ottla.metrics.listener"]
    if not text:
        return None
    assert isinstance(text, str)
    host, colon, port = text.removeprefix("http://").rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or "/" in host or not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise AddressError(f"ottla.metrics.listener: cannot read {text!r}; give host:port, such as 127.0.0.1:9464")
    return host, int(port)


def parse_ip_overrides(text: str) -> dict[str, int]:
    """Return how many connections each host of ``max.connections.per.ip.overrides`` may have."""
    overrides: dict[str, int] = {}
    for entry in filter(None, (entry.strip() for entry in text.split(","))):
        host, colon, count = entry.rpartition(":")
        count = count.strip()
        if not colon or not host.strip() or not count.removeprefix("-").isdecimal():
            raise AddressError(
                f"max.connections.per.ip.overrides: cannot read {entry!r}; give host:number, such as 127.0.0.1:200"
            )
        overrides[host.strip()] = int(count)
    return overrides

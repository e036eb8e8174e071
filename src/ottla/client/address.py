"""Addresses of brokers: ``host:port``, with ``[...]`` around an IPv6 host."""

from typing import NamedTuple

from .errors import SettingsError

DEFAULT_PORT = 9092


class Address(NamedTuple):
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_addresses(text: str) -> list[Address]:
    """Read ``host:port,host:port``; without a port it is 9092. Raise SettingsError for what is no address."""
    addresses = [_parse(part.strip()) for part in text.split(",") if part.strip()]
    if not addresses:
        raise SettingsError("no bootstrap server is given: it has the form host:port")
    return addresses


def _parse(text: str) -> Address:
    # A listener may be pasted as it stands in a broker's settings: PLAINTEXT://host:port.
    host, colon, port = text.rpartition("://")[2].rpartition(":")
    if not colon or port.endswith("]"):
        host, port = text.rpartition("://")[2], str(DEFAULT_PORT)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise SettingsError(f"{text!r} is no address: write host:port, and an IPv6 host as [host]:port")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"{text!r} is no address: write host:port, with a port from 1 to 65535")
    return Address(host, int(port))

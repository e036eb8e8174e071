"""What the settings say about limits, in the shapes that the parts of a node want them in."""

import logging
import os
import socket

from ottla.broker.connections import ConnectionQuota
from ottla.network.driver import ConnectionLimits
from ottla.network.wire import LargeBuffers
from ottla.runtime.settings import BrokerConfig
from ottla.runtime.settings.listeners import parse_ip_overrides

logger = logging.getLogger(__name__)

NEVER = 2**63 - 1


class NodeLimits:
    """Limits that handlers look at for each request; changed in place by dynamic settings."""

    __slots__ = ("fetch_max_bytes",)

    def __init__(self, config: BrokerConfig) -> None:
        self.fetch_max_bytes = 0
        self.update(config)

    def update(self, config: BrokerConfig) -> None:
        """Take the values that are in force now."""
        self.fetch_max_bytes = min(config.int("fetch.max.bytes"), config.int("ottla.fetch.response.max.bytes"))


def connection_limits(config: BrokerConfig) -> ConnectionLimits:
    """Return the limits of one connection."""
    return ConnectionLimits(
        max_frame_bytes=config.int("socket.request.max.bytes"),
        max_other_frame_bytes=config.int("ottla.request.max.bytes"),
        write_buffer_bytes=config.int("ottla.connection.write.buffer.bytes"),
        max_in_flight=config.int("ottla.connection.max.in.flight.requests"),
    )


def large_buffers(config: BrokerConfig) -> LargeBuffers:
    """Return the memory that all connections' large requests share."""
    return LargeBuffers(max_bytes=config.int("queued.max.request.bytes"))


def busy_poll_us(config: BrokerConfig) -> int:
    """Return for how long the event loop may wait awake; a single processor is left to the clients."""
    return config.int("ottla.network.busy.poll.us") if usable_processors() > 1 else 0


def usable_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def socket_buffer_bytes(config: BrokerConfig, name: str) -> int:
    """Return the size of a socket's buffer, -1 to leave it to the operating system.

    Kafka's default of 100 KiB would switch off the buffers of today's systems, which grow with the need and carry
    several times as much; so only what the operator has written down counts (docs/deviations.md).
    """
    return config.int(name) if name in config.static.texts else -1


def connection_quota(config: BrokerConfig) -> ConnectionQuota:
    """Return how many connections there may be. Blocks where an override gives a host by its name."""
    overrides: dict[str, int] = {}
    for host, count in parse_ip_overrides(config.str("max.connections.per.ip.overrides")).items():
        overrides.update(dict.fromkeys(addresses_of(host), count))
    return ConnectionQuota(
        total=config.int("max.connections"),
        per_host=config.int("max.connections.per.ip"),
        overrides=overrides,
        of_listeners=_of_listeners(config, "max.connections"),
        rate=config.int("max.connection.creation.rate"),
        rate_of_listeners=_of_listeners(config, "max.connection.creation.rate"),
    )


def _of_listeners(config: BrokerConfig, name: str) -> dict[str, int]:
    """Return what is set for single listeners, by listener name."""
    found: dict[str, int] = {}
    for listener in config.listeners:
        value = config.values.get(f"listener.name.{listener.name.lower()}.{name}")
        if isinstance(value, int):
            found[listener.name] = value
    return found


def addresses_of(host: str) -> list[str]:
    """Return the addresses of a host as connections show them; the name itself, with a warning, if it has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        logger.warning("max.connections.per.ip.overrides: %s is no address and cannot be looked up: %s", host, error)
        return [host]
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


def flush_policy(config: BrokerConfig) -> str:
    """Say in a few words what an acknowledgement means, for the ``ready`` line."""
    messages = config.int("log.flush.interval.messages")
    flush_ms = config.topic_defaults["flush.ms"]
    if messages == 1:
        return "fsync (flush.messages=1)"
    parts = [f"flush.messages={messages}"] if messages < NEVER else []
    if isinstance(flush_ms, int) and flush_ms < NEVER:
        parts.append(f"flush.ms={flush_ms}")
    return f"page-cache ({', '.join(parts) if parts else 'no flush asked for: survives the process, not a power cut'})"

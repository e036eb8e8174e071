"""What the settings say about limits, in the shapes that the parts of a node want them in."""

from ottla.broker.connections import ConnectionQuota
from ottla.network.driver import ConnectionLimits
from ottla.runtime.settings import BrokerConfig
from ottla.runtime.settings.listeners import parse_ip_overrides

NEVER = 2**63 - 1


class NodeLimits:
    """Limits that handlers look at for each request; changed in place by dynamic settings."""

    __slots__ = ("fetch_max_bytes",)

    def __init__(self, config: BrokerConfig) -> None:
        self.fetch_max_bytes = 0
        self.update(config)

    def update(self, config: BrokerConfig) -> None:
        """Take the values that are in force now."""
        self.fetch_max_bytes = config.int("fetch.max.bytes")


def connection_limits(config: BrokerConfig) -> ConnectionLimits:
    """Return the limits of one connection."""
    return ConnectionLimits(
        max_frame_bytes=config.int("socket.request.max.bytes"),
        write_buffer_bytes=config.int("ottla.connection.write.buffer.bytes"),
    )


def connection_quota(config: BrokerConfig) -> ConnectionQuota:
    """Return how many connections there may be."""
    overrides = parse_ip_overrides(config.str("max.connections.per.ip.overrides"))
    return ConnectionQuota(
        total=config.int("max.connections"), per_host=config.int("max.connections.per.ip"), overrides=overrides
    )


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

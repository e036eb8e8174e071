"""Settings of the node itself: its name, its addresses, and the limits of its connections."""

from .model import Setting
from .rules import Choice, ListOf
from .vocabulary import (
    CLUSTER_WIDE,
    HIGH,
    INT,
    LATER,
    LIST,
    LIST_OR_NULL,
    LONG,
    LOW,
    MAX_INT,
    MAX_LONG,
    MEDIUM,
    NON_EMPTY_LIST,
    NON_EMPTY_LIST_OR_NULL,
    NONE,
    READ_ONLY,
    STRING,
    at_least,
)

IDENTITY = (
    Setting("broker.id", INT, -1, HIGH),
    Setting("broker.rack", STRING, None, MEDIUM),
    Setting("early.start.listeners", LIST, None, HIGH, LIST_OR_NULL, READ_ONLY, NONE),
    Setting("node.id", INT, 1, HIGH, at_least(0)),
    Setting(
        "process.roles",
        LIST,
        None,
        HIGH,
        ListOf("broker", "controller", may_be_empty=False, may_be_null=True),
        READ_ONLY,
        NONE,
    ),
    Setting("server.max.startup.time.ms", LONG, MAX_LONG, MEDIUM, at_least(0), READ_ONLY, NONE, internal=True),
)

LISTENERS = (
    Setting("advertised.listeners", LIST, None, HIGH, NON_EMPTY_LIST_OR_NULL),
    Setting("controller.listener.names", LIST, None, HIGH, NON_EMPTY_LIST_OR_NULL, READ_ONLY),
    Setting("inter.broker.listener.name", STRING, None, MEDIUM, None, READ_ONLY, LATER),
    Setting(
        "listener.security.protocol.map",
        STRING,
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
        LOW,
    ),
    Setting("listeners", LIST, ("PLAINTEXT://127.0.0.1:9092",), HIGH, NON_EMPTY_LIST),
    Setting(
        "security.inter.broker.protocol",
        STRING,
        "PLAINTEXT",
        MEDIUM,
        Choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        READ_ONLY,
        LATER,
    ),
    Setting("socket.listen.backlog.size", INT, 50, MEDIUM, at_least(1)),
)

CONNECTIONS = (
    Setting("background.threads", INT, 10, HIGH, at_least(1), CLUSTER_WIDE, NONE),
    Setting("connection.failed.authentication.delay.ms", INT, 100, LOW, at_least(0), READ_ONLY, LATER),
    Setting("connections.max.idle.ms", LONG, 600_000, MEDIUM),
    Setting("max.connection.creation.rate", INT, MAX_INT, MEDIUM, at_least(0), CLUSTER_WIDE),
    Setting("max.connections", INT, MAX_INT, MEDIUM, at_least(0), CLUSTER_WIDE),
    Setting("max.connections.per.ip", INT, MAX_INT, MEDIUM, at_least(0), CLUSTER_WIDE),
    Setting("max.connections.per.ip.overrides", STRING, "", MEDIUM, None, CLUSTER_WIDE),
    Setting("num.io.threads", INT, 8, HIGH, at_least(1), CLUSTER_WIDE, NONE),
    Setting("num.network.threads", INT, 3, HIGH, at_least(1), CLUSTER_WIDE, NONE),
    Setting("queued.max.request.bytes", LONG, -1, MEDIUM),
    Setting("queued.max.requests", INT, 500, HIGH, at_least(1), READ_ONLY, NONE),
    Setting("request.timeout.ms", INT, 30_000, HIGH, None, READ_ONLY, LATER),
    Setting("socket.connection.setup.timeout.max.ms", LONG, 30_000, MEDIUM, None, READ_ONLY, NONE),
    Setting("socket.connection.setup.timeout.ms", LONG, 10_000, MEDIUM, None, READ_ONLY, NONE),
    Setting("socket.receive.buffer.bytes", INT, 102_400, HIGH),
    Setting("socket.request.max.bytes", INT, 104_857_600, HIGH, at_least(1)),
    Setting("socket.send.buffer.bytes", INT, 102_400, HIGH),
)

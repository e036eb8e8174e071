"""What the settings of the node itself do."""

IDENTITY = {
    "node.id": "The number of this node in its cluster; clients and tools call it the broker's id.",
    "broker.id": "The older name of node.id. Give either, or both with the same number.",
    "broker.rack": (
        "The rack or zone this broker stands in, as told to clients; replicas of a partition spread over racks."
    ),
    "process.roles": "Whether a Kafka process is broker, controller or both. A node of Ottla is always both.",
    "early.start.listeners": (
        "Listeners that Kafka opens before its authorizer is ready. Ottla opens all of them once it can serve."
    ),
    "server.max.startup.time.ms": "How long Kafka may take to start before it gives up.",
}

LISTENERS = {
    "listeners": (
        "Where to listen: a list of NAME://host:port. An empty host stands for every address of the machine, port 0 "
        "for any free port (the ready line names it), an IPv6 address goes into brackets. Kafka can change it while it "
        "runs; Ottla needs a restart and says so."
    ),
    "advertised.listeners": (
        "The addresses that clients are told to dial, by listener name. Without it each client is told the "
        "address that it has dialled itself, which is right wherever no proxy or container network is in between."
    ),
    "listener.security.protocol.map": (
        "Which protocol each listener name speaks: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL. Listeners may have any "
        "name that stands here. Kafka can change it while it runs; Ottla needs a restart and says so."
    ),
    "inter.broker.listener.name": "The listener that brokers use among themselves.",
    "security.inter.broker.protocol": (
        "The protocol that brokers speak among themselves when no listener is named for it."
    ),
    "controller.listener.names": (
        "The listeners that belong to Kafka's controllers. Ottla has no controller listeners; those that are "
        "named here are left out of listeners, so that a file made for Kafka works."
    ),
    "socket.listen.backlog.size": (
        "How many connections may wait to be accepted, and how many wait for max.connection.creation.rate."
    ),
}

CONNECTIONS = {
    "max.connections": (
        "How many connections the node has open at most; one more is closed at once. Can be set for one listener, "
        "besides, as listener.name.NAME.max.connections, the name in lower case."
    ),
    "max.connections.per.ip": ("How many connections one client address may have open; one more is closed at once."),
    "max.connections.per.ip.overrides": (
        "Other limits for single addresses: a list of host:number. A host name stands for all its addresses at the "
        "time it is set."
    ),
    "max.connection.creation.rate": (
        "How many new connections a second are served; the others wait for their turn, as many of them as "
        "socket.listen.backlog.size says, and any more are closed. After a quiet time as many as belong to one second "
        "come at once. Can be set for one listener, besides, as listener.name.NAME.max.connection.creation.rate."
    ),
    "connections.max.idle.ms": (
        "A connection on which nothing moved in either direction for this long is closed; -1 for never."
    ),
    "connection.failed.authentication.delay.ms": (
        "How long the answer to a failed authentication waits, so that guessing is slow."
    ),
    "queued.max.requests": (
        "How many requests may wait for a thread. In Ottla none does: a request is served when it is read, and what "
        "may be under way of one connection is limited by ottla.connection.max.in.flight.requests."
    ),
    "queued.max.request.bytes": (
        "How many bytes of large requests (above 128 KiB) the node takes in at once: while as many are under way, a "
        "connection that announces another is not read any further. Requests and batches that take long to look at, "
        "of which each connection can have one waiting, count for as long as they wait, whatever their size. -1 for no "
        "limit beyond that of each connection."
    ),
    "request.timeout.ms": (
        "How long a request to another broker, or to the controller on a client's behalf, may take."
    ),
    "socket.request.max.bytes": (
        "The largest request that is read; a connection that announces a larger one is closed."
    ),
    "socket.send.buffer.bytes": (
        "The send buffer to ask of the operating system for each connection, if it is set; -1 for the system's choice. "
        "Not being set counts as -1, since a fixed buffer of Kafka's 100 KiB is slower than one that grows."
    ),
    "socket.receive.buffer.bytes": (
        "The receive buffer to ask of the operating system for each connection, if it is set; -1 for the system's "
        "choice. Not being set counts as -1, since a fixed buffer of Kafka's 100 KiB is slower than one that grows."
    ),
    "socket.connection.setup.timeout.ms": "How long connecting to another broker may take at first.",
    "socket.connection.setup.timeout.max.ms": (
        "How long connecting to another broker may take after repeated failures."
    ),
    "num.network.threads": "Threads that read and write connections. Ottla does this in one event loop.",
    "num.io.threads": (
        "Threads that work on requests. Ottla does this in its event loop and leaves waiting for disks to threads."
    ),
    "background.threads": "Threads for deleting files and the like. Ottla sizes its own pool.",
}

DESCRIPTIONS = {**IDENTITY, **LISTENERS, **CONNECTIONS}

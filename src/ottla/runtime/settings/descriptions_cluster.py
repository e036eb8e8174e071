"""What the settings of a cluster do."""

REPLICATION = {
    "replica.lag.time.max.ms": "After how long a follower that has not caught up is no longer in sync.",
    "replica.fetch.wait.max.ms": "How long a follower's fetch waits for records.",
    "replica.fetch.min.bytes": "How many bytes a follower's fetch waits for.",
    "replica.fetch.max.bytes": "How many bytes of each partition a follower asks for at a time.",
    "replica.fetch.response.max.bytes": "How many bytes a follower asks for at a time altogether.",
    "replica.fetch.backoff.ms": "How long a follower waits after a failed fetch.",
    "replica.socket.timeout.ms": "How long a follower waits for an answer.",
    "replica.socket.receive.buffer.bytes": "The receive buffer of a follower's connection to its leader.",
    "replica.high.watermark.checkpoint.interval.ms": "How often high watermarks are written down.",
    "replica.selector.class": "The Java class that picks the replica a consumer should read from.",
    "replica.alter.log.dirs.io.max.bytes.per.second": (
        "How many bytes a second moving replicas between folders may take."
    ),
    "leader.replication.throttled.rate": (
        "How many bytes a second leaders send of the replicas that topics name as throttled."
    ),
    "follower.replication.throttled.rate": (
        "How many bytes a second followers take of the replicas that topics name as throttled."
    ),
    "num.replica.fetchers": "How many fetchers follow each other broker.",
    "auto.leader.rebalance.enable": "Whether leadership moves back to preferred replicas by itself.",
    "leader.imbalance.check.interval.seconds": "How often Kafka looks for leadership to move back.",
    "controlled.shutdown.enable": "Whether a broker hands its partitions over before it stops.",
    "controller.socket.timeout.ms": "How long Kafka's controller waits for a broker's answer.",
}

MEMBERSHIP = {
    "broker.heartbeat.interval.ms": "How often a broker says that it lives.",
    "broker.session.timeout.ms": "After how long without a heartbeat a broker is taken for dead.",
    "initial.broker.registration.timeout.ms": "How long a Kafka broker tries to register when it starts.",
    "controller.quorum.voters": "Kafka's controllers, as id@host:port.",
    "controller.quorum.bootstrap.servers": "Where Kafka's controllers are found.",
    "controller.quorum.auto.join.enable": "Whether a new controller joins the quorum by itself.",
    "controller.quorum.append.linger.ms": ("How long the quorum's leader gathers records before it writes them."),
    "controller.quorum.election.timeout.ms": "How long a controller waits for votes.",
    "controller.quorum.election.backoff.max.ms": "How long a controller waits after a failed election.",
    "controller.quorum.fetch.timeout.ms": ("How long a controller waits for its leader before it calls an election."),
    "controller.quorum.request.timeout.ms": "How long a controller waits for an answer.",
    "controller.quorum.retry.backoff.ms": "How long a controller waits before it tries again.",
    "controller.performance.sample.period.ms": "How often slow events of Kafka's controller are summed up.",
    "controller.performance.always.log.threshold.ms": (
        "How long an event of Kafka's controller takes to be logged by itself."
    ),
    "metadata.log.dir": "The folder of Kafka's metadata log.",
    "metadata.log.segment.bytes": "How large the segments of the metadata log get.",
    "metadata.log.segment.ms": "How old the segments of the metadata log get.",
    "metadata.log.max.record.bytes.between.snapshots": ("How much is written to the metadata log between snapshots."),
    "metadata.log.max.snapshot.interval.ms": "How long it takes at most until the next snapshot.",
    "metadata.max.idle.interval.ms": "How often Kafka's controller writes when there is nothing to write.",
    "metadata.max.retention.bytes": "How much of the metadata log is kept.",
    "metadata.max.retention.ms": "How long the metadata log is kept.",
    "internal.metadata.log.segment.bytes": "The size of metadata segments in Kafka's own tests.",
    "internal.metadata.delete.delay.millis": "How long deleted metadata files stay.",
    "internal.metadata.max.batch.size.in.bytes": "The largest batch of the metadata log.",
    "internal.metadata.max.fetch.size.in.bytes": "The largest fetch from the metadata log.",
    "unstable.api.versions.enable": "Whether versions of APIs are served that Kafka has not finished.",
    "unstable.feature.versions.enable": "Whether feature levels are offered that Kafka has not finished.",
}

_WINDOWS = {
    "quota": "the rate of a client",
    "controller.quota": "the rate of changes to topics",
    "replication.quota": "the rate of replication",
    "alter.log.dirs.replication.quota": "the rate of moves between folders",
}

QUOTAS = {
    "client.quota.callback.class": "The Java class that decides on quotas.",
    **{f"{prefix}.window.num": f"How many windows {what} is measured over." for prefix, what in _WINDOWS.items()},
    **{
        f"{prefix}.window.size.seconds": f"How long each window is that {what} is measured over."
        for prefix, what in _WINDOWS.items()
    },
}

METRICS = {
    "metric.reporters": "The Java classes that report Kafka's metrics.",
    "metrics.num.samples": "How many samples Kafka's metrics are computed from.",
    "metrics.sample.window.ms": "How long each of these samples is.",
    "metrics.recording.level": "Which of Kafka's metrics are recorded: INFO, DEBUG or TRACE.",
    "kafka.metrics.reporters": "The Java classes that report Kafka's older metrics.",
    "kafka.metrics.polling.interval.secs": "How often these classes are asked to report.",
    "telemetry.max.bytes": "The most metrics that a client may push at a time, compressed.",
}

DESCRIPTIONS = {**REPLICATION, **MEMBERSHIP, **QUOTAS, **METRICS}

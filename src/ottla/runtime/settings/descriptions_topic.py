"""What the settings of single topics do, and those of client-metrics subscriptions."""

OF_ONE_TOPIC = {
    "cleanup.policy": (
        "What happens to old data: delete drops whole segments by age and size, compact keeps the last record of "
        "each key, both do both, and an empty list keeps everything."
    ),
    "retention.ms": "How old the newest record of a segment gets before the segment is deleted; -1 for ever.",
    "retention.bytes": "How large a partition gets before its oldest segments are deleted; -1 for no limit.",
    "segment.bytes": "How large a segment file gets before the next one is begun.",
    "internal.segment.bytes": "The same without a least size, for tests.",
    "segment.ms": "How old a segment gets before the next one is begun, full or not.",
    "segment.jitter.ms": ("Up to how much earlier, at random, so that partitions do not all begin a segment at once."),
    "segment.index.bytes": "How large an index gets before the next segment is begun.",
    "index.interval.bytes": "How many bytes of records lie between two entries of an index.",
    "preallocate": "Whether a new segment file takes its full size on the disk at once.",
    "file.delete.delay.ms": "How long the files of a deleted segment stay, renamed, before they are removed.",
    "flush.messages": (
        "After how many records a partition is forced to the disk. With 1, every acknowledgement means that the "
        "records are on the disk."
    ),
    "flush.ms": "After how long a partition that took records is forced to the disk.",
    "min.insync.replicas": ("How many replicas must have a record before a producer with acks=all gets its answer."),
    "unclean.leader.election.enable": "Whether a replica that lacks records may lead when no other is left.",
    "max.message.bytes": "The largest batch that is taken, as it comes, its 12 bytes of head included.",
    "message.timestamp.type": (
        "Which time a record carries: CreateTime is the producer's, LogAppendTime the broker's."
    ),
    "message.timestamp.before.max.ms": "How far a producer's time may lie in the past.",
    "message.timestamp.after.max.ms": "How far a producer's time may lie in the future.",
    "compression.type": (
        "How batches are stored: producer leaves them as they come, uncompressed unpacks them, a codec packs "
        "those that came otherwise anew."
    ),
    "compression.gzip.level": (
        "How hard gzip works when the broker compresses: 1 is fast, 9 is small, -1 is its own choice."
    ),
    "compression.lz4.level": "How hard lz4 works when the broker compresses: 1 is fast, 17 is small.",
    "compression.zstd.level": "How hard zstd works when the broker compresses: low is fast, 22 is small.",
    "min.cleanable.dirty.ratio": ("The share of the log (0 to 1) that must be new before it is compacted again."),
    "min.compaction.lag.ms": "How long every record stays as it is before it may be compacted away.",
    "max.compaction.lag.ms": "How long a record may wait at most until the log is compacted.",
    "delete.retention.ms": "How long the tombstone of a deleted key stays readable after compaction.",
    "leader.replication.throttled.replicas": (
        "The replicas (partition:broker, or *) whose sending leader.replication.throttled.rate limits."
    ),
    "follower.replication.throttled.replicas": (
        "The replicas (partition:broker, or *) whose taking follower.replication.throttled.rate limits."
    ),
    "remote.storage.enable": "Whether old segments move to object storage.",
    "remote.log.copy.disable": ("Whether copying to object storage is stopped while what is there stays readable."),
    "remote.log.delete.on.disable": (
        "Whether what is in object storage is deleted when remote.storage.enable is taken back."
    ),
    "local.retention.ms": (
        "How long segments stay on the broker's disk once they are in object storage; -2 for as long as they are "
        "kept at all."
    ),
    "local.retention.bytes": (
        "How much of a partition stays on the broker's disk once it is in object storage; -2 for all that is kept."
    ),
}

OF_CLIENT_METRICS = {
    "metrics": "The prefixes of the metrics that clients are to push; * for all of them.",
    "interval.ms": "How often clients push.",
    "match": "Which clients are meant: a list of selector=pattern.",
}

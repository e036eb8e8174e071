"""What the settings of topics and their logs do, as broker settings."""

DIRECTORIES = {
    "log.dirs": (
        "The folders that hold the data, separated by commas. New partitions go to the folder with the fewest; "
        "one that fails goes offline with its partitions and leaves the others alone. Without it, log.dir counts."
    ),
    "log.dir": "The folder that holds the data when log.dirs is not given.",
    "log.dir.failure.timeout.ms": (
        "How long a Kafka broker tries to tell the controller of a failed folder before it stops."
    ),
    "log.initial.task.delay.ms": (
        "How long after the start the first round of retention, flushing and checkpoints waits."
    ),
    "num.recovery.threads.per.data.dir": (
        "Threads for each folder that load logs at the start and flush them at the end."
    ),
    "num.replica.alter.log.dirs.threads": "Threads that move replicas between folders.",
}

TOPICS = {
    "num.partitions": "How many partitions a topic gets that is created without a number.",
    "default.replication.factor": "How many replicas a topic gets that is created without a number.",
    "auto.create.topics.enable": (
        "Whether a topic that a client asks for by name, and that does not exist, is created."
    ),
    "delete.topic.enable": "Whether topics can be deleted; if not, deleting one is refused.",
    "create.topic.policy.class.name": "A Java class that may refuse new topics.",
    "alter.config.policy.class.name": "A Java class that may refuse changes of settings.",
    "max.request.partition.size.limit": (
        "How many partitions one answer to DescribeTopicPartitions holds; clients ask on from there."
    ),
}

RETENTION = {
    "log.cleanup.policy": (
        "What happens to old data: delete drops whole segments by age and size, compact keeps the last record of "
        "each key, both do both, and an empty list keeps everything."
    ),
    "log.retention.ms": (
        "How old the newest record of a segment gets before the segment is deleted; -1 for ever. Wins over "
        "minutes and hours."
    ),
    "log.retention.minutes": "As log.retention.ms, in minutes; counts when log.retention.ms is not given.",
    "log.retention.hours": "As log.retention.ms, in hours; counts when neither milliseconds nor minutes are given.",
    "log.retention.bytes": ("How large a partition gets before its oldest segments are deleted; -1 for no limit."),
    "log.retention.check.interval.ms": "How often old segments are looked for.",
    "log.segment.delete.delay.ms": ("How long the files of a deleted segment stay, renamed, before they are removed."),
}

SEGMENTS = {
    "log.segment.bytes": "How large a segment file gets before the next one is begun.",
    "log.roll.ms": "How old a segment gets before the next one is begun, full or not. Wins over hours.",
    "log.roll.hours": "As log.roll.ms, in hours; counts when log.roll.ms is not given.",
    "log.roll.jitter.ms": (
        "Up to how much earlier, at random, so that partitions do not all begin a segment at once. Wins over hours."
    ),
    "log.roll.jitter.hours": "As log.roll.jitter.ms, in hours; counts when log.roll.jitter.ms is not given.",
    "log.index.interval.bytes": (
        "How many bytes of records lie between two entries of an index; less makes indexes larger and seeks shorter."
    ),
    "log.index.size.max.bytes": "How large an index gets before the next segment is begun.",
    "log.preallocate": "Whether a new segment file takes its full size on the disk at once.",
}

FLUSH = {
    "log.flush.interval.messages": (
        "After how many records a partition is forced to the disk. With 1, every acknowledgement means that the "
        "records are on the disk; one flush serves all that wait for it."
    ),
    "log.flush.interval.ms": (
        "After how long a partition that took records is forced to the disk. Without it, "
        "log.flush.scheduler.interval.ms counts."
    ),
    "log.flush.scheduler.interval.ms": (
        "How often partitions are looked through for those that are due to be forced to the disk."
    ),
    "log.flush.offset.checkpoint.interval.ms": (
        "How often the offsets up to which logs are safely on the disk are written down."
    ),
    "log.flush.start.offset.checkpoint.interval.ms": ("How often the offsets at which logs begin are written down."),
    "min.insync.replicas": (
        "How many replicas must have a record before a producer with acks=all gets its answer; never more than "
        "there are replicas. With fewer in sync, such producers are refused."
    ),
    "unclean.leader.election.enable": (
        "Whether a replica that lacks records may lead when no other is left: availability at the price of records."
    ),
    "unclean.leader.election.interval.ms": (
        "How often partitions without a leader are looked for that may get one this way."
    ),
}

COMPACTION = {
    "log.cleaner.enable": ("Whether topics are compacted at all; Kafka has deprecated the switch."),
    "log.cleaner.threads": "How many compactions run at a time, each in a process of its own; 0 for none.",
    "log.cleaner.dedupe.buffer.size": (
        "Memory for the table of keys, for all compactions together; at least 1 MiB each."
    ),
    "log.cleaner.io.buffer.size": "Memory for reading and writing, for all compactions together.",
    "log.cleaner.io.buffer.load.factor": (
        "How full the table of keys gets (0 to 1) before a compaction ends early and goes on in another round."
    ),
    "log.cleaner.io.max.bytes.per.second": "How many bytes a second compactions read and write together.",
    "log.cleaner.backoff.ms": "How long compaction waits before it looks again when there was nothing to do.",
    "log.cleaner.min.cleanable.ratio": ("The share of a log (0 to 1) that must be new before it is compacted again."),
    "log.cleaner.delete.retention.ms": ("How long the tombstone of a deleted key stays readable after compaction."),
    "log.cleaner.min.compaction.lag.ms": ("How long every record stays as it is before it may be compacted away."),
    "log.cleaner.max.compaction.lag.ms": (
        "How long a record may wait at most until its log is compacted, however little is new."
    ),
}

PRODUCE = {
    "message.max.bytes": (
        "The largest batch that is taken, as it comes, its 12 bytes of head included; a larger one is refused."
    ),
    "log.message.timestamp.type": (
        "Which time a record carries: CreateTime is the producer's, LogAppendTime the broker's."
    ),
    "log.message.timestamp.before.max.ms": (
        "How far a producer's time may lie in the past; records with an older one are refused."
    ),
    "log.message.timestamp.after.max.ms": (
        "How far a producer's time may lie in the future; records with a later one are refused."
    ),
    "compression.type": (
        "How batches are stored: producer leaves them as they come, uncompressed unpacks them, a codec packs "
        "those that came otherwise anew."
    ),
    "compression.gzip.level": (
        "How hard gzip works when the broker compresses: 1 is fast, 9 is small, -1 is its own choice."
    ),
    "compression.lz4.level": "How hard lz4 works when the broker compresses: 1 is fast, 17 is small.",
    "compression.zstd.level": "How hard zstd works when the broker compresses: low is fast, 22 is small.",
    "producer.id.expiration.ms": ("How long the sequence numbers of a silent idempotent producer are remembered."),
    "producer.id.expiration.check.interval.ms": "How often silent producers are looked for.",
    "producer.purgatory.purge.interval.requests": (
        "When Kafka tidies its list of waiting produce requests. Ottla's needs no tidying."
    ),
}

FETCH = {
    "fetch.max.bytes": (
        "The most that one fetch answers, whatever the client allows; one batch is answered even if it is larger."
    ),
    "max.incremental.fetch.session.cache.slots": (
        "How many incremental fetch sessions are kept; beyond that the least used one goes."
    ),
    "fetch.purgatory.purge.interval.requests": (
        "When Kafka tidies its list of waiting fetches. Ottla's needs no tidying."
    ),
    "delete.records.purgatory.purge.interval.requests": (
        "When Kafka tidies its list of waiting deletions. Ottla's needs no tidying."
    ),
}

TIERS = {
    "log.local.retention.ms": (
        "How long segments stay on the broker's disk once they are in object storage; -2 for as long as they are "
        "kept at all."
    ),
    "log.local.retention.bytes": (
        "How much of a partition stays on the broker's disk once it is in object storage; -2 for all that is kept."
    ),
    "remote.log.storage.system.enable": "Whether old segments can move to object storage.",
    "remote.log.storage.manager.class.name": "The Java class that talks to the object storage.",
    "remote.log.storage.manager.class.path": "Where that class is found.",
    "remote.log.storage.manager.impl.prefix": "The prefix of settings that are handed to it.",
    "remote.log.metadata.manager.class.name": "The Java class that keeps track of what is in object storage.",
    "remote.log.metadata.manager.class.path": "Where that class is found.",
    "remote.log.metadata.manager.impl.prefix": "The prefix of settings that are handed to it.",
    "remote.log.metadata.manager.listener.name": "The listener over which it talks to the cluster.",
    "remote.log.metadata.custom.metadata.max.bytes": "How much the object storage may note about a segment.",
    "remote.log.index.file.cache.total.size.bytes": ("How much disk the cache of indexes of remote segments takes."),
    "remote.log.manager.thread.pool.size": "Threads for the work on remote segments as a whole.",
    "remote.log.manager.copier.thread.pool.size": "Threads that copy segments to object storage.",
    "remote.log.manager.expiration.thread.pool.size": "Threads that delete expired segments there.",
    "remote.log.manager.follower.thread.pool.size": "Threads that follow what leaders have copied.",
    "remote.log.manager.task.interval.ms": "How often segments to copy or delete are looked for.",
    "remote.log.manager.task.retry.backoff.ms": "How long the first wait after a failure is.",
    "remote.log.manager.task.retry.backoff.max.ms": "How long the waits after failures get.",
    "remote.log.manager.task.retry.jitter": "The random share of those waits.",
    "remote.log.manager.copy.max.bytes.per.second": "How many bytes a second are copied to object storage.",
    "remote.log.manager.copy.quota.window.num": "How many windows the rate of copying is measured over.",
    "remote.log.manager.copy.quota.window.size.seconds": "How long each of these windows is.",
    "remote.log.manager.fetch.max.bytes.per.second": "How many bytes a second are read from object storage.",
    "remote.log.manager.fetch.quota.window.num": "How many windows the rate of reading is measured over.",
    "remote.log.manager.fetch.quota.window.size.seconds": "How long each of these windows is.",
    "remote.log.reader.threads": "Threads that read from object storage.",
    "remote.log.reader.max.pending.tasks": "How many reads from object storage may wait.",
    "remote.fetch.max.wait.ms": "How long a fetch waits for object storage.",
    "remote.list.offsets.request.timeout.ms": "How long a search for an offset waits for object storage.",
}

DESCRIPTIONS = {
    **DIRECTORIES,
    **TOPICS,
    **RETENTION,
    **SEGMENTS,
    **FLUSH,
    **COMPACTION,
    **PRODUCE,
    **FETCH,
    **TIERS,
}

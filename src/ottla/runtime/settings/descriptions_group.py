"""What the settings of the coordinators do, and those of single groups."""

GROUPS = {
    "group.initial.rebalance.delay.ms": (
        "How long the first rebalance of an empty group waits for more members to come."
    ),
    "group.min.session.timeout.ms": "The shortest session timeout that a member may ask for.",
    "group.max.session.timeout.ms": "The longest session timeout that a member may ask for.",
    "group.max.size": "How many members a group may have; one more is refused.",
    "group.coordinator.rebalance.protocols": "Which group protocols are served; classic must be one of them.",
    "group.coordinator.append.linger.ms": (
        "How long the coordinator gathers records before it writes them; -1 writes when what has come in "
        "meanwhile is worked off."
    ),
    "group.coordinator.threads": "Threads of Kafka's group coordinator. Ottla's works in the event loop.",
}

OFFSETS = {
    "offset.metadata.max.bytes": "The longest text that may be committed with an offset.",
    "offsets.retention.minutes": "How long the offsets of a group without members are kept.",
    "offsets.retention.check.interval.ms": "How often expired offsets are looked for.",
    "offsets.commit.timeout.ms": "How long a commit waits until it is written.",
    "offsets.topic.num.partitions": ("How many partitions __consumer_offsets gets. Not to be changed once it exists."),
    "offsets.topic.replication.factor": (
        "How many replicas __consumer_offsets gets; in Ottla never more than there are brokers, so that one node "
        "needs no setting."
    ),
    "offsets.topic.segment.bytes": ("How large the segments of __consumer_offsets get; small ones load faster."),
    "offsets.topic.compression.codec": (
        "How the coordinator compresses what it writes, unless the topic's own compression.type says otherwise: "
        "0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."
    ),
    "offsets.load.buffer.size": ("How much is read at a time when a partition of __consumer_offsets is loaded."),
}

TRANSACTIONS = {
    "transaction.max.timeout.ms": "The longest time that a producer may keep a transaction open.",
    "transactional.id.expiration.ms": "How long a silent transactional id is remembered.",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": (
        "How often overdue transactions are looked for and aborted."
    ),
    "transaction.remove.expired.transaction.cleanup.interval.ms": (
        "How often silent transactional ids are looked for."
    ),
    "transaction.partition.verification.enable": (
        "Whether a partition leader asks the coordinator if a transaction is really open."
    ),
    "transaction.two.phase.commit.enable": ("Whether producers may prepare a transaction and finish it much later."),
    "transaction.state.log.num.partitions": (
        "How many partitions __transaction_state gets. Not to be changed once it exists."
    ),
    "transaction.state.log.replication.factor": "How many replicas __transaction_state gets.",
    "transaction.state.log.min.isr": "How many of them must have a record before it counts.",
    "transaction.state.log.segment.bytes": "How large the segments of __transaction_state get.",
    "transaction.state.log.load.buffer.size": (
        "How much Kafka reads at a time when it loads a partition of __transaction_state."
    ),
    "add.partitions.to.txn.retry.backoff.ms": (
        "How long the first wait is before a partition is added to a transaction again."
    ),
    "add.partitions.to.txn.retry.backoff.max.ms": "How long those waits go on altogether.",
}

CONSUMER_GROUPS = {
    "group.consumer.assignors": (
        "The assignors that the coordinator offers to groups of the new protocol, the default first."
    ),
    "group.consumer.migration.policy": (
        "Whether groups may change between the classic and the new protocol, and in which direction."
    ),
    "group.consumer.regex.refresh.interval.ms": "How often subscriptions by pattern are resolved anew.",
}

SHARE_GROUPS = {
    "group.share.enable": "Whether share groups are served; Kafka decides by a feature level instead.",
    "group.share.assignors": "The assignors that the coordinator offers to share groups.",
    "group.share.delivery.count.limit": "How often a record is delivered before it is given up.",
    "group.share.record.lock.duration.ms": "How long a record belongs to the consumer that fetched it.",
    "group.share.min.record.lock.duration.ms": "The shortest such time that a group may ask for.",
    "group.share.max.record.lock.duration.ms": "The longest such time that a group may ask for.",
    "group.share.partition.max.record.locks": ("How many records of a partition may be out with consumers at a time."),
    "group.share.max.share.sessions": "How many share sessions the broker keeps.",
    "group.share.initialize.retry.interval.ms": ("How often initializing the state of a share group is tried again."),
    "group.share.persister.class.name": "The Java class that keeps the state of share groups.",
    "share.coordinator.append.linger.ms": (
        "How long the share coordinator gathers records before it writes them; -1 adapts to the load."
    ),
    "share.coordinator.cold.partition.snapshot.interval.ms": (
        "How often the state of quiet partitions is written anew."
    ),
    "share.coordinator.load.buffer.size": (
        "How much Kafka reads at a time when it loads a partition of __share_group_state."
    ),
    "share.coordinator.snapshot.update.records.per.snapshot": (
        "How many updates are written before a whole snapshot is."
    ),
    "share.coordinator.state.topic.compression.codec": (
        "How __share_group_state is compressed: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."
    ),
    "share.coordinator.state.topic.min.isr": (
        "How many replicas of __share_group_state must have a record before it counts."
    ),
    "share.coordinator.state.topic.num.partitions": (
        "How many partitions __share_group_state gets. Not to be changed once it exists."
    ),
    "share.coordinator.state.topic.prune.interval.ms": (
        "How often what is no longer needed of __share_group_state is deleted."
    ),
    "share.coordinator.state.topic.replication.factor": "How many replicas __share_group_state gets.",
    "share.coordinator.state.topic.segment.bytes": "How large the segments of __share_group_state get.",
    "share.coordinator.threads": "Threads of Kafka's share coordinator.",
    "share.coordinator.write.timeout.ms": "How long a write to __share_group_state may take.",
    "share.fetch.purgatory.purge.interval.requests": "When Kafka tidies its list of waiting share fetches.",
}

STREAMS_GROUPS = {
    "group.streams.initial.rebalance.delay.ms": (
        "How long the first rebalance of an empty streams group waits for more members to come."
    ),
    "group.streams.num.standby.replicas": ("How many standby copies of each state store a streams group keeps."),
    "group.streams.max.standby.replicas": "The most standby copies that a group may ask for.",
}

_KINDS = {"consumer": "groups of the new protocol", "share": "share groups", "streams": "streams groups"}

_TIMES = {
    f"group.{kind}.{bound}{what}": f"{words} {noun} of {groups}."
    for kind, groups in _KINDS.items()
    for what, noun in (("session.timeout.ms", "session timeout"), ("heartbeat.interval.ms", "heartbeat interval"))
    for bound, words in (("", "The default"), ("min.", "The shortest"), ("max.", "The longest"))
}

_SIZES = {
    f"group.{kind}.max.size": f"How many members {groups} may have; one more is refused."
    for kind, groups in _KINDS.items()
}

DESCRIPTIONS = {
    **GROUPS,
    **OFFSETS,
    **TRANSACTIONS,
    **CONSUMER_GROUPS,
    **SHARE_GROUPS,
    **STREAMS_GROUPS,
    **_TIMES,
    **_SIZES,
}

OF_ONE_GROUP = {
    "consumer.session.timeout.ms": "After how long without a heartbeat a member is taken for dead.",
    "consumer.heartbeat.interval.ms": "How often members say that they live.",
    "share.session.timeout.ms": "After how long without a heartbeat a member is taken for dead.",
    "share.heartbeat.interval.ms": "How often members say that they live.",
    "share.record.lock.duration.ms": "How long a record belongs to the consumer that fetched it.",
    "share.auto.offset.reset": (
        "Where a share group begins: latest, earliest, or a duration back from now (by_duration:PT1H)."
    ),
    "share.isolation.level": (
        "Whether records of open and aborted transactions are delivered (read_uncommitted) or not (read_committed)."
    ),
    "streams.session.timeout.ms": "After how long without a heartbeat a member is taken for dead.",
    "streams.heartbeat.interval.ms": "How often members say that they live.",
    "streams.num.standby.replicas": "How many standby copies of each state store are kept.",
    "streams.initial.rebalance.delay.ms": "How long the first rebalance waits for more members to come.",
}

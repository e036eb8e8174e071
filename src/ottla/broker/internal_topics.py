"""Topics that the cluster makes for itself: how many partitions, how many replicas, which settings."""

from ottla.controller.create_topics import NewTopic
from ottla.metadata.image import Image
from ottla.runtime.settings import BrokerConfig

OFFSETS_TOPIC = "__consumer_offsets"


def offsets_topic(config: BrokerConfig, image: Image) -> NewTopic:
    """Return ``__consumer_offsets`` as the settings want it, on no more brokers than there are."""
    brokers = sum(not broker.fenced for broker in image.brokers.values())
    return NewTopic(
        name=OFFSETS_TOPIC,
        partition_count=config.int("offsets.topic.num.partitions"),
        replication_factor=max(1, min(config.int("offsets.topic.replication.factor"), brokers)),
        configs=(
            ("cleanup.policy", "compact"),
            ("compression.type", "producer"),
            ("segment.bytes", str(config.int("offsets.topic.segment.bytes"))),
        ),
    )

"""What is counted of each topic: one object for all its partitions, so that the hot path adds to attributes only.

The meanings are those of Kafka's ``BrokerTopicMetrics``. At most ``max_topics`` topics have figures of their own; what
comes after them shares those of ``OTHER_TOPICS``, for as long as it lives, so that no counter ever falls.
"""

OTHER_TOPICS = "(other)"
"""No topic can be called so."""


class TopicFigures:
    """Counters of one topic, or of all that have none of their own."""

    __slots__ = (
        "batches_in",
        "bytes_in",
        "bytes_out",
        "bytes_rejected",
        "fetch_errors",
        "fetches",
        "messages_in",
        "produce_errors",
    )

    def __init__(self) -> None:
        self.batches_in = 0
        """Batches that were appended, one for each partition of a produce request."""
        self.bytes_in = 0
        self.messages_in = 0
        self.bytes_out = 0
        """Bytes of records that were sent to consumers."""
        self.fetches = 0
        """Partitions in answers to fetches, with or without records."""
        self.fetch_errors: dict[int, int] = {}
        """Partitions that a fetch got an error for, by its code."""
        self.produce_errors: dict[int, int] = {}
        """Batches that were refused, by error code."""
        self.bytes_rejected = 0
        """Bytes of batches that were larger than allowed."""

    def refused(self, error_code: int, too_large_bytes: int) -> None:
        """Count a batch that was not appended, and its size if that was the reason."""
        self.produce_errors[error_code] = self.produce_errors.get(error_code, 0) + 1
        self.bytes_rejected += too_large_bytes

    def fetch_refused(self, error_code: int) -> None:
        """Count a partition that could not be read."""
        self.fetch_errors[error_code] = self.fetch_errors.get(error_code, 0) + 1


class AllTopicFigures:
    """The figures of every topic, by name."""

    __slots__ = ("by_topic", "max_topics", "other")

    def __init__(self, max_topics: int) -> None:
        self.max_topics = max_topics
        self.by_topic: dict[str, TopicFigures] = {}
        self.other = TopicFigures()

    def of(self, topic: str) -> TopicFigures:
        """Return what is to be counted with for a topic that has come; it keeps it until it is forgotten."""
        figures = self.by_topic.get(topic)
        if figures is None:
            if len(self.by_topic) >= self.max_topics:
                return self.other
            figures = self.by_topic[topic] = TopicFigures()
        return figures

    def forget(self, topic: str) -> None:
        """A topic was deleted."""
        self.by_topic.pop(topic, None)

"""One partition on disk, in Kafka's format: segments, indexes, recovery, retention, compaction."""

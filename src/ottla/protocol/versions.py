"""Which versions of which APIs this broker answers, and which it says it answers.

Both follow Apache Kafka 4.2, with what the clients of the last ten years need beyond it:

- Produce is advertised from 0, though 0-2 are refused: librdkafka before 2.11.1 takes a higher minimum for a broker
  that knows no compression (KAFKA-18659).
- OffsetCommit 1 (librdkafka up to 1.2, Sarama up to 1.40), CreateTopics 0-1 and DeleteTopics 0 (kafka-go up to 0.4.47),
  DescribeConfigs 0 (Sarama up to 1.45) and DescribeLogDirs 0 (kafka-python 2) are sent without looking at what the
  broker advertises, so they are served.
- InitProducerId 6 (KIP-939) is unstable in 4.2 and not served.
- The minima of Fetch, ListOffsets, OffsetCommit, OffsetFetch and the group APIs must not rise: librdkafka's table of
  features needs an overlap with the versions of 2016.
"""

from typing import Final, cast

from .api_table import ApiKey

SERVED: Final[dict[ApiKey, tuple[int, int]]] = {
    ApiKey.PRODUCE: (3, 13),
    ApiKey.FETCH: (4, 18),
    ApiKey.LIST_OFFSETS: (1, 11),
    ApiKey.METADATA: (0, 13),
    ApiKey.OFFSET_COMMIT: (1, 10),
    ApiKey.OFFSET_FETCH: (1, 10),
    ApiKey.FIND_COORDINATOR: (0, 6),
    ApiKey.JOIN_GROUP: (0, 9),
    ApiKey.HEARTBEAT: (0, 4),
    ApiKey.LEAVE_GROUP: (0, 5),
    ApiKey.SYNC_GROUP: (0, 5),
    ApiKey.DESCRIBE_GROUPS: (0, 6),
    ApiKey.LIST_GROUPS: (0, 5),
    ApiKey.API_VERSIONS: (0, 4),
    ApiKey.CREATE_TOPICS: (0, 7),
    ApiKey.DELETE_TOPICS: (0, 6),
    ApiKey.DELETE_RECORDS: (0, 2),
    ApiKey.INIT_PRODUCER_ID: (0, 5),
    ApiKey.OFFSET_FOR_LEADER_EPOCH: (2, 4),
    ApiKey.DESCRIBE_CONFIGS: (0, 4),
    ApiKey.ALTER_CONFIGS: (0, 2),
    ApiKey.DESCRIBE_LOG_DIRS: (0, 4),
    ApiKey.CREATE_PARTITIONS: (0, 3),
    ApiKey.DELETE_GROUPS: (0, 2),
    ApiKey.INCREMENTAL_ALTER_CONFIGS: (0, 1),
    ApiKey.OFFSET_DELETE: (0, 0),
    ApiKey.DESCRIBE_CLUSTER: (0, 2),
    ApiKey.DESCRIBE_PRODUCERS: (0, 0),
    ApiKey.LIST_CONFIG_RESOURCES: (0, 1),
    ApiKey.DESCRIBE_TOPIC_PARTITIONS: (0, 0),
}
"""First and last version that has a handler."""

ADVERTISED: Final[dict[ApiKey, tuple[int, int]]] = SERVED | {
    ApiKey.PRODUCE: (0, 13),
    ApiKey.OFFSET_COMMIT: (2, 10),
}
"""First and last version in the answer to ApiVersions."""


def is_served(api_key: int, version: int) -> bool:
    """Whether a request of this kind is answered (ApiVersions is answered in any version, see the handler)."""
    versions = SERVED.get(cast("ApiKey", api_key))
    return versions is not None and versions[0] <= version <= versions[1]

"""Administrative calls of confluent-kafka."""

from typing import Any

from compat.python.loop import Adapter, Json
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicCollection, TopicPartition
from confluent_kafka import admin as confluent_admin

# The module re-exports its names without saying so to type checkers.
admin: Any = confluent_admin


class ConfluentAdmin(Adapter):
    """One AdminClient, made when it is first needed."""

    def __init__(self) -> None:
        super().__init__()
        self._admin: Any = None

    def _client(self) -> Any:
        if self._admin is None:
            self._admin = admin.AdminClient({"bootstrap.servers": self.bootstrap, "client.id": "compat"})
        return self._admin

    def _only(self, futures: dict[Any, Any]) -> Any:
        (future,) = futures.values()
        return future.result(self.timeout_s)

    def do_create_topic(
        self,
        topic: str,
        partitions: int,
        replication_factor: int = 1,
        configs: dict[str, str] | None = None,
        validate_only: bool = False,
    ) -> None:
        """CreateTopics."""
        new = admin.NewTopic(topic, partitions, replication_factor, config=configs or {})
        self._only(self._client().create_topics([new], validate_only=validate_only))

    def do_delete_topic(self, topic: str) -> None:
        """DeleteTopics."""
        self._only(self._client().delete_topics([topic]))

    def do_create_partitions(self, topic: str, total: int) -> None:
        """CreatePartitions."""
        self._only(self._client().create_partitions([admin.NewPartitions(topic, total)]))

    def do_list_topics(self) -> Json:
        """Metadata of all."""
        return {"topics": list(self._client().list_topics(timeout=self.timeout_s).topics)}

    def do_describe_topic(self, topic: str) -> Json:
        """Metadata of one."""
        found = self._only(self._client().describe_topics(TopicCollection([topic])))
        partitions = [
            {
                "partition": each.id,
                "leader": each.leader.id,
                "replicas": [node.id for node in each.replicas],
                "isr": [node.id for node in each.isr],
            }
            for each in found.partitions
        ]
        return {"partitions": partitions, "topic_id": str(found.topic_id)}

    @staticmethod
    def _resource(type: str, name: str, **options: Any) -> Any:
        kinds = {"topic": "TOPIC", "broker": "BROKER", "group": "GROUP"}
        return admin.ConfigResource(admin.ResourceType[kinds[type]], name, **options)

    def do_describe_configs(self, type: str, name: str) -> Json:
        """DescribeConfigs."""
        found = self._only(self._client().describe_configs([self._resource(type, name)]))
        return {"configs": {key: entry.value for key, entry in found.items()}}

    def do_alter_configs(self, type: str, name: str, configs: dict[str, str]) -> None:
        """AlterConfigs."""
        self._only(self._client().alter_configs([self._resource(type, name, set_config=configs)]))

    def do_incremental_alter_configs(self, type: str, name: str, ops: list[list[Any]]) -> None:
        """IncrementalAlterConfigs."""
        entries = [
            admin.ConfigEntry(key, value, incremental_operation=admin.AlterConfigOpType[kind.upper()])
            for kind, key, value in ops
        ]
        self._only(self._client().incremental_alter_configs([self._resource(type, name, incremental_configs=entries)]))

    def do_delete_records(self, topic: str, partition: int, before: int) -> Json:
        """DeleteRecords."""
        found = self._only(self._client().delete_records([TopicPartition(topic, partition, before)]))
        return {"low_watermark": found.low_watermark}

    def do_list_offsets(self, topic: str, partition: int, at: Any) -> Json:
        """ListOffsets."""
        kinds = admin.OffsetSpec
        named = {"earliest": kinds.earliest, "latest": kinds.latest, "max_timestamp": kinds.max_timestamp}
        spec = named[at]() if isinstance(at, str) else kinds.for_timestamp(at)
        found = self._only(self._client().list_offsets({TopicPartition(topic, partition): spec}))
        return {"offset": found.offset, "timestamp": found.timestamp}

    def do_list_groups(self) -> Json:
        """ListGroups."""
        listing = self._client().list_consumer_groups(request_timeout=self.timeout_s).result()
        for error in listing.errors or []:
            raise error
        return {"groups": [each.group_id for each in listing.valid]}

    def do_describe_group(self, group: str) -> Json:
        """DescribeGroups."""
        found = self._only(self._client().describe_consumer_groups([group]))
        members = [
            {
                "client_id": each.client_id,
                "host": each.host,
                "instance_id": each.group_instance_id,
                "assignment": [[part.topic, part.partition] for part in each.assignment.topic_partitions],
            }
            for each in found.members
        ]
        return {"state": found.state.name, "protocol": found.partition_assignor, "members": members}

    def do_delete_group(self, group: str) -> None:
        """DeleteGroups."""
        self._only(self._client().delete_consumer_groups([group]))

    def do_group_offsets(self, group: str) -> Json:
        """OffsetFetch."""
        found = self._only(self._client().list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
        return {"offsets": [[each.topic, each.partition, each.offset] for each in found.topic_partitions]}

    def do_alter_group_offsets(self, group: str, offsets: list[list[Any]]) -> None:
        """OffsetCommit without a member."""
        places = [TopicPartition(topic, partition, offset) for topic, partition, offset in offsets]
        wanted = ConsumerGroupTopicPartitions(group, places)
        found = self._only(self._client().alter_consumer_group_offsets([wanted]))
        for each in found.topic_partitions:
            if each.error:
                raise KafkaException(each.error)

    def do_describe_cluster(self) -> Json:
        """DescribeCluster."""
        found = self._client().describe_cluster().result(self.timeout_s)
        return {
            "cluster_id": found.cluster_id,
            "controller": found.controller.id if found.controller else None,
            "brokers": [node.id for node in found.nodes],
        }

"""Administrative calls of kafka-python: 3.x returns dicts, the old ones raw answers."""

import re
from typing import Any

import kafka
import kafka.errors
from compat.python.loop import Adapter, BrokerError, Json, NotSupportedError
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient


class _Admin(Adapter):
    """Makes the client when it is first needed."""

    def __init__(self) -> None:
        super().__init__()
        self._admin: Any = None

    def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        if not hasattr(KafkaAdminClient, name):
            raise NotSupportedError(f"KafkaAdminClient {kafka.__version__} has no {name}")
        if self._admin is None:
            self._admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, client_id="compat")
        return getattr(self._admin, name)(*arguments, **options)

    def _resource(self, type: str, name: str, configs: Json | None = None) -> Any:
        from kafka.admin import ConfigResource, ConfigResourceType

        kind = getattr(ConfigResourceType, type.upper(), None)
        if kind is None:
            raise NotSupportedError(f"kafka-python {kafka.__version__} has no settings of a {type}")
        return ConfigResource(kind, name, configs)

    def do_delete_topic(self, topic: str) -> None:
        """DeleteTopics; raises what the broker answers."""
        self._call("delete_topics", [topic])

    def do_list_topics(self) -> Json:
        """Metadata of all."""
        return {"topics": list(self._call("list_topics"))}


class NewAdmin(_Admin):
    """kafka-python 3.x."""

    def do_create_topic(
        self,
        topic: str,
        partitions: int,
        replication_factor: int = 1,
        configs: dict[str, str] | None = None,
        validate_only: bool = False,
    ) -> None:
        """CreateTopics."""
        new = {"num_partitions": partitions, "replication_factor": replication_factor, "configs": configs or {}}
        self._call("create_topics", {topic: new}, validate_only=validate_only)

    def do_create_partitions(self, topic: str, total: int) -> None:
        """CreatePartitions."""
        self._call("create_partitions", {topic: total})

    def do_describe_topic(self, topic: str) -> Json:
        """Metadata of one."""
        (found,) = self._call("describe_topics", [topic])
        names = {"partition": "partition_index", "leader": "leader_id", "replicas": "replica_nodes", "isr": "isr_nodes"}
        return {"partitions": [{name: each[own] for name, own in names.items()} for each in found["partitions"]]}

    def do_describe_topic_partitions(self, topic: str, limit: int) -> Json:
        """DescribeTopicPartitions, all pages."""
        found: list[Json] = []
        cursor: Json | None = None
        while True:
            page = self._call("describe_topic_partitions", [topic], response_partition_limit=limit, cursor=cursor)
            for each in page["topics"]:
                if each["error_code"]:
                    raise BrokerError(each["error_code"])
                names = {"partition": "partition_index", "leader": "leader_id"}
                found += [{name: part[own] for name, own in names.items()} for part in each["partitions"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return {"partitions": found}

    def do_describe_configs(self, type: str, name: str) -> Json:
        """DescribeConfigs."""
        found = self._call("describe_configs", [self._resource(type, name)], config_filter="all")
        return {"configs": {key: entry["value"] for key, entry in found[type][name].items()}}

    def do_alter_configs(self, type: str, name: str, configs: Json) -> None:
        """Not as Kafka means it."""
        raise NotSupportedError("alter_configs sends the settings that are not named along, so that none is reset")

    def do_incremental_alter_configs(self, type: str, name: str, ops: list[list[Any]]) -> None:
        """IncrementalAlterConfigs."""
        resource = self._resource(type, name, {key: (kind.upper(), value) for kind, key, value in ops})
        result = self._call("alter_configs", [resource], raise_on_unknown=False)[type][name]
        if result != "OK":
            raise BrokerError(_code(result), result)

    def do_list_config_resources(self) -> Json:
        """ListConfigResources."""
        found = self._call("list_config_resources")
        return {"resources": [[kind, name] for kind, names in found.items() for name in names]}

    def do_delete_records(self, topic: str, partition: int, before: int) -> Json:
        """DeleteRecords."""
        where = TopicPartition(topic, partition)
        return {"low_watermark": self._call("delete_records", {where: before})[where]["low_watermark"]}

    def do_list_offsets(self, topic: str, partition: int, at: Any) -> Json:
        """ListOffsets."""
        where = TopicPartition(topic, partition)
        stamp = {"earliest": -2, "latest": -1, "max_timestamp": -3}.get(at, at)
        found = self._call("list_partition_offsets", {where: stamp})[where]
        return {"offset": found.offset, "timestamp": found.timestamp}

    def do_list_groups(self) -> Json:
        """ListGroups."""
        return {"groups": [each["group_id"] for each in self._call("list_groups")]}

    def do_describe_group(self, group: str) -> Json:
        """DescribeGroups."""
        found = self._call("describe_groups", [group])[group]
        members = [
            {
                "client_id": each["client_id"],
                "host": each["client_host"],
                "instance_id": each["group_instance_id"],
                "assignment": _assignment(each["member_assignment"]),
            }
            for each in found["members"]
        ]
        return {"state": found["group_state"], "protocol": found["protocol_data"], "members": members}

    def do_delete_group(self, group: str) -> None:
        """DeleteGroups."""
        result = dict(self._call("delete_groups", [group]))[group]
        if result != "OK":
            raise BrokerError(_code(result), result)

    def do_group_offsets(self, group: str) -> Json:
        """OffsetFetch."""
        found = self._call("list_group_offsets", group)[group]
        return {"offsets": [[where.topic, where.partition, each.offset] for where, each in found.items()]}

    def do_alter_group_offsets(self, group: str, offsets: list[list[Any]]) -> None:
        """OffsetCommit without a member."""
        from kafka.structs import OffsetAndMetadata

        wanted = {TopicPartition(topic, part): OffsetAndMetadata(offset, "", -1) for topic, part, offset in offsets}
        _raise_first(self._call("alter_group_offsets", group, wanted).values())

    def do_delete_group_offsets(self, group: str, partitions: list[list[Any]]) -> None:
        """OffsetDelete."""
        wanted = [TopicPartition(topic, part) for topic, part in partitions]
        _raise_first(self._call("delete_group_offsets", group, wanted).values())

    def do_remove_members(self, group: str, instance_ids: list[str]) -> None:
        """LeaveGroup by instance id."""
        from kafka.admin import MemberToRemove

        members = [MemberToRemove(group_instance_id=each) for each in instance_ids]
        _raise_first(self._call("remove_group_members", group, members).values())

    def do_describe_cluster(self) -> Json:
        """DescribeCluster."""
        found = self._call("describe_cluster")
        return {
            "cluster_id": found["cluster_id"],
            "controller": found.get("controller_id"),
            "brokers": [each["broker_id"] for each in found["brokers"]],
        }

    def do_describe_log_dirs(self) -> Json:
        """DescribeLogDirs."""
        dirs = [each for node in self._call("describe_log_dirs") for each in node["log_dirs"]]
        return {
            "dirs": [
                {
                    "path": each["log_dir"],
                    "partitions": [
                        [topic["name"], part["partition_index"], part["partition_size"]]
                        for topic in each["topics"]
                        for part in topic["partitions"]
                    ],
                }
                for each in dirs
            ]
        }

    def do_describe_producers(self, topic: str, partition: int) -> Json:
        """DescribeProducers."""
        where = TopicPartition(topic, partition)
        found = self._call("describe_producers", [where])[where].active_producers
        return {
            "producers": [
                {"producer_id": each.producer_id, "epoch": each.producer_epoch, "last_sequence": each.last_sequence}
                for each in found
            ]
        }

    def do_describe_features(self) -> Json:
        """ApiVersions."""
        return {"features": list(self._call("describe_features"))}

    def do_api_versions(self) -> Json:
        """ApiVersions."""
        return {"apis": [[int(key), low, high] for key, (low, high) in self._call("api_versions").items()]}


def _raise_first(results: Any) -> None:
    for result in results:
        if result.errno:
            raise BrokerError(result.errno, result.__name__)


def _code(text: str) -> int:
    """The error code in what kafka-python 3 makes of an error: a class name, or ``[Error 40] ...``."""
    numbered = re.match(r"\[Error (-?\d+)\]", text)
    if numbered:
        return int(numbered[1])
    named: int = getattr(kafka.errors, text.split(":")[0]).errno
    return named


def _assignment(decoded: Any) -> list[list[Any]]:
    topics = decoded["assigned_partitions"] if isinstance(decoded, dict) else []
    return [[each["topic"], part] for each in topics for part in each["partitions"]]


class OldAdmin(_Admin):
    """kafka-python 1.4.7 and 2.0.2."""

    def do_create_topic(
        self,
        topic: str,
        partitions: int,
        replication_factor: int = 1,
        configs: dict[str, str] | None = None,
        validate_only: bool = False,
    ) -> None:
        """CreateTopics; raises what the broker answers."""
        from kafka.admin import NewTopic

        new = NewTopic(topic, partitions, replication_factor, topic_configs=configs or {})
        self._call("create_topics", [new], validate_only=validate_only)

    def do_create_partitions(self, topic: str, total: int) -> None:
        """CreatePartitions; raises what the broker answers."""
        from kafka.admin import NewPartitions

        self._call("create_partitions", {topic: NewPartitions(total)})

    def do_describe_topic(self, topic: str) -> Json:
        """Metadata of one."""
        (found,) = self._call("describe_topics", [topic])
        names = ("partition", "leader", "replicas", "isr")
        return {"partitions": [{name: each[name] for name in names} for each in found["partitions"]]}

    def do_describe_configs(self, type: str, name: str) -> Json:
        """DescribeConfigs."""
        found = self._call("describe_configs", [self._resource(type, name)])
        ((code, message, _, _, entries),) = (found[0] if isinstance(found, list) else found).resources
        if code:
            raise BrokerError(code, message)
        return {"configs": {entry[0]: entry[1] for entry in entries}}

    def do_alter_configs(self, type: str, name: str, configs: Json) -> None:
        """AlterConfigs."""
        ((code, message, *_),) = self._call("alter_configs", [self._resource(type, name, configs)]).resources
        if code:
            raise BrokerError(code, message)

    def do_list_groups(self) -> Json:
        """ListGroups."""
        return {"groups": [name for name, _ in self._call("list_consumer_groups")]}

    def do_describe_group(self, group: str) -> Json:
        """DescribeGroups."""
        (found,) = self._call("describe_consumer_groups", [group])
        if not hasattr(found, "members"):
            ((code, _, state, _, protocol, members, *_),) = found.groups if hasattr(found, "groups") else (found,)
            if code:
                raise BrokerError(code)
            described = [{"client_id": each[1], "host": each[2], "assignment": None} for each in members]
            return {"state": state, "protocol": protocol, "members": described}
        told = [
            {
                "client_id": each.client_id,
                "host": each.client_host,
                "assignment": [[topic, part] for topic, parts in each.member_assignment.assignment for part in parts]
                if each.member_assignment
                else [],
            }
            for each in found.members
        ]
        return {"state": found.state, "protocol": found.protocol, "members": told}

    def do_delete_group(self, group: str) -> None:
        """DeleteGroups."""
        ((_, result),) = self._call("delete_consumer_groups", [group])
        if result.errno:
            raise BrokerError(result.errno, result.__name__)

    def do_group_offsets(self, group: str) -> Json:
        """OffsetFetch."""
        found = self._call("list_consumer_group_offsets", group)
        return {"offsets": [[where.topic, where.partition, each.offset] for where, each in found.items()]}

    def do_describe_cluster(self) -> Json:
        """Metadata."""
        found = self._call("describe_cluster")
        return {
            "cluster_id": found.get("cluster_id"),
            "controller": found.get("controller_id"),
            "brokers": [each["node_id"] for each in found["brokers"]],
        }

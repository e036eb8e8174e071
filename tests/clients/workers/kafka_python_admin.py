"""Administrative calls of kafka-python: 3.x returns dicts, 2.0.2 raw answers."""

import re
from typing import Any

import kafka.errors
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from tests.clients.workers.base import BrokerError, Json


class _Admin:
    """Makes the client when it is first needed."""

    _bootstrap: str

    def __init__(self) -> None:
        self._made: Any = None

    def _client(self) -> Any:
        if self._made is None:
            self._made = KafkaAdminClient(bootstrap_servers=self._bootstrap)
        return self._made


class NewAdmin(_Admin):
    """kafka-python 3.x."""

    def admin_create_topic(self, name: str, partitions: int, configs: dict[str, str]) -> None:
        topic = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
        self._client().create_topics({name: topic})

    def admin_delete_topic(self, name: str) -> None:
        self._client().delete_topics([name])

    def admin_list_topics(self) -> list[str]:
        return list(self._client().list_topics())

    def admin_describe_topic(self, name: str) -> Json:
        (found,) = self._client().describe_topics([name])
        return {
            str(each["partition_index"]): {
                "leader": each["leader_id"],
                "replicas": each["replica_nodes"],
                "isr": each["isr_nodes"],
            }
            for each in found["partitions"]
        }

    def admin_create_partitions(self, name: str, total: int) -> None:
        self._client().create_partitions({name: total})

    def _resource(self, topic: str, configs: Json | None) -> Any:
        from kafka.admin import ConfigResource, ConfigResourceType

        return ConfigResource(ConfigResourceType.TOPIC, topic, configs)

    def admin_describe_configs(self, topic: str) -> dict[str, str | None]:
        found = self._client().describe_configs([self._resource(topic, None)], config_filter="all")
        return {name: entry["value"] for name, entry in found["topic"][topic].items()}

    def admin_alter_config(self, topic: str, name: str, value: str) -> None:
        found = self._client().alter_configs([self._resource(topic, {name: value})])
        result = found["topic"][topic]
        if result != "OK":
            raise BrokerError(_code(result), result)

    def admin_delete_records(self, topic: str, partition: int, before: int) -> int:
        where = TopicPartition(topic, partition)
        low: int = self._client().delete_records({where: before})[where]["low_watermark"]
        return low

    def admin_list_offsets(self, topic: str, partition: int, spec: str) -> int:
        where = TopicPartition(topic, partition)
        stamp = {"earliest": -2, "latest": -1, "max": -3}[spec]
        offset: int = self._client().list_partition_offsets({where: stamp})[where].offset
        return offset

    def admin_list_groups(self) -> list[str]:
        return [each["group_id"] for each in self._client().list_groups()]

    def admin_describe_group(self, group: str) -> Json:
        found = self._client().describe_groups([group])[group]
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

    def admin_group_offsets(self, group: str) -> dict[str, int]:
        found = self._client().list_group_offsets(group)[group]
        return {f"{where.topic}-{where.partition}": each.offset for where, each in found.items()}

    def admin_alter_group_offset(self, group: str, topic: str, partition: int, offset: int) -> None:
        from kafka.structs import OffsetAndMetadata

        where = TopicPartition(topic, partition)
        (result,) = self._client().alter_group_offsets(group, {where: OffsetAndMetadata(offset, "", -1)}).values()
        if result.errno:
            raise BrokerError(result.errno)

    def admin_delete_offsets(self, group: str, topic: str, partition: int) -> None:
        (result,) = self._client().delete_group_offsets(group, [TopicPartition(topic, partition)]).values()
        if result.errno:
            raise BrokerError(result.errno)

    def admin_delete_group(self, group: str) -> None:
        result = dict(self._client().delete_groups([group]))[group]
        if result != "OK":
            raise BrokerError(_code(result), result)

    def admin_describe_cluster(self) -> Json:
        found = self._client().describe_cluster()
        return {"cluster_id": found["cluster_id"], "brokers": [each["broker_id"] for each in found["brokers"]]}


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
    """kafka-python 2.0.2."""

    def admin_create_topic(self, name: str, partitions: int, configs: dict[str, str]) -> None:
        from kafka.admin import NewTopic

        self._client().create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])

    def admin_delete_topic(self, name: str) -> None:
        self._client().delete_topics([name])

    def admin_list_topics(self) -> list[str]:
        return list(self._client().list_topics())

    def admin_describe_topic(self, name: str) -> Json:
        (found,) = self._client().describe_topics([name])
        return {
            str(each["partition"]): {"leader": each["leader"], "replicas": each["replicas"], "isr": each["isr"]}
            for each in found["partitions"]
        }

    def admin_create_partitions(self, name: str, total: int) -> None:
        from kafka.admin import NewPartitions

        self._client().create_partitions({name: NewPartitions(total)})

    def _resource(self, topic: str, configs: Json | None) -> Any:
        from kafka.admin import ConfigResource, ConfigResourceType

        return ConfigResource(ConfigResourceType.TOPIC, topic, configs)

    def admin_describe_configs(self, topic: str) -> dict[str, str | None]:
        (found,) = self._client().describe_configs([self._resource(topic, None)])
        ((code, message, _, _, entries),) = found.resources
        if code:
            raise BrokerError(code, message)
        return {entry[0]: entry[1] for entry in entries}

    def admin_alter_config(self, topic: str, name: str, value: str) -> None:
        found = self._client().alter_configs([self._resource(topic, {name: value})])
        ((code, message, *_),) = found.resources
        if code:
            raise BrokerError(code, message)

    def admin_list_groups(self) -> list[str]:
        return [name for name, _ in self._client().list_consumer_groups()]

    def admin_describe_group(self, group: str) -> Json:
        (found,) = self._client().describe_consumer_groups([group])
        members = [
            {
                "client_id": each.client_id,
                "host": each.client_host,
                "instance_id": None,
                "assignment": [[topic, part] for topic, parts in each.member_assignment.assignment for part in parts]
                if each.member_assignment
                else [],
            }
            for each in found.members
        ]
        return {"state": found.state, "protocol": found.protocol, "members": members}

    def admin_group_offsets(self, group: str) -> dict[str, int]:
        found = self._client().list_consumer_group_offsets(group)
        return {f"{where.topic}-{where.partition}": each.offset for where, each in found.items()}

    def admin_delete_group(self, group: str) -> None:
        ((_, result),) = self._client().delete_consumer_groups([group])
        if result.errno:
            raise BrokerError(result.errno)

    def admin_describe_cluster(self) -> Json:
        found = self._client().describe_cluster()
        return {"cluster_id": found["cluster_id"], "brokers": [each["node_id"] for each in found["brokers"]]}

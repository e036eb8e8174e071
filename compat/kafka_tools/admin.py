"""The admin calls of a driver, by Kafka's command-line tools."""

import json
import re
import tempfile
from pathlib import Path

from compat.kafka_tools.tool import COMPLAINT, ToolError, Tools, call
from compat.python.loop import Adapter, Json, NotSupportedError, Place

GROUPS = "consumer.group.ConsumerGroupCommand"
CONFIGS = "kafka.admin.ConfigCommand"


def rows(printed: str) -> list[dict[str, str]]:
    """A table whose first line names the columns and whose cells hold no blanks (``-`` is an empty one)."""
    lines = [line.split() for line in printed.splitlines() if line.strip() and not line.startswith("Warn")]
    return [dict(zip(lines[0], each, strict=False)) for each in lines[1:]]


class AdminTools(Adapter):
    """``kafka-topics``, ``kafka-configs``, ``kafka-consumer-groups`` and the others."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="kafka-tools-")
        self._tools: Tools | None = None

    @property
    def tools(self) -> Tools:
        """The tools, for the broker of the requests."""
        if self._tools is None or self._tools.bootstrap != self.bootstrap:
            self._tools = Tools(self.bootstrap, Path(self._folder.name))
        return self._tools

    def _run(self, main: str, *arguments: str) -> str:
        return self.tools.call(main, *arguments, timeout_s=self.timeout_s)

    def _file(self, name: str, text: str) -> str:
        path = Path(self._folder.name) / name
        path.write_text(text)
        return str(path)

    # kafka-topics.

    def do_create_topic(
        self,
        topic: str,
        partitions: int,
        replication_factor: int = 1,
        configs: dict[str, str] | None = None,
        validate_only: bool = False,
    ) -> None:
        """``--create``."""
        if validate_only:
            raise NotSupportedError("kafka-topics cannot only validate")
        settings = [part for name, value in (configs or {}).items() for part in ("--config", f"{name}={value}")]
        numbers = ["--partitions", str(partitions), "--replication-factor", str(replication_factor)]
        self._run("TopicCommand", "--create", "--topic", topic, *numbers, *settings)

    def do_delete_topic(self, topic: str) -> None:
        """``--delete``."""
        self._run("TopicCommand", "--delete", "--topic", topic)

    def do_create_partitions(self, topic: str, total: int) -> None:
        """``--alter``."""
        self._run("TopicCommand", "--alter", "--topic", topic, "--partitions", str(total))

    def do_list_topics(self) -> Json:
        """``--list``."""
        return {"topics": self._run("TopicCommand", "--list").split()}

    def do_describe_topic(self, topic: str) -> Json:
        """``--describe``."""
        return self._described("--topic", topic)

    def do_describe_topic_partitions(self, topic: str, limit: int) -> Json:
        """``--describe``, page by page."""
        return self._described("--topic", topic, "--partition-size-limit-per-response", str(limit))

    def _described(self, *arguments: str) -> Json:
        shown = self._run("TopicCommand", "--describe", *arguments)
        found = re.findall(r"Partition: (\d+)\s+Leader: (-?\d+)\s+Replicas: ([\d,]+)\s+Isr: ([\d,]*)", shown)
        topic_id = re.search(r"TopicId: (\S+)", shown)
        return {
            "topic_id": topic_id and topic_id[1],
            "partitions": [
                {
                    "partition": int(partition),
                    "leader": int(leader),
                    "replicas": [int(each) for each in replicas.split(",")],
                    "isr": [int(each) for each in isr.split(",") if each],
                }
                for partition, leader, replicas, isr in found
            ],
        }

    # kafka-configs.

    def do_describe_configs(self, type: str, name: str) -> Json:
        """``--describe --all``."""
        everything = [] if type == "group" else ["--all"]
        shown = self._run(CONFIGS, "--describe", *everything, "--entity-type", f"{type}s", "--entity-name", name)
        found = re.findall(r"^  ([\w.]+)=(.*?) sensitive=(?:true|false) synonyms=", shown, re.MULTILINE)
        return {"configs": {key: None if value == "null" else value for key, value in found}}

    def do_incremental_alter_configs(self, type: str, name: str, ops: list[tuple[str, str, str | None]]) -> None:
        """``--add-config`` and ``--delete-config``."""
        if any(op in ("append", "subtract") for op, _, _ in ops):
            raise NotSupportedError("kafka-configs sets and deletes; it does not append to lists or subtract")
        added = ",".join(f"{key}={value}" for op, key, value in ops if op == "set")
        deleted = ",".join(key for op, key, _ in ops if op == "delete")
        changes = (["--add-config", added] if added else []) + (["--delete-config", deleted] if deleted else [])
        self._run(CONFIGS, "--alter", "--entity-type", f"{type}s", "--entity-name", name, *changes)

    def do_list_config_resources(self) -> Json:
        """``--describe`` of all entities of a type: topics and groups."""
        found = []
        for type in ("topic", "group"):
            shown = self._run(CONFIGS, "--describe", "--entity-type", f"{type}s")
            found += [[type, name] for name in re.findall(rf"configs for {type} (\S+) are", shown)]
        return {"resources": found}

    # kafka-delete-records, kafka-get-offsets.

    def do_delete_records(self, topic: str, partition: int, before: int) -> Json:
        """From a file."""
        plan = {"version": 1, "partitions": [{"topic": topic, "partition": partition, "offset": before}]}
        shown = self._run("DeleteRecordsCommand", "--offset-json-file", self._file("plan.json", json.dumps(plan)))
        found = re.search(r"low_watermark: (\d+)", shown)
        if found is None:
            raise ToolError(shown)
        return {"low_watermark": int(found[1])}

    def offset_at(self, topic: str, partition: int, at: str) -> int | None:
        """``kafka-get-offsets``, which says nothing where there is no such offset."""
        where = f"{re.escape(topic)}:{partition}"
        shown = self._run("GetOffsetShell", "--topic-partitions", where, "--time", at)
        found = re.search(rf"^{re.escape(topic)}:{partition}:(\d+)$", shown, re.MULTILINE)
        return None if found is None else int(found[1])

    def do_list_offsets(self, topic: str, partition: int, at: str | int) -> Json:
        """``--time``."""
        return {"offset": self.offset_at(topic, partition, str(at).replace("_", "-"))}

    def do_offset_for_time(self, topic: str, partition: int, time: int) -> Json:
        """``--time``."""
        return {"offset": self.offset_at(topic, partition, str(time))}

    def do_watermarks(self, topic: str, partition: int) -> Json:
        """``--time earliest`` and ``latest``."""
        beginning, end = (self.offset_at(topic, partition, at) for at in ("earliest", "latest"))
        return {"beginning": beginning, "end": end}

    # kafka-consumer-groups.

    def do_list_groups(self) -> Json:
        """``--list``."""
        return {"groups": self._run(GROUPS, "--list").split()}

    def do_describe_group(self, group: str) -> Json:
        """``--describe`` with ``--state`` and with ``--members --verbose``."""
        (state,) = rows(self._run(GROUPS, "--describe", "--group", group, "--state"))
        members = rows(self._run(GROUPS, "--describe", "--group", group, "--members", "--verbose"))
        return {
            "state": state["STATE"],
            "protocol": state["ASSIGNMENT-STRATEGY"],
            "members": [
                {
                    "client_id": member["CLIENT-ID"],
                    "host": member["HOST"],
                    "instance_id": member.get("GROUP-INSTANCE-ID"),
                    "assignment": _assignment(member["CURRENT-ASSIGNMENT"]),
                }
                for member in members
            ],
        }

    def do_delete_group(self, group: str) -> None:
        """``--delete``."""
        shown = self._run(GROUPS, "--delete", "--group", group)
        if COMPLAINT.search(shown):
            raise ToolError(shown)

    def do_group_offsets(self, group: str) -> Json:
        """``--describe --offsets``."""
        found = rows(self._run(GROUPS, "--describe", "--group", group, "--offsets"))
        return {"offsets": [[each["TOPIC"], int(each["PARTITION"]), int(each["CURRENT-OFFSET"])] for each in found]}

    def do_alter_group_offsets(self, group: str, offsets: list[tuple[str, int, int]]) -> None:
        """``--reset-offsets --from-file``."""
        plan = "".join(f"{topic},{partition},{offset}\n" for topic, partition, offset in offsets)
        reset = ["--reset-offsets", "--from-file", self._file("offsets.csv", plan), "--execute"]
        shown = self._run(GROUPS, "--group", group, *reset)
        if COMPLAINT.search(shown):
            raise ToolError(shown)

    def do_delete_group_offsets(self, group: str, partitions: list[tuple[str, int]]) -> None:
        """``--delete-offsets``."""
        topics = [part for topic, partition in partitions for part in ("--topic", f"{topic}:{partition}")]
        shown = self._run(GROUPS, "--group", group, "--delete-offsets", *topics)
        if COMPLAINT.search(shown):
            raise ToolError(shown)

    # kafka-cluster, kafka-log-dirs, kafka-transactions, kafka-features, kafka-broker-api-versions.

    def do_describe_cluster(self) -> Json:
        """``cluster-id`` and ``list-endpoints``."""
        where = ["--bootstrap-server", self.bootstrap]
        named = call(self.tools.command("ClusterTool", "cluster-id", *where), timeout_s=self.timeout_s)
        listed = call(self.tools.command("ClusterTool", "list-endpoints", *where), timeout_s=self.timeout_s)
        cluster_id = re.search(r"Cluster ID: (\S+)", named)
        return {"cluster_id": cluster_id and cluster_id[1], "brokers": [int(each["ID"]) for each in rows(listed)]}

    def do_describe_log_dirs(self) -> Json:
        """A line of JSON."""
        shown = self._run("LogDirsCommand", "--describe")
        told = json.loads(next(line for line in shown.splitlines() if line.startswith("{")))
        return {
            "dirs": [
                {
                    "path": folder["logDir"],
                    "partitions": [[*_place(each["partition"]), each["size"]] for each in folder["partitions"]],
                }
                for broker in told["brokers"]
                for folder in broker["logDirs"]
            ]
        }

    def do_describe_producers(self, topic: str, partition: int) -> Json:
        """``kafka-transactions describe-producers``."""
        shown = self._run("TransactionsCommand", "describe-producers", "--topic", topic, "--partition", str(partition))
        lines = [line.split("\t") for line in shown.splitlines()[1:] if line.strip()]
        return {
            "producers": [
                {"producer_id": int(each[0]), "epoch": int(each[1]), "last_sequence": int(each[3])} for each in lines
            ]
        }

    def do_describe_features(self) -> Json:
        """``describe``."""
        shown = self._run("FeatureCommand", "describe")
        return {"features": re.findall(r"^Feature: (\S+)", shown, re.MULTILINE)}

    def do_api_versions(self) -> Json:
        """What it can use itself, and what it cannot ("UNKNOWN")."""
        shown = self._run("BrokerApiVersionsCommand")
        found = re.findall(r"\((\d+)\): (\d+)(?: to (\d+))?", shown)
        return {"apis": [[int(key), int(first), int(last or first)] for key, first, last in found]}


def _place(text: str) -> Place:
    topic, _, partition = text.rpartition("-")
    return topic, int(partition)


def _assignment(text: str) -> list[Place]:
    """``topic:0,1;other:2``."""
    found: list[Place] = []
    for topic, numbers in re.findall(r"([^:;]+):([\d,]+)", text):
        found += [(topic, int(each)) for each in numbers.split(",") if each]
    return found

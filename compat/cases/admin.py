"""Every administrative call that a client has, checked from the other side, and its refusals."""

from collections.abc import Callable
from typing import Any

from compat.case import Case, Context
from compat.cases.consume import consume
from compat.cases.data import Wanted, now_ms, numbered
from compat.cases.groups import fill
from compat.cases.membership import PARTITIONS, collect, join, settled
from compat.cases.produce import produced, refusal
from compat.driver import Json
from tests.harness import batches, calls
from tests.harness.waiting import eventually

TOPIC_ALREADY_EXISTS = 36
UNKNOWN_TOPIC_OR_PARTITION = 3
INVALID_TOPIC = 17
INVALID_PARTITIONS = 37
GROUP_ID_NOT_FOUND = 69
NON_EMPTY_GROUP = 68
OFFSET_OUT_OF_RANGE = 1
INVALID_CONFIG = 40


def call(context: Context, do: str, **arguments: Any) -> Json:
    """An admin call by the client's main process."""
    return context.driver().call(do, timeout_s=30, **arguments)


def refused(context: Context, codes: int | tuple[int, ...], do: str, **arguments: Any) -> None:
    """The call fails; with one of these codes, where the client tells."""
    wanted = (codes,) if isinstance(codes, int) else codes
    error = refusal(lambda: call(context, do, **arguments))
    assert error is not None, f"{do} was not refused"
    assert error.code in (None, *wanted), f"refused with code {error.code}, not {wanted[0]}: {error}"


def create_topic(context: Context) -> None:
    """With partitions; a second time it is refused, and so is a name that cannot be."""
    topic = context.name("t")
    call(context, "create_topic", topic=topic, partitions=3)
    eventually(lambda: context.reference.topics().get(topic) == 3, "the topic with three partitions")
    refused(context, TOPIC_ALREADY_EXISTS, "create_topic", topic=topic, partitions=3)
    refused(context, INVALID_TOPIC, "create_topic", topic="no/good", partitions=1)


def topic_configs(context: Context) -> None:
    """With settings; one with a wrong value is refused."""
    topic, wrong = context.name("t"), context.name("wrong")
    configs = {"retention.ms": "123456", "cleanup.policy": "compact"}
    call(context, "create_topic", topic=topic, partitions=1, configs=configs)
    for name, value in configs.items():
        assert context.reference.config(topic, name) == value, name
    refused(context, INVALID_CONFIG, "create_topic", topic=wrong, partitions=1, configs={"retention.ms": "much"})
    assert wrong not in context.reference.topics()


def used_at_once(context: Context) -> None:
    """Created by the client, written and read by it, with no wait between."""
    for _ in range(3):
        topic = context.name("t")
        call(context, "create_topic", topic=topic, partitions=4)
        produced(context, topic, [Wanted(value=b"v", partition=2)])
        assert [each.value for each in consume(context, topic, 1, partition=2)] == [b"v"]


def validate_only(context: Context) -> None:
    """Looked at, not made."""
    topic = context.name("t")
    call(context, "create_topic", topic=topic, partitions=2, validate_only=True)
    assert topic not in context.reference.topics()


def delete_topic(context: Context) -> None:
    """Gone; a second time it is unknown."""
    topic = context.topic()
    call(context, "delete_topic", topic=topic)
    eventually(lambda: topic not in context.reference.topics(), "the topic is gone")
    refused(context, UNKNOWN_TOPIC_OR_PARTITION, "delete_topic", topic=topic)


def create_partitions(context: Context) -> None:
    """More; fewer is refused."""
    topic = context.topic(partitions=2)
    call(context, "create_partitions", topic=topic, total=5)
    eventually(lambda: context.reference.topics().get(topic) == 5, "five partitions")
    refused(context, INVALID_PARTITIONS, "create_partitions", topic=topic, total=3)


def list_topics(context: Context) -> None:
    """Ours are among them."""
    wanted = {context.topic() for _ in range(3)}
    eventually(
        lambda: wanted - set(call(context, "list_topics")["topics"]), "all topics listed", accept=lambda left: not left
    )


def describe_topic(context: Context) -> None:
    """Partitions with leaders and replicas."""
    topic = context.topic(partitions=3)
    found = call(context, "describe_topic", topic=topic)["partitions"]
    assert sorted(each["partition"] for each in found) == [0, 1, 2], found
    (node,) = {each["leader"] for each in found}
    assert all(each["replicas"] == [node] and each["isr"] == [node] for each in found), found


def topic_pages(context: Context) -> None:
    """DescribeTopicPartitions, page by page (KIP-966)."""
    topic = context.topic(partitions=5)
    found = call(context, "describe_topic_partitions", topic=topic, limit=2)["partitions"]
    assert [each["partition"] for each in found] == [0, 1, 2, 3, 4], found


def describe_configs(context: Context) -> None:
    """A topic's, with what was set and what is the default."""
    topic = context.topic(configs={"retention.ms": 123456})
    found = call(context, "describe_configs", type="topic", name=topic)["configs"]
    assert found.get("retention.ms") == "123456", found.get("retention.ms")
    assert found.get("cleanup.policy") == "delete", found.get("cleanup.policy")
    assert len(found) > 20, f"only {len(found)} settings"


def describe_broker(context: Context) -> None:
    """A broker's."""
    node = context.reference.connection.call("Metadata", 1, {"topics": []})["brokers"][0]["node_id"]
    found = call(context, "describe_configs", type="broker", name=str(node))["configs"]
    assert found.get("message.max.bytes") == "1048588", found.get("message.max.bytes")
    assert len(found) > 100, f"only {len(found)} settings"


def alter_configs(context: Context) -> None:
    """The old call sets what it names and resets the rest."""
    topic = context.topic(configs={"retention.ms": 123456, "segment.bytes": 2_000_000})
    call(context, "alter_configs", type="topic", name=topic, configs={"retention.ms": "654321"})
    assert _soon(context, topic, "retention.ms", "654321")
    assert _soon(context, topic, "segment.bytes", str(1 << 30)), "what was not named is still set"
    refused(context, INVALID_CONFIG, "alter_configs", type="topic", name=topic, configs={"retention.ms": "much"})


def _soon(context: Context, topic: str, name: str, value: str) -> bool:
    found = eventually(
        lambda: context.reference.config(topic, name), f"{name} is {value}", accept=lambda found: found == value
    )
    return found == value


def incremental(context: Context) -> None:
    """Set, append, subtract, delete."""
    topic = context.topic(configs={"retention.ms": 123456})
    where = {"type": "topic", "name": topic}
    call(context, "incremental_alter_configs", **where, ops=[["set", "segment.bytes", "2000000"]])
    assert _soon(context, topic, "segment.bytes", "2000000")
    assert _soon(context, topic, "retention.ms", "123456"), "what was not named is no longer set"
    call(context, "incremental_alter_configs", **where, ops=[["append", "cleanup.policy", "compact"]])
    assert _soon(context, topic, "cleanup.policy", "delete,compact")
    call(context, "incremental_alter_configs", **where, ops=[["subtract", "cleanup.policy", "delete"]])
    assert _soon(context, topic, "cleanup.policy", "compact")
    call(context, "incremental_alter_configs", **where, ops=[["delete", "retention.ms", None]])
    assert _soon(context, topic, "retention.ms", "604800000")
    refused(context, INVALID_CONFIG, "incremental_alter_configs", **where, ops=[["set", "retention.ms", "much"]])


def group_configs(context: Context) -> None:
    """Settings of a group (KIP-848's resource type)."""
    group = context.name("g")
    ops = [["set", "consumer.session.timeout.ms", "50000"]]
    call(context, "incremental_alter_configs", type="group", name=group, ops=ops)

    def told() -> Any:
        found = call(context, "describe_configs", type="group", name=group)["configs"]
        return found.get("consumer.session.timeout.ms")

    eventually(told, "the group's setting", accept=lambda value: value == "50000")


def list_config_resources(context: Context) -> None:
    """Topics and brokers, or the groups with settings."""
    found = call(context, "list_config_resources")["resources"]
    assert isinstance(found, list), found


def delete_records(context: Context) -> None:
    """Up to an offset; beyond the end it is refused."""
    topic = context.topic()
    context.reference.write(topic, [each.entry() for each in numbered(0, 20)])
    found = call(context, "delete_records", topic=topic, partition=0, before=7)
    assert found.get("low_watermark") in (None, 7), found
    assert context.reference.read(topic, start=7)[0].offset == 7
    found = call(context, "delete_records", topic=topic, partition=0, before=-1)
    assert found.get("low_watermark") in (None, 20), f"{found} for -1, which is all"
    assert context.reference.read(topic, start=20) == []
    refused(context, OFFSET_OUT_OF_RANGE, "delete_records", topic=topic, partition=0, before=1000)


def list_offsets(context: Context) -> None:
    """First, next, by time."""
    topic = context.topic()
    context.reference.write(topic, [each.entry() for each in numbered(0, 20)])
    context.reference.delete_records(topic, before=4)
    stamp = context.reference.read(topic, start=4)[0].timestamp
    for at, offset in (("earliest", 4), ("latest", 20), (stamp - 10_000_000, 4)):
        found = call(context, "list_offsets", topic=topic, partition=0, at=at)
        assert found["offset"] == offset, f"{found['offset']} for {at}, not {offset}"


def max_timestamp(context: Context) -> None:
    """The record with the largest timestamp, which is not the last one."""
    topic, base = context.topic(), now_ms() - 3_000_000
    for number, late in enumerate((0, 9000, 1000)):
        context.reference.write(topic, [Wanted(value=b"%d" % number, timestamp=base + late).entry()])
    found = call(context, "list_offsets", topic=topic, partition=0, at="max_timestamp")
    assert found["offset"] == 1, found
    assert found.get("timestamp") in (None, base + 9000), found


def _group(context: Context, *, offset: int = 5) -> tuple[str, str]:
    """A group that nobody is in, with committed offsets."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    context.reference.commit(group, topic, dict.fromkeys(range(PARTITIONS), offset))
    return topic, group


def list_groups(context: Context) -> None:
    """Empty ones too."""
    groups = {_group(context)[1] for _ in range(2)}
    found = set(call(context, "list_groups")["groups"])
    assert groups <= found, f"{sorted(groups - found)} are not listed"


def describe_group(context: Context) -> None:
    """State, protocol and members of a group of two."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    members = [join(context, group, topic) for _ in range(2)]
    settled(context, group, topic, members)
    found = call(context, "describe_group", group=group)
    assert str(found["state"]).lower() == "stable", found["state"]
    told = found["members"]
    assert len(told) == 2, told
    shares = [each.get("assignment") for each in told]
    if None not in shares:
        everything = sorted(tuple(place) for share in shares for place in share)
        assert everything == [(topic, index) for index in range(PARTITIONS)], shares
    assert all(each.get("client_id") in (None, "compat") for each in told), told
    assert all(each.get("host") in (None, "/127.0.0.1", "127.0.0.1") for each in told), told
    assert found.get("protocol") in (None, context.reference.group(group)["protocol_data"]), found


def delete_group(context: Context) -> None:
    """An empty one; an unknown one, and one with a member, are refused."""
    _, group = _group(context)
    call(context, "delete_group", group=group)
    assert context.reference.group(group)["group_state"] == "Dead"
    refused(context, GROUP_ID_NOT_FOUND, "delete_group", group=context.name("unknown"))
    topic, busy = context.topic(partitions=PARTITIONS), context.name("g")
    settled(context, busy, topic, [join(context, busy, topic)])
    refused(context, NON_EMPTY_GROUP, "delete_group", group=busy)


def group_offsets(context: Context) -> None:
    """All that are committed."""
    topic, group = _group(context, offset=9)
    found = [tuple(each) for each in call(context, "group_offsets", group=group)["offsets"]]
    assert sorted(found) == [(topic, index, 9) for index in range(PARTITIONS)], found


def alter_group_offsets(context: Context) -> None:
    """Moved, and found there by the next member."""
    topic, group = _group(context)
    fill(context, topic, 0, 40)
    call(context, "alter_group_offsets", group=group, offsets=[[topic, index, 8] for index in range(PARTITIONS)])
    assert context.reference.committed(group, topic, PARTITIONS) == dict.fromkeys(range(PARTITIONS), 8)
    member = join(context, group, topic)
    collect([member], range(32, 40))
    assert len(member.taken) == 8, f"{len(member.taken)} records from offset 8 on"


def delete_group_offsets(context: Context) -> None:
    """Of one partition; the others stay."""
    topic, group = _group(context)
    call(context, "delete_group_offsets", group=group, partitions=[[topic, 1]])
    assert sorted(context.reference.committed(group, topic, PARTITIONS)) == [0, 2, 3]


def remove_members(context: Context) -> None:
    """A static member whose process is gone."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    member = join(context, group, topic, instance_id="one", session_timeout_ms=30_000)
    settled(context, group, topic, [member])
    member.driver.kill()
    call(context, "remove_members", group=group, instance_ids=["one"])
    eventually(lambda: not context.reference.group(group)["members"], "the member is gone", timeout_s=5)


def describe_cluster(context: Context) -> None:
    """Id, controller, brokers."""
    metadata = context.reference.connection.call("Metadata", 8, {"topics": []})
    brokers = sorted(each["node_id"] for each in metadata["brokers"])
    found = call(context, "describe_cluster")
    assert found.get("cluster_id") in (None, metadata["cluster_id"]), found
    assert found.get("controller") in (None, *brokers), found
    assert sorted(found["brokers"]) == brokers, found


def describe_log_dirs(context: Context) -> None:
    """A topic's partitions and their sizes."""
    topic = context.topic(partitions=2)
    context.reference.write(topic, [each.entry() for each in numbered(0, 50)])

    def sizes() -> dict[int, int]:
        dirs = call(context, "describe_log_dirs")["dirs"]
        return {index: size for each in dirs for name, index, size in each["partitions"] if name == topic}

    found = sizes()
    assert sorted(found) == [0, 1], found
    assert found[0] > 50, found
    assert found[1] == 0, found


def describe_producers(context: Context) -> None:
    """The idempotent producers of a partition."""
    topic = context.topic()
    producer_id, epoch = calls.init_producer_id(context.reference.connection)
    data = batches.batch(batches.values(3), producer_id=producer_id, producer_epoch=epoch, base_sequence=0)
    assert calls.produce(context.reference.connection, topic, data)["error_code"] == 0
    (found,) = call(context, "describe_producers", topic=topic, partition=0)["producers"]
    assert (found["producer_id"], found["epoch"]) == (producer_id, epoch), found
    assert found.get("last_sequence") in (None, 2), found


def describe_features(context: Context) -> None:
    """The supported features that ApiVersions tells on the wire; none may be left out, though there may be none."""
    asked = {"client_software_name": "compat", "client_software_version": "1"}
    # Those with a minimum of 0 are told from version 4 on, which not every client speaks (KIP-1022).
    told = [context.reference.connection.call("ApiVersions", version, asked) for version in (3, 4)]
    some, every = ({each["name"] for each in answer["supported_features"]} for answer in told)
    every |= {each["name"] for each in told[1]["finalized_features"]}
    found = set(call(context, "describe_features")["features"])
    assert some <= found <= every, f"{sorted(found)} where the broker tells {sorted(every)}"


def api_versions(context: Context) -> None:
    """The versions of every API, the same as on the wire."""
    answer = context.reference.connection.call("ApiVersions", 2)
    wanted = {each["api_key"]: (each["min_version"], each["max_version"]) for each in answer["api_keys"]}
    found = {key: (low, high) for key, low, high in call(context, "api_versions")["apis"]}
    assert found.get(3) == wanted[3], f"Metadata in versions {found.get(3)}"
    assert set(found) <= set(wanted), f"APIs {sorted(set(found) - set(wanted))} that the broker does not name"


def other_calls(context: Context) -> None:
    """Whatever else the client can ask: no call fails."""
    topic, group = _group(context)
    calls = call(context, "other_calls", topic=topic, group=group)["calls"]
    failed = {name: why for name, why in calls.items() if why is not None}
    assert not failed, f"{len(failed)} of {len(calls)} calls: {failed}"


def _case(name: str, title: str, run: Callable[[Context], None], *, quick: bool = True) -> Case:
    return Case(id=f"admin/{name}", title=title, run=run, quick=quick)


CASES = (
    _case("create-topic", "create a topic", create_topic),
    _case("topic-configs", "create a topic with settings", topic_configs),
    _case("used-at-once", "a new topic used at once", used_at_once),
    _case("validate-only", "validate only", validate_only),
    _case("delete-topic", "delete a topic", delete_topic),
    _case("create-partitions", "create partitions", create_partitions),
    _case("list-topics", "list topics", list_topics),
    _case("describe-topic", "describe a topic", describe_topic),
    _case("describe-topic-partitions", "describe a topic page by page", topic_pages),
    _case("describe-configs", "settings of a topic", describe_configs),
    _case("describe-broker", "settings of a broker", describe_broker),
    _case("alter-configs", "alter settings (the old call)", alter_configs),
    _case("incremental-alter-configs", "alter settings one by one", incremental),
    _case("group-configs", "settings of a group", group_configs),
    _case("list-config-resources", "list what has settings", list_config_resources),
    _case("delete-records", "delete records", delete_records),
    _case("list-offsets", "list offsets", list_offsets),
    _case("max-timestamp", "offset of the largest timestamp", max_timestamp),
    _case("list-groups", "list groups", list_groups),
    _case("describe-group", "describe a group", describe_group),
    _case("delete-group", "delete a group", delete_group),
    _case("group-offsets", "offsets of a group", group_offsets),
    _case("alter-group-offsets", "alter offsets of a group", alter_group_offsets),
    _case("delete-group-offsets", "delete offsets of a group", delete_group_offsets),
    _case("remove-members", "remove a static member", remove_members),
    _case("describe-cluster", "describe the cluster", describe_cluster),
    _case("describe-log-dirs", "describe log directories", describe_log_dirs),
    _case("describe-producers", "describe producers", describe_producers),
    _case("describe-features", "feature levels", describe_features),
    _case("api-versions", "API versions", api_versions),
    _case("other-calls", "all other calls", other_calls),
)

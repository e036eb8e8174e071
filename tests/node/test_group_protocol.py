"""The classic group protocol over the wire, move by move (reference 6.1)."""

import contextlib
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from tests.harness import calls, target
from tests.harness.fixtures import MakeNode
from tests.harness.node import Node
from tests.harness.waiting import eventually
from tests.harness.wire import Connection, Values

METADATA = struct.pack(">hi", 0, 0) + struct.pack(">i", -1)


class Member:
    """One member's connection and what it knows of its group."""

    def __init__(self, node: Node, group: str, *, instance_id: str | None = None, protocols: Any = None) -> None:
        self.connection = node.connect(timeout_s=30)
        self.group = group
        self.instance_id = instance_id
        self.protocols: dict[str, bytes] = protocols or {"range": METADATA}
        self.member_id = ""
        self.generation = -1
        self.protocol_type = "consumer"
        self.session_timeout_ms = 10_000
        self.rebalance_timeout_ms = 20_000

    def join_request(self) -> Values:
        return {
            "group_id": self.group,
            "session_timeout_ms": self.session_timeout_ms,
            "rebalance_timeout_ms": self.rebalance_timeout_ms,
            "member_id": self.member_id,
            "group_instance_id": self.instance_id,
            "protocol_type": self.protocol_type,
            "protocols": [{"name": name, "metadata": data} for name, data in self.protocols.items()],
            "reason": "a test",
        }

    def send_join(self, version: int = 9) -> int:
        return self.connection.send("JoinGroup", version, self.join_request())

    def receive_join(self, version: int = 9) -> Values:
        answer = self.connection.receive("JoinGroup", version)
        if answer["error_code"] in (0, 79):
            self.member_id = answer["member_id"]
            self.generation = answer["generation_id"]
        return answer

    def join(self, version: int = 9) -> Values:
        """JoinGroup, once more when the coordinator first hands out a member id."""
        self.send_join(version)
        answer = self.receive_join(version)
        if answer["error_code"] == 79:
            self.send_join(version)
            answer = self.receive_join(version)
        return answer

    def get_member_id(self) -> None:
        """The first half of a join of version 4 and later: a member id is given, nothing else happens."""
        self.send_join()
        answer = self.receive_join()
        assert answer["error_code"] == 79, answer

    def sync(self, assignments: dict[str, bytes] | None = None) -> Values:
        self.send_sync(assignments)
        return self.connection.receive("SyncGroup", 5)

    def send_sync(self, assignments: dict[str, bytes] | None = None, **other: object) -> None:
        request = {
            "group_id": self.group,
            "generation_id": self.generation,
            "member_id": self.member_id,
            "group_instance_id": self.instance_id,
            "protocol_type": self.protocol_type,
            "protocol_name": next(iter(self.protocols)),
            "assignments": [{"member_id": who, "assignment": what} for who, what in (assignments or {}).items()],
            **other,
        }
        self.connection.send("SyncGroup", 5, request)

    def heartbeat(self, **other: object) -> int:
        request = {
            "group_id": self.group,
            "generation_id": self.generation,
            "member_id": self.member_id,
            "group_instance_id": self.instance_id,
            **other,
        }
        code: int = self.connection.call("Heartbeat", 4, request)["error_code"]
        return code

    def leave(self) -> Values:
        who = {"member_id": self.member_id, "group_instance_id": self.instance_id}
        return self.connection.call("LeaveGroup", 4, {"group_id": self.group, "members": [who]})

    def commit(self, topic: str, offset: int, **other: object) -> int:
        partition = {"partition_index": 0, "committed_offset": offset, "committed_leader_epoch": -1}
        request = {
            "group_id": self.group,
            "generation_id_or_member_epoch": self.generation,
            "member_id": self.member_id,
            "group_instance_id": self.instance_id,
            "topics": [{"name": topic, "partitions": [{**partition, "committed_metadata": "note"}]}],
            **other,
        }
        (found,) = self.connection.call("OffsetCommit", 8, request)["topics"]
        code: int = found["partitions"][0]["error_code"]
        return code

    def become_stable_alone(self) -> None:
        """Join as the only member and assign itself."""
        answer = self.join()
        assert answer["error_code"] == 0, answer
        assert self.sync({self.member_id: b"all"})["error_code"] == 0


class Members:
    """Makes members and closes their connections."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._all: list[Member] = []

    def __call__(self, group: str, **options: Any) -> Member:
        member = Member(self._node, group, **options)
        self._all.append(member)
        return member

    def close(self) -> None:
        for member in self._all:
            member.connection.close()


def wait_for_coordinator(node: Node, *groups: str) -> None:
    """Kafka makes __consumer_offsets at the first FindCoordinator and says 14, 15 or 16 meanwhile; Ottla must not."""
    if not target.is_kafka():
        with node.connect() as connection:
            answer = connection.call("FindCoordinator", 2, {"key": "any", "key_type": 0})
            assert answer["error_code"] == 0, answer
        return

    def ready() -> bool:
        with node.connect() as connection:
            if connection.call("FindCoordinator", 2, {"key": "any", "key_type": 0})["error_code"]:
                return False
            beat = {"generation_id": 1, "member_id": "nobody"}
            codes = {connection.call("Heartbeat", 1, {"group_id": group, **beat})["error_code"] for group in groups}
            return codes == {25}

    eventually(ready, "the group coordinator is there", timeout_s=20)


@pytest.fixture(scope="module")
def coordinator(node: Node) -> None:
    wait_for_coordinator(node, *(f"probe-{number}" for number in range(32)))


@pytest.fixture
def members(node: Node, coordinator: None) -> Iterator[Members]:
    made = Members(node)
    yield made
    made.close()


@pytest.fixture
def group() -> str:
    return calls.unique("group")


@pytest.mark.parametrize("version", range(7))
def test_find_coordinator_answers_at_once(node: Node, coordinator: None, version: int) -> None:
    with node.connect() as connection:
        if version < 4:
            found = connection.call("FindCoordinator", version, {"key": "g", "key_type": 0})
        else:
            keys = {"key_type": 0, "coordinator_keys": ["g", "h"]}
            found = connection.call("FindCoordinator", version, keys)["coordinators"][1]
    assert found["error_code"] == 0
    assert (found["host"], found["port"]) == (node.host, node.port)


def test_first_join_hands_out_a_member_id(members: Members, group: str) -> None:
    member = members(group)
    member.send_join()
    answer = member.receive_join()
    assert (answer["error_code"], answer["generation_id"]) == (79, -1)
    assert member.member_id.startswith("ottla-tests-")


@pytest.mark.parametrize("version", range(10))
def test_join_of_every_version_makes_a_leader(members: Members, group: str, version: int) -> None:
    member = members(group)
    answer = member.join(version)
    assert (answer["error_code"], answer["generation_id"]) == (0, 1)
    assert answer["leader"] == answer["member_id"] == member.member_id
    assert answer["protocol_name"] == "range"
    assert [item["member_id"] for item in answer["members"]] == [member.member_id]
    assert bytes(answer["members"][0]["metadata"]) == METADATA


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"group": ""}, 24),
        ({"session_timeout_ms": 5999}, 26),
        ({"session_timeout_ms": 1_800_001}, 26),
        ({"member_id": "never-given"}, 25),
        ({"protocols": {}}, 23),
        ({"protocol_type": ""}, 23),
    ],
)
def test_bad_join_is_refused(members: Members, group: str, changes: dict[str, Any], code: int) -> None:
    member = members(group)
    for name, value in changes.items():
        setattr(member, name, value)
    member.send_join()
    answer = member.receive_join()
    if answer["error_code"] == 79:
        member.send_join()
        answer = member.receive_join()
    assert answer["error_code"] == code


def test_alone_through_all_states(members: Members, group: str) -> None:
    member = members(group)
    assert member.join()["error_code"] == 0
    assert member.heartbeat() == 0, "CompletingRebalance"
    answer = member.sync({member.member_id: b"mine"})
    assert (answer["error_code"], bytes(answer["assignment"])) == (0, b"mine")
    assert (answer["protocol_type"], answer["protocol_name"]) == ("consumer", "range")
    assert member.heartbeat() == 0
    assert member.heartbeat(generation_id=7) == 22
    assert member.heartbeat(member_id="somebody") == 25
    left = member.leave()
    assert (left["error_code"], left["members"][0]["error_code"]) == (0, 0)
    assert member.heartbeat() == 25


def test_second_member_makes_a_rebalance(members: Members, group: str) -> None:
    first, second = members(group), members(group)
    first.become_stable_alone()
    second.get_member_id()
    second.send_join()
    eventually(lambda: first.heartbeat() == 27, "the first hears of the rebalance")
    first.send_join()
    answers = [first.receive_join(), second.receive_join()]
    assert {answer["error_code"] for answer in answers} == {0}
    assert {answer["generation_id"] for answer in answers} == {2}
    leader, follower = (first, second) if answers[0]["leader"] == first.member_id else (second, first)
    by_member = {item["member_id"] for item in answers[0 if leader is first else 1]["members"]}
    assert by_member == {first.member_id, second.member_id}
    assert answers[1 if leader is first else 0]["members"] == []
    follower.send_sync()
    assert follower.connection.quiet_for(0.2), "a follower waits for the leader's assignment"
    given = leader.sync({first.member_id: b"one", second.member_id: b"two"})
    received = follower.connection.receive("SyncGroup", 5)
    assert given["error_code"] == received["error_code"] == 0
    assert {bytes(given["assignment"]), bytes(received["assignment"])} == {b"one", b"two"}


def test_sync_before_the_leader_joined_again_is_told_to_rejoin(members: Members, group: str) -> None:
    first, second = members(group), members(group)
    first.become_stable_alone()
    second.get_member_id()
    second.send_join()
    eventually(lambda: first.heartbeat() == 27, "the first hears of the rebalance")
    assert first.sync({})["error_code"] == 27
    assert first.commit("some-topic", 1) in (0, 3)


def test_leave_of_one_makes_the_other_rejoin(members: Members, group: str) -> None:
    first, second = members(group), members(group)
    first.become_stable_alone()
    second.get_member_id()
    second.send_join()
    eventually(lambda: first.heartbeat() == 27, "the first hears of the rebalance")
    first.send_join()
    first.receive_join()
    second.receive_join()
    assert second.leave()["error_code"] == 0
    eventually(lambda: first.heartbeat() == 27, "the first hears that the second left")
    assert first.join()["generation_id"] == 3


def test_member_that_falls_silent_is_removed(members: Members, group: str) -> None:
    first, second = members(group), members(group)
    second.session_timeout_ms = 6000
    first.become_stable_alone()
    second.get_member_id()
    second.send_join()
    eventually(lambda: first.heartbeat() == 27, "the first hears of the rebalance")
    first.send_join()
    first.receive_join()
    second.receive_join()
    second.send_sync()
    assert first.sync({first.member_id: b"a", second.member_id: b"b"})["error_code"] == 0
    second.connection.close()
    eventually(lambda: first.heartbeat() == 27, "the silent one's session ends", timeout_s=20, interval_s=0.2)
    answer = first.join()
    assert [item["member_id"] for item in answer["members"]] in ([first.member_id], [])


def test_incompatible_protocol_is_refused(members: Members, group: str) -> None:
    members(group).become_stable_alone()
    for change in ({"protocols": {"roundrobin": METADATA}}, {"protocol_type": "connect"}):
        other = members(group)
        for name, value in change.items():
            setattr(other, name, value)
        assert other.join()["error_code"] == 23


def test_any_protocol_type_is_served(members: Members, group: str) -> None:
    for protocol_type in ("connect", "sr", "x"):
        member = members(f"{group}-{protocol_type}", protocols={"v1": b"opaque \x00\xff"})
        member.protocol_type = protocol_type
        answer = member.join()
        assert (answer["error_code"], answer["protocol_type"]) == (0, protocol_type)
        assert bytes(answer["members"][0]["metadata"]) == b"opaque \x00\xff"
        assert bytes(member.sync({member.member_id: b"\x01"})["assignment"]) == b"\x01"


def test_protocol_with_most_votes_wins(members: Members, group: str) -> None:
    first = members(group, protocols={"a": METADATA, "b": METADATA})
    second = members(group, protocols={"b": METADATA, "a": METADATA})
    third = members(group, protocols={"b": METADATA})
    assert first.join()["protocol_name"] == "a"
    for other in (second, third):
        other.get_member_id()
        other.send_join()
    eventually(lambda: first.heartbeat() == 27, "rebalance")
    first.send_join()
    joined = [member.receive_join() for member in (first, second, third)]
    names = {answer["protocol_name"] for answer in joined if answer["error_code"] == 0}
    assert names == {"b"}


def test_sync_checks_generation_member_and_protocol(members: Members, group: str) -> None:
    member = members(group)
    member.join()
    refusals: list[tuple[dict[str, object], int]] = [
        ({"generation_id": 9}, 22),
        ({"member_id": "nobody"}, 25),
        ({"protocol_type": "other"}, 23),
        ({"protocol_name": "other"}, 23),
    ]
    for change, code in refusals:
        member.send_sync({}, **change)
        assert member.connection.receive("SyncGroup", 5)["error_code"] == code, change


def test_static_member_comes_back_without_a_rebalance(members: Members, group: str, topic: str) -> None:
    first = members(group, instance_id="i-1")
    first.become_stable_alone()
    old_id, generation = first.member_id, first.generation
    assert old_id.startswith("i-1-")
    back = members(group, instance_id="i-1")
    answer = back.join()
    assert (answer["error_code"], answer["generation_id"]) == (0, generation)
    assert back.member_id != old_id
    assert answer["skip_assignment"] is True
    synced = back.sync({})
    assert (synced["error_code"], bytes(synced["assignment"])) == (0, b"all")
    assert first.heartbeat() == 82
    assert first.commit(topic, 1) == 82
    first.send_join()
    assert first.receive_join()["error_code"] == 82


def test_static_member_stays_until_it_leaves_by_name(members: Members, group: str) -> None:
    member = members(group, instance_id="i-2")
    member.become_stable_alone()
    who = {"member_id": "", "group_instance_id": "i-2"}
    nobody = {"member_id": "", "group_instance_id": "i-3"}
    answer = member.connection.call("LeaveGroup", 4, {"group_id": group, "members": [who, nobody]})
    assert [item["error_code"] for item in answer["members"]] == [0, 25]


def test_commit_and_fetch_offsets(members: Members, group: str, topic: str) -> None:
    member = members(group)
    member.become_stable_alone()
    assert member.commit(topic, 42) == 0
    for version in range(1, 8):
        request: Values = {"group_id": group, "topics": [{"name": topic, "partition_indexes": [0, 1]}]}
        answer = member.connection.call("OffsetFetch", version, request)
        (found,) = answer["topics"]
        offsets = {item["partition_index"]: item["committed_offset"] for item in found["partitions"]}
        assert offsets == {0: 42, 1: -1}
        assert {item["metadata"] for item in found["partitions"] if item["partition_index"] == 0} == {"note"}
    groups = [{"group_id": group, "member_id": None, "member_epoch": -1, "topics": None}]
    (all_topics,) = member.connection.call("OffsetFetch", 8, {"groups": groups})["groups"]
    assert [item["name"] for item in all_topics["topics"]] == [topic]


def test_commit_is_checked(members: Members, group: str, topic: str) -> None:
    member = members(group)
    member.become_stable_alone()
    assert member.commit(topic, 1, generation_id_or_member_epoch=99) == 22
    assert member.commit(topic, 1, member_id="nobody") == 25
    assert member.commit(topic, 1, generation_id_or_member_epoch=-1, member_id="") == 25
    long_note = {"partition_index": 0, "committed_offset": 1, "committed_leader_epoch": -1}
    topics = [{"name": topic, "partitions": [{**long_note, "committed_metadata": "x" * 4097}]}]
    assert member.commit(topic, 1, topics=topics) == 12
    assert member.commit("no-such-topic", 1) == 3


def test_simple_consumer_commits_without_a_group(members: Members, group: str, topic: str) -> None:
    simple = members(group)
    assert simple.commit(topic, 5) == 0
    assert simple.commit(topic, 6, generation_id_or_member_epoch=3, member_id="x") in (22, 25)


def test_groups_are_listed_described_and_deleted(members: Members, group: str, topic: str) -> None:
    member = members(group)
    member.become_stable_alone()
    assert member.commit(topic, 1) == 0
    connection = member.connection
    listed = {item["group_id"]: item for item in connection.call("ListGroups", 5, {})["groups"]}
    assert listed[group]["group_state"] == "Stable"
    assert (listed[group]["protocol_type"], listed[group]["group_type"]) == ("consumer", "classic")
    by_state = connection.call("ListGroups", 5, {"states_filter": ["empty"], "types_filter": []})["groups"]
    assert group not in {item["group_id"] for item in by_state}
    (described,) = connection.call("DescribeGroups", 5, {"groups": [group]})["groups"]
    assert (described["error_code"], described["group_state"], described["protocol_data"]) == (0, "Stable", "range")
    (one,) = described["members"]
    assert (one["member_id"], one["client_id"]) == (member.member_id, "ottla-tests")
    assert one["client_host"] == "/127.0.0.1"
    assert (bytes(one["member_metadata"]), bytes(one["member_assignment"])) == (METADATA, b"all")
    assert _delete(connection, group) == 68
    member.leave()
    (empty,) = connection.call("DescribeGroups", 5, {"groups": [group]})["groups"]
    assert (empty["group_state"], empty["members"]) == ("Empty", [])
    assert _delete(connection, group) == 0
    assert _delete(connection, group) == 69
    (dead,) = connection.call("DescribeGroups", 5, {"groups": [group]})["groups"]
    assert (dead["error_code"], dead["group_state"]) == (0, "Dead")
    (unknown,) = connection.call("DescribeGroups", 6, {"groups": [group]})["groups"]
    assert unknown["error_code"] == 69


def _delete(connection: Connection, group: str) -> int:
    (result,) = connection.call("DeleteGroups", 2, {"groups_names": [group]})["results"]
    code: int = result["error_code"]
    return code


def test_offsets_are_deleted_one_by_one(members: Members, group: str, topic: str) -> None:
    member = members(group)
    assert member.commit(topic, 5) == 0
    request = {"group_id": group, "topics": [{"name": topic, "partitions": [{"partition_index": 0}]}]}
    answer = member.connection.call("OffsetDelete", 0, request)
    assert answer["error_code"] == 0
    assert answer["topics"][0]["partitions"][0]["error_code"] == 0
    fetched = member.connection.call(
        "OffsetFetch", 7, {"group_id": group, "topics": [{"name": topic, "partition_indexes": [0]}]}
    )
    assert fetched["topics"][0]["partitions"][0]["committed_offset"] == -1
    assert member.connection.call("OffsetDelete", 0, {**request, "group_id": "no-such-group"})["error_code"] == 69


def test_offsets_of_a_subscribed_topic_are_not_deleted(members: Members, group: str, topic: str) -> None:
    name = topic.encode()
    subscription = struct.pack(">hih", 0, 1, len(name)) + name + struct.pack(">i", -1)
    member = members(group, protocols={"range": subscription})
    member.become_stable_alone()
    assert member.commit(topic, 5) == 0
    request = {"group_id": group, "topics": [{"name": topic, "partitions": [{"partition_index": 0}]}]}
    answer = member.connection.call("OffsetDelete", 0, request)
    assert answer["topics"][0]["partitions"][0]["error_code"] == 86


@pytest.mark.parametrize("kill", [False, True], ids=["stop", "kill"])
def test_group_and_offsets_survive_a_restart(make_node: MakeNode, group: str, kill: bool) -> None:
    node = make_node().start()
    topic = calls.unique("topic")
    with node.connect() as connection:
        calls.create_topic(connection, topic)
    wait_for_coordinator(node, group)
    with contextlib.closing(Members(node)) as members:
        member = members(group, instance_id="static")
        member.become_stable_alone()
        assert member.commit(topic, 17) == 0
        node.restart(kill=kill)
        again = members(group, instance_id="static")
        again.member_id, again.generation = member.member_id, member.generation
        eventually(lambda: again.heartbeat() not in (14, 15, 16), "the coordinator has loaded")
        assert again.heartbeat() == 0, "the member may go on where it was"
        request = {"group_id": group, "topics": [{"name": topic, "partition_indexes": [0]}]}
        answer = eventually(
            lambda: again.connection.call("OffsetFetch", 5, request),
            "offsets can be fetched",
            accept=lambda answer: not (target.is_kafka() and answer["error_code"]),
        )
        assert answer["error_code"] == 0
        assert answer["topics"][0]["partitions"][0]["committed_offset"] == 17

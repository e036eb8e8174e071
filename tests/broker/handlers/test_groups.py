"""The group APIs in each of their versions: what goes in on the wire, what comes out.

A real coordinator on a journal in memory; every request and every response passes through the codec of its version.
"""

import asyncio
import importlib
from collections.abc import AsyncIterator, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from ottla.coordinator.group.config import GroupConfig
from ottla.coordinator.group.driver import GroupCoordinator
from ottla.coordinator.group.placement import partition_of
from ottla.coordinator.group.simulated import MemoryJournal
from ottla.metadata.delta import ImageDelta
from ottla.metadata.image import Image
from ottla.metadata.records import BrokerRecord, Endpoint, PartitionRecord, TopicRecord
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import ZERO_UUID
from ottla.protocol.api import ApiKey
from ottla.protocol.messages import (
    delete_groups,
    describe_groups,
    find_coordinator,
    heartbeat,
    join_group,
    leave_group,
    list_groups,
    offset_commit,
    offset_delete,
    offset_fetch,
    sync_group,
)
from ottla.protocol.versions import SERVED
from ottla.runtime.clock import ManualClock
from ottla.runtime.tasks import Tasks

OFFSETS_TOPIC = "__consumer_offsets"
TOPIC_ID, OFFSETS_ID, UNKNOWN_ID = bytes(15) + b"\1", bytes(15) + b"\2", bytes(15) + b"\3"
SUBSCRIPTION = b"\0\1\0\0\0\1\0\1t\xff\xff\xff\xff\0\0\0\0"


def topics(*described: tuple[str, bytes, int, int]) -> ImageDelta:
    delta = ImageDelta(1)
    for name, topic_id, count, leader in described:
        delta.topics[name] = TopicRecord(topic_id, count)
        delta.partitions[topic_id] = {
            index: (PartitionRecord(replicas=(leader,), isr=(leader,), leader=leader), 1) for index in range(count)
        }
    return delta


class Deferred:
    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers

    def complete(self, response: Any) -> None:
        self._answers.append(response)


class Node:
    """What the handlers know of a node."""

    node_id = 1

    def __init__(self) -> None:
        self.image = Image().apply(topics(("t", TOPIC_ID, 2, 1), (OFFSETS_TOPIC, OFFSETS_ID, 4, 1)))
        self.clock = ManualClock()
        self.tasks = Tasks()
        self.journal = MemoryJournal()
        self.settings = {
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": 3,
            "offsets.topic.segment.bytes": 1 << 20,
        }
        self.config = SimpleNamespace(int=self.settings.__getitem__)
        self.controller = SimpleNamespace(create_topics=self._create_topics)
        self.created: list[Any] = []
        self.count = 0
        self.groups = GroupCoordinator(
            journal=self.journal,
            clock=self.clock,
            tasks=self.tasks,
            partition_count=lambda: 4,
            fresh_id=self._fresh_id,
            config=GroupConfig(initial_rebalance_delay_ms=100),
        )
        for partition in range(4):
            self.groups.elected(partition)

    def _fresh_id(self) -> str:
        self.count += 1
        return str(self.count)

    async def _create_topics(self, wanted: list[Any]) -> None:
        self.created += wanted
        await asyncio.sleep(0)
        self.image = self.image.apply(topics((OFFSETS_TOPIC, OFFSETS_ID, 4, 1)))

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def send(self, module: Any, request: Any, version: int) -> list[Any]:
        """Return the list in which the response appears."""
        name = module.__name__.rpartition(".")[2]
        handler = importlib.import_module(f"ottla.broker.handlers.{name}")
        answers: list[Any] = []
        context = SimpleNamespace(
            node=self,
            api_version=version,
            client_id="client",
            client_host="/127.0.0.1",
            listener="PLAINTEXT",
            advertised_endpoint=lambda: ("here", 9092),
            defer=lambda *, pipelines=False, waits=False: Deferred(answers),
        )
        wire = bytearray()
        module.encode_request(request, version, wire)
        answer = handler.handle(module.decode_request(bytes(wire), 0, version), context)
        if isinstance(answer, Coroutine):
            answer = await answer
        if not isinstance(answer, Deferred):
            answers.append(answer)
        await self.settle()
        for index, response in enumerate(answers):
            wire = bytearray()
            module.encode_response(response, version, wire)
            answers[index] = module.decode_response(bytes(wire), 0, version)
        return answers

    async def ask(self, module: Any, request: Any, version: int) -> Any:
        (response,) = await self.send(module, request, version)
        return response

    async def stable(self, group_id: str = "g", instance: str | None = "inst", protocol_type: str = "consumer") -> str:
        """Bring up a group of one member, by the newest versions."""
        request = join_group.JoinGroupRequest(
            group_id=group_id,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=60_000,
            group_instance_id=instance,
            protocol_type=protocol_type,
            protocols=[join_group.JoinGroupRequestProtocol(name="range", metadata=SUBSCRIPTION)],
        )
        answers = await self.send(join_group, request, 9)
        self.clock.advance(100)
        await self.settle()
        member_id: str = answers[0].member_id
        assignment = sync_group.SyncGroupRequestAssignment(member_id=member_id, assignment=b"part")
        synced = await self.ask(
            sync_group,
            sync_group.SyncGroupRequest(
                group_id=group_id,
                generation_id=1,
                member_id=member_id,
                protocol_type=protocol_type,
                protocol_name="range",
                assignments=[assignment],
            ),
            5,
        )
        assert synced.assignment == b"part"
        return member_id


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    node = Node()
    yield node
    node.groups.close()
    await node.tasks.close()


def versions(key: ApiKey) -> range:
    first, last = SERVED[key]
    return range(first, last + 1)


def commit_request(version: int, offset: int = 5, **fields: Any) -> offset_commit.OffsetCommitRequest:
    partitions = [
        offset_commit.OffsetCommitRequestPartition(
            partition_index=0, committed_offset=offset, committed_metadata="m", committed_leader_epoch=-1
        )
    ]
    topic = offset_commit.OffsetCommitRequestTopic(partitions=partitions)
    if version >= 10:
        topic.topic_id = TOPIC_ID
    else:
        topic.name = "t"
    return offset_commit.OffsetCommitRequest(**({"group_id": "g", "topics": [topic]} | fields))


# -- membership --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", versions(ApiKey.JOIN_GROUP))
async def test_a_member_joins_syncs_beats_and_leaves(node: Node, version: int) -> None:
    request = join_group.JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        protocol_type="consumer",
        protocols=[
            join_group.JoinGroupRequestProtocol(name="range", metadata=SUBSCRIPTION),
            join_group.JoinGroupRequestProtocol(name="range", metadata=b"again"),
        ],
    )
    if version >= 1:
        request.rebalance_timeout_ms = 60_000
    if version >= 4:
        first = await node.ask(join_group, request, version)
        assert (first.error_code, first.member_id) == (ErrorCode.MEMBER_ID_REQUIRED, "client-1")
        assert not first.protocol_name
        request.member_id = first.member_id
    answers = await node.send(join_group, request, version)
    assert answers == []
    node.clock.advance(100)
    (joined,) = answers
    assert (joined.error_code, joined.generation_id) == (ErrorCode.NONE, 1)
    assert joined.leader == joined.member_id
    assert [member.metadata for member in joined.members] == [SUBSCRIPTION]
    member_id = joined.member_id
    sync_version = min(version, 5)
    sync = sync_group.SyncGroupRequest(
        group_id="g",
        generation_id=1,
        member_id=member_id,
        assignments=[sync_group.SyncGroupRequestAssignment(member_id=member_id, assignment=b"part")],
    )
    if sync_version >= 5:
        sync.protocol_type, sync.protocol_name = "consumer", "range"
    synced = await node.ask(sync_group, sync, sync_version)
    assert (synced.error_code, synced.assignment) == (ErrorCode.NONE, b"part")
    beat = heartbeat.HeartbeatRequest(group_id="g", generation_id=1, member_id=member_id)
    assert (await node.ask(heartbeat, beat, min(version, 4))).error_code == ErrorCode.NONE
    leave_version = min(version, 5)
    left = await node.ask(leave_group, leave_request(leave_version, member_id), leave_version)
    assert left.error_code == ErrorCode.NONE
    assert (await node.ask(heartbeat, beat, min(version, 4))).error_code == ErrorCode.UNKNOWN_MEMBER_ID


def leave_request(version: int, member_id: str) -> leave_group.LeaveGroupRequest:
    if version < 3:
        return leave_group.LeaveGroupRequest(group_id="g", member_id=member_id)
    return leave_group.LeaveGroupRequest(group_id="g", members=[leave_group.MemberIdentity(member_id=member_id)])


async def test_before_rebalance_timeouts_the_session_timeout_served_as_both(node: Node) -> None:
    request = join_group.JoinGroupRequest(
        group_id="g",
        session_timeout_ms=7_000,
        protocol_type="consumer",
        protocols=[join_group.JoinGroupRequestProtocol(name="range")],
    )
    await node.send(join_group, request, 0)
    shard = node.groups._shards[partition_of("g", 4)]
    (member,) = shard.groups.by_id["g"].members.values()
    assert member.rebalance_timeout_ms == 7_000


async def test_a_static_leader_that_comes_back_skips_the_assignment(node: Node) -> None:
    old = await node.stable()
    request = join_group.JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        group_instance_id="inst",
        protocol_type="consumer",
        protocols=[join_group.JoinGroupRequestProtocol(name="range", metadata=SUBSCRIPTION)],
    )
    newer = await node.ask(join_group, request, 9)
    assert (newer.skip_assignment, newer.leader) == (True, newer.member_id)
    older = await node.ask(join_group, request, 8)
    assert (older.leader, older.members) == (newer.member_id, [])
    assert old not in (newer.member_id, older.member_id)


@pytest.mark.parametrize("version", versions(ApiKey.LEAVE_GROUP))
async def test_leaving_tells_each_member_its_error(node: Node, version: int) -> None:
    await node.stable()
    response = await node.ask(leave_group, leave_request(version, "nobody"), version)
    if version < 3:
        assert response.error_code == ErrorCode.UNKNOWN_MEMBER_ID
    else:
        assert response.error_code == ErrorCode.NONE
        assert [(member.member_id, member.error_code) for member in response.members] == [("nobody", 25)]


# -- offsets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", versions(ApiKey.OFFSET_COMMIT))
async def test_an_offset_is_committed(node: Node, version: int) -> None:
    response = await node.ask(offset_commit, commit_request(version), version)
    (topic,) = response.topics
    assert (topic.name, topic.topic_id) == (("", TOPIC_ID) if version >= 10 else ("t", ZERO_UUID))
    assert [(part.partition_index, part.error_code) for part in topic.partitions] == [(0, 0)]
    assert await fetched(node, 8) == {"t": {0: 5}}


async def fetched(node: Node, version: int, **fields: Any) -> dict[str, dict[int, int]]:
    group = offset_fetch.OffsetFetchRequestGroup(**({"group_id": "g", "topics": None} | fields))
    response = await node.ask(offset_fetch, offset_fetch.OffsetFetchRequest(groups=[group]), version)
    (answer,) = response.groups
    return {
        topic.name or topic.topic_id.hex()[-1]: {
            part.partition_index: part.committed_offset for part in topic.partitions
        }
        for topic in answer.topics
    }


@pytest.mark.parametrize("version", [1, 8, 9, 10])
async def test_partitions_that_do_not_exist_are_refused_and_the_others_count(node: Node, version: int) -> None:
    request = commit_request(version)
    known = request.topics[0]
    known.partitions += [
        offset_commit.OffsetCommitRequestPartition(partition_index=2, committed_metadata=""),
        offset_commit.OffsetCommitRequestPartition(partition_index=1, committed_metadata="x" * 4097),
    ]
    unknown = offset_commit.OffsetCommitRequestTopic(partitions=[known.partitions[0]])
    if version >= 10:
        unknown.topic_id = UNKNOWN_ID
    else:
        unknown.name = "nope"
    request.topics.append(unknown)
    response = await node.ask(offset_commit, request, version)
    errors = [[part.error_code for part in topic.partitions] for topic in response.topics]
    missing = ErrorCode.UNKNOWN_TOPIC_ID if version >= 10 else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert errors == [
        [ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.OFFSET_METADATA_TOO_LARGE],
        [missing],
    ]
    assert await fetched(node, 8) == {"t": {0: 5}}


async def test_where_nothing_exists_the_coordinator_is_not_asked(node: Node) -> None:
    request = commit_request(8)
    request.topics[0].name = "nope"
    node.groups.close()
    response = await node.ask(offset_commit, request, 8)
    assert response.topics[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@pytest.mark.parametrize(("version", "error"), [(8, ErrorCode.ILLEGAL_GENERATION), (9, ErrorCode.GROUP_ID_NOT_FOUND)])
async def test_a_member_of_a_group_that_is_not_there(node: Node, version: int, error: ErrorCode) -> None:
    request = commit_request(version, generation_id_or_member_epoch=3, member_id="m")
    response = await node.ask(offset_commit, request, version)
    assert response.topics[0].partitions[0].error_code == error


@pytest.mark.parametrize("version", range(1, 8))
async def test_offsets_of_one_group(node: Node, version: int) -> None:
    await node.ask(offset_commit, commit_request(8), 8)
    request = offset_fetch.OffsetFetchRequest(
        group_id="g",
        topics=[offset_fetch.OffsetFetchRequestTopic(name="t", partition_indexes=[0, 1])],
        require_stable=version >= 7,
    )
    response = await node.ask(offset_fetch, request, version)
    (topic,) = response.topics
    found = [(part.committed_offset, part.metadata, part.error_code) for part in topic.partitions]
    assert found == [(5, "m", 0), (-1, "", 0)]
    if version >= 2:
        request.topics = None
        everything = await node.ask(offset_fetch, request, version)
        assert [part.committed_offset for part in everything.topics[0].partitions] == [5]


@pytest.mark.parametrize("version", [8, 9, 10])
async def test_offsets_of_several_groups(node: Node, version: int) -> None:
    await node.ask(offset_commit, commit_request(8), 8)
    asked = offset_fetch.OffsetFetchRequestTopics(partition_indexes=[0])
    strange = offset_fetch.OffsetFetchRequestTopics(partition_indexes=[0])
    if version >= 10:
        asked.topic_id, strange.topic_id = TOPIC_ID, UNKNOWN_ID
    else:
        asked.name, strange.name = "t", "nope"
    groups = [
        offset_fetch.OffsetFetchRequestGroup(group_id="nobody", topics=[asked]),
        offset_fetch.OffsetFetchRequestGroup(group_id="g", topics=[asked, strange]),
        offset_fetch.OffsetFetchRequestGroup(group_id="g", topics=None),
    ]
    response = await node.ask(offset_fetch, offset_fetch.OffsetFetchRequest(groups=groups), version)
    assert [group.group_id for group in response.groups] == ["nobody", "g", "g"]
    offsets = [
        [[(part.committed_offset, part.error_code) for part in topic.partitions] for topic in group.topics]
        for group in response.groups
    ]
    unknown = ErrorCode.UNKNOWN_TOPIC_ID if version >= 10 else ErrorCode.NONE
    assert offsets == [[[(-1, 0)]], [[(5, 0)], [(-1, unknown)]], [[(5, 0)]]]
    ids = {topic.topic_id for group in response.groups for topic in group.topics}
    assert ids == ({TOPIC_ID, UNKNOWN_ID} if version >= 10 else {ZERO_UUID})
    nothing = await node.ask(offset_fetch, offset_fetch.OffsetFetchRequest(), version)
    assert nothing == offset_fetch.OffsetFetchResponse()


async def test_offsets_of_a_topic_that_is_gone_are_not_told_by_id(node: Node) -> None:
    await node.ask(offset_commit, commit_request(8), 8)
    node.image = Image().apply(topics((OFFSETS_TOPIC, OFFSETS_ID, 4, 1)))
    assert await fetched(node, 9) == {"t": {0: 5}}
    assert await fetched(node, 10) == {}


@pytest.mark.parametrize("version", versions(ApiKey.OFFSET_FETCH))
async def test_where_the_error_of_a_fetch_stands(node: Node, version: int) -> None:
    for partition in range(4):
        node.groups.resigned(partition)
    error = ErrorCode.NOT_COORDINATOR
    if version >= 8:
        groups = [offset_fetch.OffsetFetchRequestGroup(group_id="g", topics=None)]
        response = await node.ask(offset_fetch, offset_fetch.OffsetFetchRequest(groups=groups), version)
        assert [(group.group_id, group.error_code) for group in response.groups] == [("g", error)]
        return
    asked = [offset_fetch.OffsetFetchRequestTopic(name="t", partition_indexes=[0])]
    response = await node.ask(offset_fetch, offset_fetch.OffsetFetchRequest(group_id="g", topics=asked), version)
    if version >= 2:
        assert (response.error_code, response.topics) == (error, [])
    else:
        assert [part.error_code for part in response.topics[0].partitions] == [error]


async def test_offsets_are_deleted_where_nobody_needs_them(node: Node) -> None:
    member_id = await node.stable()
    node.image = node.image.apply(topics(("u", UNKNOWN_ID, 1, 1)))
    for name in ("t", "u"):
        commit = commit_request(8, generation_id_or_member_epoch=1, member_id=member_id)
        commit.topics[0].name = name
        await node.ask(offset_commit, commit, 8)
    request = offset_delete.OffsetDeleteRequest(
        group_id="g",
        topics=[
            offset_delete.OffsetDeleteRequestTopic(
                name=name,
                partitions=[offset_delete.OffsetDeleteRequestPartition(partition_index=index) for index in indexes],
            )
            for name, indexes in (("t", [0]), ("u", [0, 9]), ("nope", [0]))
        ],
    )
    response = await node.ask(offset_delete, request, 0)
    errors = {topic.name: [part.error_code for part in topic.partitions] for topic in response.topics}
    missing = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert errors == {"t": [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC], "u": [ErrorCode.NONE, missing], "nope": [missing]}
    assert await fetched(node, 8) == {"t": {0: 5}}
    request.group_id = "nobody"
    response = await node.ask(offset_delete, request, 0)
    assert (response.error_code, response.topics) == (ErrorCode.GROUP_ID_NOT_FOUND, [])


# -- administration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", versions(ApiKey.LIST_GROUPS))
async def test_groups_are_listed(node: Node, version: int) -> None:
    await node.stable("stable")
    await node.ask(offset_commit, commit_request(8, group_id="simple"), 8)
    request = list_groups.ListGroupsRequest()
    everything = await node.ask(list_groups, request, version)
    assert {(group.group_id, group.protocol_type) for group in everything.groups} == {
        ("stable", "consumer"),
        ("simple", ""),
    }
    if version >= 4:
        request.states_filter = ["empty"]
        found = await node.ask(list_groups, request, version)
        assert [(group.group_id, group.group_state) for group in found.groups] == [("simple", "Empty")]
    if version >= 5:
        request.types_filter = ["share"]
        assert (await node.ask(list_groups, request, version)).groups == []
        assert {group.group_type for group in everything.groups} == {"classic"}


@pytest.mark.parametrize("version", versions(ApiKey.DESCRIBE_GROUPS))
async def test_groups_are_described(node: Node, version: int) -> None:
    member_id = await node.stable()
    request = describe_groups.DescribeGroupsRequest(groups=["nobody", "g"])
    if version >= 3:
        request.include_authorized_operations = True
    nobody, group = (await node.ask(describe_groups, request, version)).groups
    assert nobody.group_state == "Dead"
    assert nobody.error_code == (ErrorCode.GROUP_ID_NOT_FOUND if version >= 6 else ErrorCode.NONE)
    assert nobody.error_message == ("Group nobody not found." if version >= 6 else None)
    assert (group.error_code, group.group_state, group.protocol_type) == (ErrorCode.NONE, "Stable", "consumer")
    assert group.protocol_data == "range"
    assert group.authorized_operations == (3400 if version >= 3 else -(1 << 31))
    (member,) = group.members
    assert (member.member_id, member.client_id, member.client_host) == (member_id, "client", "/127.0.0.1")
    assert (member.member_metadata, member.member_assignment) == (SUBSCRIPTION, b"part")
    assert member.group_instance_id == ("inst" if version >= 4 else None)


@pytest.mark.parametrize("version", versions(ApiKey.DELETE_GROUPS))
async def test_groups_are_deleted(node: Node, version: int) -> None:
    await node.stable("stable")
    await node.ask(offset_commit, commit_request(8), 8)
    request = delete_groups.DeleteGroupsRequest(groups_names=["stable", "g", "nobody", "g"])
    response = await node.ask(delete_groups, request, version)
    assert [(result.group_id, result.error_code) for result in response.results] == [
        ("stable", ErrorCode.NON_EMPTY_GROUP),
        ("g", ErrorCode.NONE),
        ("nobody", ErrorCode.GROUP_ID_NOT_FOUND),
    ]


# -- the coordinator ---------------------------------------------------------------------------------------------------


def found(response: find_coordinator.FindCoordinatorResponse, version: int) -> list[tuple[int, str, int, int]]:
    several = response.coordinators if version >= 4 else [response]
    return [(one.node_id, one.host, one.port, one.error_code) for one in several]


def find_request(version: int, *keys: str, key_type: int = 0) -> find_coordinator.FindCoordinatorRequest:
    request = find_coordinator.FindCoordinatorRequest()
    if version >= 4:
        request.coordinator_keys = list(keys)
    else:
        (request.key,) = keys
    if version >= 1:
        request.key_type = key_type
    return request


@pytest.mark.parametrize("version", versions(ApiKey.FIND_COORDINATOR))
async def test_the_first_request_creates_the_topic_and_has_its_answer(node: Node, version: int) -> None:
    node.image = Image()
    response = await node.ask(find_coordinator, find_request(version, "g"), version)
    assert found(response, version) == [(1, "here", 9092, ErrorCode.NONE)]
    (created,) = node.created
    assert (created.name, created.partition_count, created.replication_factor) == (OFFSETS_TOPIC, 4, 1)
    assert dict(created.configs) == {
        "cleanup.policy": "compact",
        "compression.type": "producer",
        "segment.bytes": str(1 << 20),
    }
    await node.ask(find_coordinator, find_request(version, "g"), version)
    assert len(node.created) == 1


async def test_several_keys_have_several_answers(node: Node) -> None:
    response = await node.ask(find_coordinator, find_request(4, "a", "b", ""), 4)
    assert [one.key for one in response.coordinators] == ["a", "b", ""]
    assert {one.error_message for one in response.coordinators} == {""}


async def test_another_broker_is_named_by_its_listener(node: Node) -> None:
    endpoint = Endpoint("PLAINTEXT", "there", 9093, "PLAINTEXT")
    delta = topics((OFFSETS_TOPIC, OFFSETS_ID, 4, 2))
    delta.brokers[2] = BrokerRecord(2, 1, ZERO_UUID, (endpoint,))
    node.image = Image().apply(delta)
    response = await node.ask(find_coordinator, find_request(4, "g"), 4)
    assert found(response, 4) == [(2, "there", 9093, ErrorCode.NONE)]


@pytest.mark.parametrize("version", [0, 1, 4])
async def test_without_a_leader_there_is_no_coordinator(node: Node, version: int) -> None:
    node.image = Image().apply(topics((OFFSETS_TOPIC, OFFSETS_ID, 4, -1)))
    response = await node.ask(find_coordinator, find_request(version, "g"), version)
    assert found(response, version) == [(-1, "", -1, ErrorCode.COORDINATOR_NOT_AVAILABLE)]


@pytest.mark.parametrize("key_type", [1, 2, 9, -1])
@pytest.mark.parametrize("version", [1, 4])
async def test_nothing_but_groups_has_a_coordinator(node: Node, version: int, key_type: int) -> None:
    response = await node.ask(find_coordinator, find_request(version, "g", key_type=key_type), version)
    assert found(response, version) == [(-1, "", -1, ErrorCode.INVALID_REQUEST)]

"""A group's coordinator made of answers: one member, which leads it and is given what the test says."""

import asyncio

from tests.client.fake import Answer, FakeBroker

from ottla.client import TopicPartition
from ottla.client.protocols import Subscription, decode_subscription, encode_assignment
from ottla.protocol.api_table import ApiKey
from ottla.protocol.message import Message
from ottla.protocol.messages import offset_fetch
from ottla.protocol.messages.fetch import FetchableTopicResponse, FetchRequest, FetchResponse, PartitionData
from ottla.protocol.messages.heartbeat import HeartbeatResponse
from ottla.protocol.messages.join_group import JoinGroupRequest, JoinGroupResponse
from ottla.protocol.messages.leave_group import LeaveGroupResponse
from ottla.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from ottla.protocol.messages.sync_group import SyncGroupResponse
from ottla.record.build import build_batch

FETCH_WAITS_S = 0.02


class Coordinator:
    """Answers for a group and, as the leader of all partitions, fetches; each partition has ``records`` records.

    ``join_codes`` and ``sync_codes`` are what the next ones are refused with, ``heartbeat_code`` what every heartbeat
    says; ``committed`` are the group's offsets.
    """

    def __init__(self, fake: FakeBroker, *, assignor: str = "cooperative-sticky", records: int = 0) -> None:
        self.joins: list[tuple[str, Subscription]] = []
        self.join_codes: list[int] = []
        self.sync_codes: list[int] = []
        self.heartbeat_code = 0
        self.commit_code = 0
        self.assignment: bytes | None = None
        """Sent for the next share in its stead."""
        self.share: list[TopicPartition] = []
        self.committed: dict[TopicPartition, int] = {}
        self.generation = 0
        self.may_join = asyncio.Event()
        self.may_join.set()
        self._members = 0
        self._assignor = assignor
        self._records = records
        fake.handlers |= {
            ApiKey.JOIN_GROUP: self._join,
            ApiKey.SYNC_GROUP: self._sync,
            ApiKey.HEARTBEAT: lambda request, version: HeartbeatResponse(error_code=self.heartbeat_code),
            ApiKey.LEAVE_GROUP: lambda request, version: LeaveGroupResponse(),
            ApiKey.OFFSET_FETCH: self._offsets,
            ApiKey.OFFSET_COMMIT: self._commit,
            ApiKey.FETCH: self._fetch,
        }

    async def _join(self, request: Message, version: int) -> Answer:
        assert isinstance(request, JoinGroupRequest)
        self.joins.append((request.member_id, decode_subscription(request.protocols[0].metadata)))
        await self.may_join.wait()
        if self.join_codes and (code := self.join_codes.pop(0)):
            return JoinGroupResponse(error_code=code)
        self.generation += 1
        self.heartbeat_code = 0
        self._members += not request.member_id
        return JoinGroupResponse(
            generation_id=self.generation,
            protocol_type="consumer",
            protocol_name=self._assignor,
            leader="another",
            member_id=request.member_id or f"member-{self._members}",
        )

    def _sync(self, request: Message, version: int) -> Answer:
        if self.sync_codes and (code := self.sync_codes.pop(0)):
            return SyncGroupResponse(error_code=code)
        assignment, self.assignment = self.assignment, None
        if assignment is None:
            assignment = encode_assignment(self.share)
        return SyncGroupResponse(protocol_type="consumer", protocol_name=self._assignor, assignment=assignment)

    def _offsets(self, request: Message, version: int) -> Answer:
        assert isinstance(request, offset_fetch.OffsetFetchRequest)
        topics = [
            offset_fetch.OffsetFetchResponseTopics(
                name=topic.name,
                partitions=[
                    offset_fetch.OffsetFetchResponsePartitions(
                        partition_index=number,
                        committed_offset=self.committed.get(TopicPartition(topic.name, number), -1),
                    )
                    for number in topic.partition_indexes
                ],
            )
            for topic in request.groups[0].topics or ()
        ]
        group = offset_fetch.OffsetFetchResponseGroup(group_id=request.groups[0].group_id, topics=topics)
        return offset_fetch.OffsetFetchResponse(groups=[group])

    def _commit(self, request: Message, version: int) -> Answer:
        assert isinstance(request, OffsetCommitRequest)
        answered = []
        for topic in request.topics:
            for part in topic.partitions:
                if not self.commit_code:
                    self.committed[TopicPartition(topic.name, part.partition_index)] = part.committed_offset
            parts = [
                OffsetCommitResponsePartition(partition_index=part.partition_index, error_code=self.commit_code)
                for part in topic.partitions
            ]
            answered.append(OffsetCommitResponseTopic(name=topic.name, partitions=parts))
        return OffsetCommitResponse(topics=answered)

    async def _fetch(self, request: Message, version: int) -> Answer:
        assert isinstance(request, FetchRequest)
        topics = [
            FetchableTopicResponse(
                topic=topic.topic,
                partitions=[
                    PartitionData(
                        partition_index=part.partition,
                        high_watermark=self._records,
                        records=_batch(part.fetch_offset, self._records),
                    )
                    for part in topic.partitions
                ],
            )
            for topic in request.topics
        ]
        if not any(part.records for topic in topics for part in topic.partitions):
            await asyncio.sleep(FETCH_WAITS_S)
        return FetchResponse(responses=topics)


def _batch(start: int, end: int) -> bytes:
    """One record: the one at ``start``, if there is one."""
    if start >= end:
        return b""
    return bytes(build_batch([(0, None, b"%d" % start, ())], base_offset=start))

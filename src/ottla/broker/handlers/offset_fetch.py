"""OffsetFetch (9), versions 1-10: how far a group has come, in some partitions or in all that it has committed.

- 2: no topics means all of them, and one error code for the whole; 3: throttle time; 5: leader epochs (KIP-320).
- 6: flexible; 7: offsets of open transactions can be refused (KIP-447); 8: several groups (KIP-709).
- 9: member id and epoch (KIP-848), which classic groups do not look at; 10: topics by id.
"""

from collections.abc import Sequence
from functools import partial

from ottla.broker.context import Deferred, RequestContext
from ottla.coordinator.group.requests import FetchedOffset, FetchResult
from ottla.metadata.image import Image
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import ZERO_UUID, Uuid
from ottla.protocol.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)

ONE_ERROR_FROM_VERSION = 2
SEVERAL_GROUPS_FROM_VERSION = 8
TOPIC_IDS_FROM_VERSION = 10
NO_OFFSET = -1

Asked = Sequence[tuple[str, Uuid, Sequence[int]]]


def handle(request: OffsetFetchRequest, context: RequestContext) -> OffsetFetchResponse | Deferred:
    """Look up what each group has committed."""
    deferred = context.defer(pipelines=True)
    if context.api_version >= SEVERAL_GROUPS_FROM_VERSION:
        _Several(request.groups, deferred, context).ask(require_stable=request.require_stable)
        return deferred
    asked: Asked | None = None
    if request.topics is not None:
        asked = [(topic.name, ZERO_UUID, topic.partition_indexes) for topic in request.topics]
    context.node.groups.fetch_offsets(
        request.group_id,
        asked,
        require_stable=request.require_stable,
        answer=lambda result: deferred.complete(_single(result, asked, context.api_version)),
    )
    return deferred


def _single(result: FetchResult, asked: Asked | None, version: int) -> OffsetFetchResponse:
    """The answer for one group. Version 1 has no error code for the whole, so each partition gets it."""
    if result.error is not ErrorCode.NONE and version >= ONE_ERROR_FROM_VERSION:
        return OffsetFetchResponse(error_code=result.error)
    topics = result.topics
    if result.error is not ErrorCode.NONE:
        topics = tuple(
            (name, tuple(FetchedOffset(partition=index, error=result.error) for index in indexes))
            for name, _, indexes in asked or ()
        )
    return OffsetFetchResponse(
        topics=[
            OffsetFetchResponseTopic(
                name=name,
                partitions=[
                    OffsetFetchResponsePartition(
                        partition_index=found.partition,
                        committed_offset=found.offset,
                        committed_leader_epoch=found.leader_epoch,
                        metadata=found.metadata,
                        error_code=found.error,
                    )
                    for found in partitions
                ],
            )
            for name, partitions in topics
        ]
    )


class _Several:
    """A request for several groups, answered when the last of them is."""

    def __init__(self, groups: list[OffsetFetchRequestGroup], deferred: Deferred, context: RequestContext) -> None:
        self._asked = groups
        self._deferred = deferred
        self._context = context
        self._by_id = context.api_version >= TOPIC_IDS_FROM_VERSION
        self._found: list[OffsetFetchResponseGroup | None] = [None] * len(groups)
        self._missing = len(groups)

    def ask(self, *, require_stable: bool) -> None:
        """Ask the coordinator for each group."""
        if not self._asked:
            self._deferred.complete(OffsetFetchResponse())
        image = self._context.node.image
        for index, group in enumerate(self._asked):
            asked: Asked | None = None
            if group.topics is not None:
                asked = [
                    (self._name(topic, image) or "", topic.topic_id, topic.partition_indexes)
                    for topic in group.topics
                    if self._name(topic, image) is not None
                ]
            self._context.node.groups.fetch_offsets(
                group.group_id, asked, require_stable=require_stable, answer=partial(self._answered, index, image)
            )

    def _name(self, topic: OffsetFetchRequestTopics, image: Image) -> str | None:
        if not self._by_id:
            return topic.name
        found = image.topics_by_id.get(topic.topic_id)
        return None if found is None else found.name

    def _answered(self, index: int, image: Image, result: FetchResult) -> None:
        group = self._asked[index]
        answer = OffsetFetchResponseGroup(group_id=group.group_id, error_code=result.error)
        for name, partitions in result.topics:
            topic = image.topics.get(name)
            if self._by_id and topic is None:
                # All that the group has committed was asked for: what has no id any more cannot be told.
                continue
            answer.topics.append(
                OffsetFetchResponseTopics(
                    name=name,
                    topic_id=topic.id if self._by_id and topic is not None else ZERO_UUID,
                    partitions=[_partition(found) for found in partitions],
                )
            )
        if result.error is ErrorCode.NONE and self._by_id:
            answer.topics += [_unknown(topic) for topic in group.topics or () if self._name(topic, image) is None]
        self._found[index] = answer
        self._missing -= 1
        if not self._missing:
            self._deferred.complete(OffsetFetchResponse(groups=[found for found in self._found if found is not None]))


def _partition(found: FetchedOffset) -> OffsetFetchResponsePartitions:
    return OffsetFetchResponsePartitions(
        partition_index=found.partition,
        committed_offset=found.offset,
        committed_leader_epoch=found.leader_epoch,
        metadata=found.metadata,
        error_code=found.error,
    )


def _unknown(topic: OffsetFetchRequestTopics) -> OffsetFetchResponseTopics:
    return OffsetFetchResponseTopics(
        topic_id=topic.topic_id,
        partitions=[
            OffsetFetchResponsePartitions(
                partition_index=index, committed_offset=NO_OFFSET, error_code=ErrorCode.UNKNOWN_TOPIC_ID
            )
            for index in topic.partition_indexes
        ],
    )

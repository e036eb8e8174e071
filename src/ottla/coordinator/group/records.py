"""What a group coordinator writes to ``__consumer_offsets``, in Kafka's formats (reference section 4.4).

A key begins with the int16 *record type*, a value with the int16 *value version*. Written are OffsetCommit keys with
value version 4 (version 1 when the offset has an expiry of its own, which no later version can say) and GroupMetadata
keys with value version 3, as Kafka 4.2 does; every version that Kafka ever wrote is read. A record type that is not
known here (KIP-848, share and streams groups) is left alone: :func:`decode` returns None and the record stays in the
log.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from ottla.model.errors import CorruptData, MalformedMessage
from ottla.model.ids import ZERO_UUID, Uuid
from ottla.protocol.messages import (
    group_metadata_key,
    group_metadata_value,
    legacy_offset_commit_key,
    legacy_offset_commit_value,
    offset_commit_key,
    offset_commit_value,
)

KeyValue = tuple[bytes, bytes | None]
"""A record's key and value; no value is a tombstone."""

_INT16 = struct.Struct(">h")
_CODEC_ERRORS = (MalformedMessage, struct.error, IndexError, ValueError, OverflowError)

NO_EXPIRY = -1


class RecordType(IntEnum):
    """The record types that the classic group protocol uses."""

    LEGACY_OFFSET_COMMIT = 0
    OFFSET_COMMIT = 1
    GROUP_METADATA = 2


OFFSET_COMMIT_VALUE_VERSION = 4
OFFSET_COMMIT_VALUE_VERSION_WITH_EXPIRY = 1
OFFSET_COMMIT_VALUE_NEWEST = 4
GROUP_METADATA_VALUE_VERSION = 3
GROUP_METADATA_VALUE_NEWEST = 4


class CommittedOffset:
    """Where a group stands in one partition.

    ``leader_epoch`` is -1 when the client gave none, ``expire_timestamp_ms`` :data:`NO_EXPIRY` unless the client asked
    for a retention of its own (OffsetCommit 2-4), ``topic_id`` zero unless the client named the topic by its id.
    """

    __slots__ = ("commit_timestamp_ms", "expire_timestamp_ms", "leader_epoch", "metadata", "offset", "topic_id")

    def __init__(
        self,
        *,
        offset: int,
        leader_epoch: int = -1,
        metadata: str = "",
        commit_timestamp_ms: int,
        expire_timestamp_ms: int = NO_EXPIRY,
        topic_id: Uuid = ZERO_UUID,
    ) -> None:
        self.offset = offset
        self.leader_epoch = leader_epoch
        self.metadata = metadata
        self.commit_timestamp_ms = commit_timestamp_ms
        self.expire_timestamp_ms = expire_timestamp_ms
        self.topic_id = topic_id

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CommittedOffset):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key

    def __repr__(self) -> str:
        return f"CommittedOffset({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


class OffsetCommitted:
    """A group's place in a partition is now ``committed`` (a plain class: there are many of these)."""

    __slots__ = ("committed", "group_id", "partition", "topic")

    def __init__(self, *, group_id: str, topic: str, partition: int, committed: CommittedOffset) -> None:
        self.group_id = group_id
        self.topic = topic
        self.partition = partition
        self.committed = committed

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OffsetCommitted):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key

    def __repr__(self) -> str:
        return f"OffsetCommitted({self.group_id!r}, {self.topic!r}, {self.partition}, {self.committed!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetDeleted:
    """A group has no place in a partition any more."""

    group_id: str
    topic: str
    partition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMember:
    """One member as the log knows it: only the metadata for the generation's protocol."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    subscription: bytes
    assignment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStored:
    """A generation of a classic group, complete; without members, the group is empty.

    ``protocol_type`` is None for a group that never had members, ``state_since_ms`` None where the value version does
    not say when the group came to its state.
    """

    group_id: str
    generation_id: int
    protocol_type: str | None
    protocol: str | None
    leader: str | None
    state_since_ms: int | None
    members: tuple[StoredMember, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDeleted:
    """A group is no more."""

    group_id: str


Record = OffsetCommitted | OffsetDeleted | GroupStored | GroupDeleted


MAX_STRING_BYTES = 2**15 - 1


def string_fits(text: str) -> bool:
    """Whether a string can be written to the log: requests in flexible versions have room for longer ones."""
    return len(text) * 4 <= MAX_STRING_BYTES or len(text.encode()) <= MAX_STRING_BYTES


def encode(record: Record) -> KeyValue:
    """Return the key and the value of ``record`` as they stand in the log."""
    if isinstance(record, OffsetCommitted):
        return _offset_key(record.group_id, record.topic, record.partition), _offset_value(record.committed)
    if isinstance(record, OffsetDeleted):
        return _offset_key(record.group_id, record.topic, record.partition), None
    if isinstance(record, GroupStored):
        return _group_key(record.group_id), _group_value(record)
    assert isinstance(record, GroupDeleted)
    return _group_key(record.group_id), None


def _offset_key(group_id: str, topic: str, partition: int) -> bytes:
    out = bytearray(b"\0\1")
    offset_commit_key.encode(
        offset_commit_key.OffsetCommitKey(group=group_id, topic=topic, partition=partition), 0, out
    )
    return bytes(out)


def _offset_value(committed: CommittedOffset) -> bytes:
    version = (
        OFFSET_COMMIT_VALUE_VERSION
        if committed.expire_timestamp_ms == NO_EXPIRY
        else OFFSET_COMMIT_VALUE_VERSION_WITH_EXPIRY
    )
    out = bytearray(_INT16.pack(version))
    value = offset_commit_value.OffsetCommitValue(
        offset=committed.offset,
        leader_epoch=committed.leader_epoch,
        metadata=committed.metadata,
        commit_timestamp=committed.commit_timestamp_ms,
        expire_timestamp=committed.expire_timestamp_ms,
        topic_id=committed.topic_id,
    )
    offset_commit_value.encode(value, version, out)
    return bytes(out)


def _group_key(group_id: str) -> bytes:
    out = bytearray(b"\0\2")
    group_metadata_key.encode(group_metadata_key.GroupMetadataKey(group=group_id), 0, out)
    return bytes(out)


def _group_value(record: GroupStored) -> bytes:
    out = bytearray(_INT16.pack(GROUP_METADATA_VALUE_VERSION))
    value = group_metadata_value.GroupMetadataValue(
        protocol_type=record.protocol_type or "",
        generation=record.generation_id,
        protocol=record.protocol,
        leader=record.leader,
        current_state_timestamp=-1 if record.state_since_ms is None else record.state_since_ms,
        members=[
            group_metadata_value.MemberMetadata(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                rebalance_timeout=member.rebalance_timeout_ms,
                session_timeout=member.session_timeout_ms,
                subscription=member.subscription,
                assignment=member.assignment,
            )
            for member in record.members
        ],
    )
    group_metadata_value.encode(value, GROUP_METADATA_VALUE_VERSION, out)
    return bytes(out)


def decode(key: bytes, value: bytes | None) -> Record | None:
    """Return what a record of the log says; None for a record type that is not the classic protocol's.

    Raises CorruptData when the bytes are not what their type and version promise, or of a version that no Kafka up to
    4.2 writes.
    """
    try:
        (record_type,) = _INT16.unpack_from(key)
        if record_type in (RecordType.LEGACY_OFFSET_COMMIT, RecordType.OFFSET_COMMIT):
            return _decode_offset(record_type, key, value)
        if record_type == RecordType.GROUP_METADATA:
            group_id = group_metadata_key.decode(key, 2, 0).group
            return GroupDeleted(group_id=group_id) if value is None else _decode_group(group_id, value)
    except _CODEC_ERRORS as error:
        raise CorruptData(f"record of a group coordinator cannot be read: {error}") from error
    return None


def _decode_offset(record_type: int, key: bytes, value: bytes | None) -> Record:
    if record_type == RecordType.OFFSET_COMMIT:
        commit_key = offset_commit_key.decode(key, 2, 0)
        group_id, topic, partition = commit_key.group, commit_key.topic, commit_key.partition
    else:
        legacy_key = legacy_offset_commit_key.decode(key, 2, 0)
        group_id, topic, partition = legacy_key.group, legacy_key.topic, legacy_key.partition
    if value is None:
        return OffsetDeleted(group_id=group_id, topic=topic, partition=partition)
    version = _version(value, newest=OFFSET_COMMIT_VALUE_NEWEST)
    if record_type == RecordType.LEGACY_OFFSET_COMMIT:
        legacy = legacy_offset_commit_value.decode(value, 2, 0)
        committed = CommittedOffset(
            offset=legacy.offset, metadata=legacy.metadata, commit_timestamp_ms=legacy.commit_timestamp
        )
    else:
        stored = offset_commit_value.decode(value, 2, version)
        committed = CommittedOffset(
            offset=stored.offset,
            leader_epoch=stored.leader_epoch,
            metadata=stored.metadata,
            commit_timestamp_ms=stored.commit_timestamp,
            expire_timestamp_ms=stored.expire_timestamp,
            topic_id=stored.topic_id,
        )
    return OffsetCommitted(group_id=group_id, topic=topic, partition=partition, committed=committed)


def _decode_group(group_id: str, value: bytes) -> GroupStored:
    stored = group_metadata_value.decode(value, 2, _version(value, newest=GROUP_METADATA_VALUE_NEWEST))
    since_ms = stored.current_state_timestamp
    return GroupStored(
        group_id=group_id,
        generation_id=stored.generation,
        protocol_type=stored.protocol_type or None,
        protocol=stored.protocol,
        leader=stored.leader,
        state_since_ms=None if since_ms == -1 else since_ms,
        members=tuple(
            StoredMember(
                member_id=member.member_id,
                instance_id=member.group_instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                # Version 0 has no rebalance timeout: the session timeout served as both.
                rebalance_timeout_ms=(
                    member.session_timeout if member.rebalance_timeout == -1 else member.rebalance_timeout
                ),
                session_timeout_ms=member.session_timeout,
                subscription=bytes(member.subscription),
                assignment=bytes(member.assignment),
            )
            for member in stored.members
        ),
    )


def _version(value: bytes, *, newest: int) -> int:
    version: int = _INT16.unpack_from(value)[0]
    if not 0 <= version <= newest:
        raise ValueError(f"value version {version} is not one of 0 to {newest}")
    return version

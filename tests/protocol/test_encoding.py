"""What encoding does with values that a version has no place for, with unknown tags, records and long things."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.protocol import wire
from ottla.protocol.message import Buffer, Records
from ottla.protocol.messages import (
    create_topics,
    fetch,
    find_coordinator,
    heartbeat,
    metadata,
    offset_commit,
    produce,
    share_fetch,
)


def encoded_metadata(message: metadata.MetadataRequest, version: int) -> bytes:
    out = bytearray()
    metadata.encode_request(message, version, out)
    return bytes(out)


def test_a_value_that_may_not_be_dropped_is_refused() -> None:
    with pytest.raises(ValueError, match="validate_only"):
        create_topics.encode_request(create_topics.CreateTopicsRequest(validate_only=True), 0, bytearray())
    with pytest.raises(ValueError, match="key"):
        find_coordinator.encode_request(find_coordinator.FindCoordinatorRequest(key="g"), 4, bytearray())
    with pytest.raises(ValueError, match="group_instance_id"):
        heartbeat.encode_request(heartbeat.HeartbeatRequest(group_instance_id="i"), 2, bytearray())


def test_a_default_where_there_is_no_place_is_fine() -> None:
    create_topics.encode_request(create_topics.CreateTopicsRequest(validate_only=False), 0, bytearray())


def test_an_ignorable_value_is_dropped() -> None:
    message = produce.PartitionProduceResponse(error_message="no", log_start_offset=5)
    response = produce.ProduceResponse(responses=[produce.TopicProduceResponse(partition_responses=[message])])
    out = bytearray()
    produce.encode_response(response, 3, out)
    read = produce.decode_response(out, 0, 3).responses[0].partition_responses[0]
    assert (read.error_message, read.log_start_offset) == (None, -1)


def test_versions_that_only_the_last_kafka_3_had() -> None:
    """OffsetCommit 1 has a commit timestamp for each partition and no retention time."""
    raw = bytes.fromhex(
        "0001 67 00000003 0001 6d 00000001 0001 74 00000001 00000007 0000000000000009 000000000000000a ffff"
    )
    request = offset_commit.decode_request(raw, 0, 1)
    partition = request.topics[0].partitions[0]
    assert (partition.partition_index, partition.committed_offset, partition.commit_timestamp) == (7, 9, 10)
    assert partition.committed_metadata is None
    with pytest.raises(ValueError, match="commit_timestamp"):
        offset_commit.encode_request(request, 2, bytearray())


def test_null_where_the_version_has_none_is_ours_to_avoid() -> None:
    with pytest.raises(AssertionError):
        encoded_metadata(metadata.MetadataRequest(topics=None), 0)
    assert encoded_metadata(metadata.MetadataRequest(topics=None), 1) == b"\xff" * 4


def test_unknown_tags_are_kept_at_every_level() -> None:
    topic = metadata.MetadataRequestTopic(name="t", unknown_tags={3: b"three", 300: b""})
    message = metadata.MetadataRequest(topics=[topic], unknown_tags={1: b"x" * 200})
    raw = encoded_metadata(message, 12)
    read = metadata.decode_request(raw, 0, 12)
    assert read == message
    assert encoded_metadata(read, 12) == raw


def test_unknown_tags_stand_between_known_ones_in_order() -> None:
    message = fetch.FetchRequest(cluster_id="c", unknown_tags={7: b"seven"})
    message.replica_state = fetch.ReplicaState(replica_id=3)
    out = bytearray()
    fetch.encode_request(message, 15, out)
    assert out.endswith(bytes.fromhex("03 00 02 02 63 01 0d 00000003 ffffffffffffffff 00 07 05") + b"seven")
    assert fetch.decode_request(out, 0, 15) == message


def test_a_tagged_struct_with_defaults_only_is_left_out() -> None:
    out = bytearray()
    partition = fetch.PartitionData(current_leader=fetch.LeaderIdAndEpoch())
    fetch.encode_response(
        fetch.FetchResponse(responses=[fetch.FetchableTopicResponse(partitions=[partition])]), 12, out
    )
    read = fetch.decode_response(out, 0, 12).responses[0].partitions[0]
    assert read.current_leader is None


def fetch_response(records: Records | None) -> fetch.FetchResponse:
    partition = fetch.PartitionData(records=records)
    return fetch.FetchResponse(responses=[fetch.FetchableTopicResponse(topic="t", partitions=[partition, partition])])


@pytest.mark.parametrize("version", range(4, 19))
def test_fetched_records_are_not_copied(version: int) -> None:
    first, second = memoryview(bytes(5000)), bytearray(b"ab")
    parts: list[Buffer] = []
    fetch.encode_response_parts(fetch_response([first, second]), version, parts)
    assert sum(part is first for part in parts) == 2
    assert sum(part is second for part in parts) == 2
    out = bytearray()
    fetch.encode_response(fetch_response(bytes(5000) + b"ab"), version, out)
    assert b"".join(parts) == out
    read = fetch.decode_response(out, 0, version).responses[0].partitions[1].records
    assert isinstance(read, memoryview)
    assert read.obj is out
    assert bytes(read) == bytes(5000) + b"ab"


@pytest.mark.parametrize("version", [4, 12])
def test_null_and_empty_records(version: int) -> None:
    for records in (None, b""):
        out = bytearray()
        fetch.encode_response(fetch_response(records), version, out)
        assert fetch.decode_response(out, 0, version).responses[0].partitions[0].records == records


def test_share_fetch_takes_records_in_pieces() -> None:
    partition = share_fetch.PartitionData(records=[b"ab", memoryview(b"cd")])
    topic = share_fetch.ShareFetchableTopicResponse(partitions=[partition])
    out = bytearray()
    share_fetch.encode_response(share_fetch.ShareFetchResponse(responses=[topic]), 1, out)
    assert share_fetch.decode_response(out, 0, 1).responses[0].partitions[0].records == b"abcd"


def test_produced_records_are_views_of_the_frame() -> None:
    partition = produce.PartitionProduceData(records=b"x" * 300)
    request = produce.ProduceRequest(topic_data=[produce.TopicProduceData(name="t", partition_data=[partition])])
    for version in range(3, 14):
        frame = bytearray(b"head")
        produce.encode_request(request, version, frame)
        records = produce.decode_request(frame, 4, version).topic_data[0].partition_data[0].records
        assert isinstance(records, memoryview)
        records[0] = ord("y")
        assert frame.count(b"y" + b"x" * 299) == 1


@pytest.mark.parametrize("version", [3, 4])
def test_a_string_longer_than_kafka_takes_is_refused(version: int) -> None:
    request = heartbeat.HeartbeatRequest(group_id="x" * 0x8000)
    with pytest.raises((ValueError, struct.error)):
        heartbeat.encode_request(request, version, bytearray())


def test_a_message_shows_and_compares_its_fields() -> None:
    message = heartbeat.HeartbeatRequest(group_id="g")
    assert repr(message) == "HeartbeatRequest(group_id='g', generation_id=0, member_id='', group_instance_id=None)"
    assert message == heartbeat.HeartbeatRequest(group_id="g")
    assert message != heartbeat.HeartbeatRequest(group_id="h")
    assert message != heartbeat.HeartbeatResponse()


@given(st.integers(0, 2**32 - 1))
def test_varints_come_back(value: int) -> None:
    raw = wire.uvarint(value)
    assert wire.read_uvarint(raw, 0) == (value, len(raw))
    for size in range(len(raw)):
        with pytest.raises(IndexError):
            wire.read_uvarint(raw[:size], 0)


def test_null_in_a_tagged_struct_is_nought() -> None:
    """Elsewhere a null struct is -1. Bytes from Kafka's own ConsumerGroupMemberMetadataValue."""
    from ottla.protocol.messages import consumer_group_member_metadata_value as value

    head = "0000026302680101ffffffff0001"
    some = value.ClassicMemberMetadata(session_timeout_ms=7)
    for classic, tail in ((None, "000100"), (some, "000701000000070100")):
        message = value.ConsumerGroupMemberMetadataValue(
            instance_id=None,
            rack_id=None,
            client_id="c",
            client_host="h",
            server_assignor=None,
            classic_member_metadata=classic,
        )
        out = bytearray()
        value.encode(message, 0, out)
        assert out.hex() == head + tail
        assert value.decode(bytes(out), 0, 0) == message

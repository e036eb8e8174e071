"""``ottla log dump``: what Kafka's DumpLogSegments says, decoded internal topics, and damage with its position."""

import json
import os
import re
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.commands import Ottla
from tests.cli.segments import NOW_MS, make_internal, make_partition, make_transactions

from ottla.cli.dump.internal import TOPICS, decoder_for
from ottla.cli.dump.segment import segment_entries
from ottla.cli.main import main
from ottla.coordinator.group import records as group_records
from ottla.model.ids import uuid_to_text
from ottla.protocol.messages import (
    consumer_group_member_metadata_key,
    consumer_group_member_metadata_value,
    consumer_protocol_assignment,
    consumer_protocol_subscription,
    share_snapshot_key,
    share_snapshot_value,
    transaction_log_key,
    transaction_log_value,
)
from ottla.record.batch import ATTRIBUTES_OFFSET
from ottla.record.build import build_batch
from ottla.record.crc import crc32c

LIBS = os.environ.get("OTTLA_KAFKA_LIBS") or str(Path(__file__).parents[2] / ".kafka" / "libs")
NOBODY = Ottla()

Entry = dict[str, Any]
Dump = Callable[..., tuple[int, list[Entry], list[str]]]


@pytest.fixture
def dump(capsys: pytest.CaptureFixture[str]) -> Dump:
    """Dump files as JSON: exit code, entries, complaints. In this process: it needs no broker."""

    def run(*arguments: str | Path) -> tuple[int, list[Entry], list[str]]:
        code = main(["log", "dump", "--json", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err.splitlines()

    return run


# -- as Kafka's own tool has it --------------------------------------------------------------------------------------


def kafka_facts(output: str) -> Iterator[tuple[str, dict[str, str]]]:
    """File by file, what each line of DumpLogSegments says, by name."""
    file = ""
    for line in output.splitlines():
        if line.startswith("Dumping "):
            file = line.removeprefix("Dumping ")
        elif ": " in line and not line.startswith("Log starting offset"):
            line, _, payload = line.partition(" payload: ")
            facts = dict(re.findall(r"(\w+): (\[.*?\]|\S+)", line))
            yield file, facts | ({"payload": payload} if payload else {})


def our_facts(entry: Entry) -> dict[str, str] | None:
    """The same of an entry of ours."""
    kind = entry["type"]
    if kind == "batch":
        time_name = "CreateTime" if entry["timestamp_type"] == "create_time" else "LogAppendTime"
        horizon = entry["delete_horizon_ms"]
        facts = {
            "baseOffset": entry["base_offset"],
            "lastOffset": entry["last_offset"],
            "count": entry["count"],
            "baseSequence": entry["base_sequence"],
            "lastSequence": entry["last_sequence"],
            "producerId": entry["producer_id"],
            "producerEpoch": entry["producer_epoch"],
            "partitionLeaderEpoch": entry["leader_epoch"],
            "isTransactional": entry["is_transactional"],
            "isControl": entry["is_control"],
            "deleteHorizonMs": "OptionalLong.empty" if horizon is None else f"OptionalLong[{horizon}]",
            "position": entry["position"],
            time_name: entry["max_timestamp_ms"],
            "size": entry["size_bytes"],
            "magic": entry["magic"],
            "compresscodec": entry["codec"],
            "crc": entry["crc"],
            "isvalid": entry["crc_ok"],
        }
    elif kind == "index_entry":
        facts = {"offset": entry["offset"], "position": entry["position"]}
    elif kind == "time_index_entry":
        facts = {"timestamp": entry["timestamp_ms"], "offset": entry["offset"]}
    elif kind == "producer":
        first = entry["current_txn_first_offset"]
        facts = {
            "producerId": entry["producer_id"],
            "producerEpoch": entry["producer_epoch"],
            "coordinatorEpoch": -1 if entry["coordinator_epoch"] is None else entry["coordinator_epoch"],
            "currentTxnFirstOffset": "OptionalLong.empty" if first is None else f"OptionalLong[{first}]",
            "lastTimestamp": entry["last_timestamp_ms"],
            "lastSequence": entry["last_sequence"],
            "lastOffset": entry["last_offset"],
            "offsetDelta": entry["offset_delta"],
        }
    elif kind == "aborted_transaction":
        facts = {
            "version": entry["version"],
            "producerId": entry["producer_id"],
            "firstOffset": entry["first_offset"],
            "lastOffset": entry["last_offset"],
            "lastStableOffset": entry["last_stable_offset"],
        }
    elif kind == "record":
        facts = {"offset": entry["offset"], "headerKeys": f"[{','.join(one['key'] for one in entry['headers'])}]"}
        if "control" in entry:
            facts["endTxnMarker"] = entry["control"]["type"].upper()
            facts["coordinatorEpoch"] = entry["control"]["coordinator_epoch"]
        else:
            facts["keySize"] = -1 if entry["key"] is None else len(entry["key"].encode())
            facts["valueSize"] = -1 if entry["value"] is None else len(entry["value"].encode())
            facts |= {kafkas: entry[ours] for kafkas, ours in (("key", "key"), ("payload", "value")) if entry[ours]}
    else:
        return None
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in facts.items()}


def dump_log_segments(files: list[Path], *options: str) -> str:
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBS}/*", "kafka.tools.DumpLogSegments", *options]
    done = subprocess.run(
        [*command, "--files", ",".join(map(str, files))], capture_output=True, text=True, timeout=90, check=True
    )
    return done.stdout


@pytest.mark.java
@pytest.mark.skipif(not Path(LIBS).is_dir(), reason="Apache Kafka's jars are not there: make clients")
def test_it_says_what_kafkas_tool_says(tmp_path: Path, dump: Dump) -> None:
    folders = [make_partition(tmp_path), make_transactions(tmp_path)]
    suffixes = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
    files = [one for folder in folders for one in sorted(folder.iterdir()) if one.suffix in suffixes]
    code, entries, complaints = dump("--records", *files)
    assert (code, complaints) == (0, [])
    theirs = list(kafka_facts(dump_log_segments(files, "--deep-iteration", "--print-data-log")))
    ours = [(entry["file"], facts) for entry in entries if (facts := our_facts(entry)) is not None]
    assert len(ours) > 150
    assert len(theirs) == len(ours)
    for (their_file, their_facts), (our_file, facts) in zip(theirs, ours, strict=True):
        assert their_file == our_file
        assert {name: their_facts.get(name) for name in facts} == facts
    kinds = {entry["type"] for entry in entries}
    assert {"batch", "record", "index_entry", "time_index_entry", "producer", "aborted_transaction"} <= kinds


# -- what is in a folder ---------------------------------------------------------------------------------------------


def test_a_folder_is_dumped_whole(tmp_path: Path, dump: Dump) -> None:
    folder = make_partition(tmp_path)
    code, entries, complaints = dump(folder)
    assert (code, complaints) == (0, [])
    kinds = {entry["type"] for entry in entries}
    assert kinds == {"batch", "index_entry", "time_index_entry", "producer", "leader_epoch", "property"}
    batches = [entry for entry in entries if entry["type"] == "batch"]
    assert len(batches) == 40
    assert {entry["codec"] for entry in batches} == {"none", "gzip", "snappy", "lz4", "zstd"}
    assert [(one["epoch"], one["start_offset"]) for one in entries if one["type"] == "leader_epoch"] == [
        (0, 0),
        (1, 60),
    ]
    assert {"name": "topic_id", "value": uuid_to_text(bytes(range(16)))}.items() <= entries[-1].items()


def test_for_people(tmp_path: Path) -> None:
    folder = make_transactions(tmp_path)
    table = NOBODY.well("log", "dump", str(folder)).lines()
    assert table[0] == f"{folder}/{0:020}.log: segment, {(folder / f'{0:020}.log').stat().st_size} B"
    assert table[1].split() == [
        "OFFSETS",
        "RECORDS",
        "POSITION",
        "BYTES",
        "CODEC",
        "LAST",
        "TIME",
        "EPOCH",
        "PRODUCER",
        "FLAGS",
    ]
    assert table[2].split()[:5] == ["0-1", "2", "0", table[2].split()[3], "none"]
    assert "9 epoch 0 seq 0-1" in table[2]
    assert table[3].endswith("transactional, control")
    records = NOBODY.well("log", "dump", "--records", str(folder / f"{0:020}.log")).lines()
    assert records[2].split(maxsplit=2) == [
        "0",
        "2026-01-01T00:00:00.000Z",
        "key=key  value=value ö  headers=[h=\\xff\\x00, n=null]",
    ]
    assert records[3].endswith("key=null  value=null")
    assert records[5].endswith("control type=commit coordinator_epoch=12")


def test_small_files(tmp_path: Path, dump: Dump) -> None:
    (tmp_path / "recovery-point-offset-checkpoint").write_text("0\n2\norders 0 12\na-b 3 4\n")
    (tmp_path / "meta.properties").write_text("#\nversion=1\nnode.id=1\ncluster.id=a\\:b\n")
    (tmp_path / ".kafka_cleanshutdown").write_text('{"version":0,"brokerEpoch":7}')
    code, entries, complaints = dump(tmp_path)
    assert (code, complaints) == (0, [])
    assert [(one["topic"], one["partition"], one["offset"]) for one in entries if one["type"] == "offset"] == [
        ("orders", 0, 12),
        ("a-b", 3, 4),
    ]
    properties = {one["name"]: one["value"] for one in entries if one["type"] == "property"}
    assert properties["cluster.id"] == "a:b"
    assert properties["brokerEpoch"] == "7"


def test_what_cannot_be_dumped(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    for path, message in (
        (tmp_path, "has no files to dump"),
        (tmp_path / "notes.txt", "is no file that can be dumped; known are *.log"),
        (tmp_path / "gone.log", "does not exist"),
    ):
        result = NOBODY("log", "dump", str(path))
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert message in result.err
    (tmp_path / "x.index").write_bytes(bytes(8))
    assert NOBODY("log", "dump", str(tmp_path / "x.index")).code == 2


# -- internal topics -------------------------------------------------------------------------------------------------


def subscription() -> bytes:
    out = bytearray(b"\0\3")
    consumer_protocol_subscription.encode(
        consumer_protocol_subscription.ConsumerProtocolSubscription(topics=["orders"]), 3, out
    )
    return bytes(out)


def assignment() -> bytes:
    out = bytearray(b"\0\0")
    consumer_protocol_assignment.encode(
        consumer_protocol_assignment.ConsumerProtocolAssignment(
            assigned_partitions=[consumer_protocol_assignment.TopicPartition(topic="orders", partitions=[0, 1])]
        ),
        0,
        out,
    )
    return bytes(out)


def consumer_offsets() -> list[tuple[bytes, bytes | None]]:
    commit = group_records.CommittedOffset(offset=42, leader_epoch=3, metadata="m", commit_timestamp_ms=NOW_MS)
    member = group_records.StoredMember(
        member_id="m-1",
        instance_id=None,
        client_id="c",
        client_host="/127.0.0.1",
        rebalance_timeout_ms=1,
        session_timeout_ms=2,
        subscription=subscription(),
        assignment=assignment(),
    )
    key = consumer_group_member_metadata_key.ConsumerGroupMemberMetadataKey(group_id="new", member_id="m-2")
    value = consumer_group_member_metadata_value.ConsumerGroupMemberMetadataValue(
        client_id="c2", client_host="h", subscribed_topic_names=["orders"]
    )
    return [
        group_records.encode(
            group_records.OffsetCommitted(group_id="billing", topic="orders", partition=1, committed=commit)
        ),
        group_records.encode(
            group_records.GroupStored(
                group_id="billing",
                generation_id=5,
                protocol_type="consumer",
                protocol="range",
                leader="m-1",
                state_since_ms=NOW_MS,
                members=(member,),
            )
        ),
        group_records.encode(group_records.OffsetDeleted(group_id="billing", topic="orders", partition=0)),
        group_records.encode(group_records.GroupDeleted(group_id="billing")),
        (
            struct.pack(">h", 5) + encoded_body(consumer_group_member_metadata_key, key, 0),
            struct.pack(">h", 0) + encoded_body(consumer_group_member_metadata_value, value, 0),
        ),
    ]


def encoded_body(module: Any, message: Any, version: int) -> bytes:
    out = bytearray()
    module.encode(message, version, out)
    return bytes(out)


def decoded(dump: Dump, segment: Path, *options: str) -> list[Entry]:
    code, entries, complaints = dump("--records", segment, *options)
    assert (code, complaints) == (0, [])
    return [entry["decoded"] for entry in entries if "decoded" in entry]


def test_consumer_offsets_are_decoded(tmp_path: Path, dump: Dump) -> None:
    segment = make_internal(tmp_path, "__consumer_offsets", consumer_offsets())
    committed, stored, forgotten, deleted, joined = decoded(dump, segment)
    assert (committed["type"], committed["name"], committed["version"]) == (1, "offset_commit", 4)
    assert committed["key"] == {"group": "billing", "topic": "orders", "partition": 1}
    assert committed["value"]["offset"] == 42
    (member,) = stored["value"]["members"]
    assert member["subscription"]["topics"] == ["orders"]
    assert member["assignment"]["assigned_partitions"] == [{"topic": "orders", "partitions": [0, 1]}]
    assert (forgotten["name"], forgotten["value"]) == ("offset_commit", None)
    assert (deleted["name"], deleted["key"], deleted["value"]) == ("group_metadata", {"group": "billing"}, None)
    assert (joined["name"], joined["value"]["client_id"]) == ("consumer_group_member_metadata", "c2")
    moved = tmp_path / f"{0:020}.log"
    segment.rename(moved)
    assert decoded(dump, moved) == []
    assert len(decoded(dump, moved, "--topic", "__consumer_offsets")) == 5


def test_internal_topics_for_people(tmp_path: Path) -> None:
    segment = make_internal(tmp_path, "__consumer_offsets", consumer_offsets())
    lines = NOBODY.well("log", "dump", "--records", str(segment)).lines()
    assert lines[2].endswith(
        "offset_commit  group=billing topic=orders partition=1  "
        "offset=42 leader_epoch=3 metadata=m commit_timestamp=2026-01-01T00:00:00.000Z"
    )
    assert lines[4].endswith("offset_commit  group=billing topic=orders partition=0  deleted")


def test_transactions_and_share_groups_are_decoded(tmp_path: Path, dump: Dump) -> None:
    transaction = transaction_log_value.TransactionLogValue(
        producer_id=3,
        producer_epoch=1,
        transaction_timeout_ms=60_000,
        transaction_status=1,
        transaction_partitions=[transaction_log_value.PartitionsSchema(topic="orders", partition_ids=[0, 2])],
        transaction_last_update_timestamp_ms=NOW_MS,
        transaction_start_timestamp_ms=NOW_MS,
    )
    key = transaction_log_key.TransactionLogKey(transactional_id="tx")
    segment = make_internal(
        tmp_path,
        "__transaction_state",
        [
            (
                b"\0\0" + encoded_body(transaction_log_key, key, 0),
                b"\0\0" + encoded_body(transaction_log_value, transaction, 0),
            )
        ],
    )
    (found,) = decoded(dump, segment)
    assert found["key"] == {"transactional_id": "tx"}
    assert found["value"]["transaction_partitions"] == [{"topic": "orders", "partition_ids": [0, 2]}]
    share_key = share_snapshot_key.ShareSnapshotKey(group_id="s", topic_id=bytes(range(16)), partition=1)
    share = share_snapshot_value.ShareSnapshotValue(snapshot_epoch=1, state_epoch=2, leader_epoch=3, start_offset=4)
    segment = make_internal(
        tmp_path,
        "__share_group_state",
        [
            (
                b"\0\0" + encoded_body(share_snapshot_key, share_key, 0),
                b"\0\0" + encoded_body(share_snapshot_value, share, 0),
            )
        ],
    )
    (found,) = decoded(dump, segment)
    assert found["key"] == {"group_id": "s", "topic_id": uuid_to_text(bytes(range(16))), "partition": 1}
    assert found["value"]["start_offset"] == 4


@settings(max_examples=60)
@given(st.binary(max_size=30), st.one_of(st.none(), st.binary(max_size=30)))
def test_records_that_are_none_of_a_coordinator_do_no_harm(key: bytes, value: bytes | None) -> None:
    for topic in TOPICS:
        decoder = decoder_for(topic)
        assert decoder is not None
        json.dumps(decoder(b"\0\1" + key, value))
        json.dumps(decoder(key, value))


# -- damage ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path) -> tuple[Path, list[int]]:
    """A segment of three batches, and where each begins."""
    data, positions = bytearray(), []
    for number in range(3):
        positions.append(len(data))
        data += build_batch([(NOW_MS, b"k", b"v" * 50, [])] * 2, base_offset=2 * number, codec=number)
    path = tmp_path / f"{0:020}.log"
    path.write_bytes(data)
    return path, positions


def damage(path: Path, position: int, data: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[position : position + len(data)] = data
    path.write_bytes(content)


def problems(entries: list[Entry]) -> list[tuple[int, str]]:
    return [(entry["position"], entry["message"]) for entry in entries if entry["type"] == "problem"]


def test_a_changed_byte_is_found_and_the_rest_is_read(three: tuple[Path, list[int]], dump: Dump) -> None:
    path, positions = three
    damage(path, positions[1] + 70, b"\xff")
    code, entries, complaints = dump("--records", path)
    assert code == 1
    ((position, message),) = problems(entries)
    assert position == positions[1]
    assert "CRC" in message
    assert complaints == [f"ottla: {path} at {position}: {message}"]
    assert [entry["crc_ok"] for entry in entries if entry["type"] == "batch"] == [True, False, True]
    assert [entry["offset"] for entry in entries if entry["type"] == "record"] == [0, 1, 4, 5]


def test_a_torn_tail(three: tuple[Path, list[int]], dump: Dump) -> None:
    path, positions = three
    size = path.stat().st_size
    for cut in (size - 1, positions[2] + 61, positions[2] + 20, positions[2] + 5):
        path.write_bytes(path.read_bytes()[:cut])
        code, entries, _ = dump(path)
        assert code == 1
        ((position, message),) = problems(entries)
        assert position == positions[2]
        assert "cut off" in message
        assert len([entry for entry in entries if entry["type"] == "batch"]) == 2


@pytest.mark.parametrize(
    ("at", "data", "message"),
    [
        (8, b"\0\0\0\3", "a batch of 3 bytes"),
        (8, b"\x7f\xff\xff\xff", "cut off: the batch here should have 2147483659 bytes"),
        (16, b"\7", "a batch of magic 7"),
        (8, b"\xff\xff\xff\xff", "a batch of -1 bytes"),
    ],
)
def test_bytes_that_are_no_batch(three: tuple[Path, list[int]], dump: Dump, at: int, data: bytes, message: str) -> None:
    path, positions = three
    damage(path, positions[1] + at, data)
    code, entries, _ = dump(path)
    assert code == 1
    ((position, found),) = problems(entries)
    assert position == positions[1]
    assert message in found
    assert "from here on cannot be read" in found


def test_offsets_that_go_back(tmp_path: Path, dump: Dump) -> None:
    path = tmp_path / f"{10:020}.log"
    batches = [build_batch([(NOW_MS, None, b"v", [])], base_offset=offset) for offset in (10, 12, 11, 13)]
    path.write_bytes(b"".join(batches))
    _, entries, _ = dump(path)
    ((position, message),) = problems(entries)
    assert position == 2 * len(batches[0])
    assert message == "the batch has offsets 11 to 11, which do not follow 12"
    path.rename(tmp_path / f"{11:020}.log")
    _, entries, _ = dump(tmp_path / f"{11:020}.log")
    assert problems(entries)[0] == (0, "the batch has offsets 10 to 10, which do not follow 10")


def test_records_that_cannot_be_read(tmp_path: Path, dump: Dump) -> None:
    batch = build_batch([(NOW_MS, b"k", b"v" * 9, [])] * 3)
    batch[57:61] = struct.pack(">i", 9)  # says that there are nine
    batch[17:21] = struct.pack(">I", crc32c(memoryview(batch)[ATTRIBUTES_OFFSET:]))
    path = tmp_path / f"{0:020}.log"
    path.write_bytes(batch)
    assert dump(path)[0] == 0
    code, entries, _ = dump("--records", path)
    assert code == 1
    ((position, message),) = problems(entries)
    assert (position, message.startswith("record 4 of the batch cannot be read")) == (0, True)


def test_room_that_is_preallocated_is_no_damage(three: tuple[Path, list[int]], dump: Dump) -> None:
    path, _ = three
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + bytes(5000))
    code, entries, _ = dump(path)
    assert code == 0
    assert entries[-1] == {
        "file": str(path),
        "type": "note",
        "position": size,
        "message": "5000 bytes are preallocated and empty",
    }


def test_an_index_that_does_not_fit_its_segment(tmp_path: Path, dump: Dump) -> None:
    folder = make_partition(tmp_path)
    index, times = folder / f"{0:020}.index", folder / f"{0:020}.timeindex"
    assert dump(index, times)[0] == 0
    good = index.read_bytes()
    for at, data, message in (
        (4, struct.pack(">I", 1), "has no batch at 1"),
        (0, struct.pack(">I", 1), "ends with offset"),
        (8, struct.pack(">II", 0, 0), "does not come after"),
        (4, struct.pack(">I", 1 << 30), "lies behind the end"),
    ):
        index.write_bytes(good)
        damage(index, at, data)
        code, entries, _ = dump(index)
        assert code == 1
        assert any(message in found for _, found in problems(entries)), (message, problems(entries))
    index.write_bytes(good + b"\1\2\3")
    assert problems(dump(index)[1]) == [(len(good), "3 bytes are left over: an entry has 8 bytes")]
    index.write_bytes(good + bytes(8 * 100))
    code, entries, _ = dump(index)
    assert (code, entries[-1]["message"]) == (0, "100 entries are preallocated and empty")
    damage(times, 0, struct.pack(">q", 5))
    code, entries, _ = dump(times)
    assert code == 1
    assert problems(entries)[0][1].endswith("not 5")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("leader-epoch-checkpoint", b"0\n2\n0 0\n", "says it has 2 entries and has 1"),
        ("leader-epoch-checkpoint", b"0\n1\nx 0\n", "invalid literal"),
        ("recovery-point-offset-checkpoint", b"9\n0\n", "version 9"),
        ("partition.metadata", b"version: 0\n", "it names no topic id"),
        ("meta.properties", b"node.id=1\n", "which version"),
        (f"{5:020}.snapshot", b"\0\1" + bytes(8), "wrong CRC"),
        (f"{5:020}.txnindex", bytes(33), "33 bytes are left over"),
        (".kafka_cleanshutdown", b"{", "no JSON"),
    ],
)
def test_small_files_that_are_damaged(tmp_path: Path, dump: Dump, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    code, entries, complaints = dump(tmp_path / name)
    assert code == 1
    assert len(complaints) == 1
    assert message in problems(entries)[0][1]


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_no_damage_makes_it_fail(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever stands in the file, each byte is accounted for: by batches and problems, in order."""
    content = bytearray()
    for number in range(3):
        content += build_batch([(NOW_MS, b"k", b"v" * 9, [])] * 2, base_offset=2 * number, codec=number)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damage") / f"{0:020}.log"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    entries = list(segment_entries(path, 0, with_records=True, decoder=None, on_progress=lambda _: None))
    json.dumps(entries)
    read = sum(entry["size_bytes"] for entry in entries if entry["type"] == "batch")
    ends = [entry for entry in entries if "from here on" in entry.get("message", "")]
    assert read == path.stat().st_size or (ends and ends[0]["position"] == read) or entries[-1]["type"] == "note"

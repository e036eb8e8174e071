"""Produce (0): versions, acks, and every lie that a batch can tell (reference 4.3)."""

from typing import Any

from tests.harness import batches
from tests.harness.batches import Entry
from tests.twin.peer import Peer

SETTINGS: dict[str, object] = {"log.segment.bytes": 2 << 20, "message.max.bytes": 1_000_000}


def _entries(peer: Peer, count: int = 2, **more: Any) -> list[Entry]:
    return [
        Entry(key=b"k%d" % number, value=b"v%d" % number, timestamp=peer.t0_ms + number, **more)
        for number in range(count)
    ]


def _body(topic: str, records: bytes | None, *, partition: int = 0, acks: int = -1, **more: Any) -> dict[str, Any]:
    return {
        "transactional_id": None,
        "acks": acks,
        "timeout_ms": 5000,
        "topic_data": [{"name": topic, "partition_data": [{"index": partition, "records": records}]}],
        **more,
    }


def _fetch(peer: Peer, topic: str, note: str = "", *, offset: int = 0) -> None:
    peer.call(
        "Fetch",
        11,
        min_bytes=0,
        topics=[{"topic": topic, "partitions": [{"fetch_offset": offset, "partition_max_bytes": 1 << 20}]}],
        note=f"what is in the log after {note}" if note else "what is in the log",
    )


def every_version(peer: Peer) -> None:
    topic_id = peer.create_topic("versions")
    for version in range(3, 13):
        peer.call("Produce", version, **_body("versions", batches.batch(_entries(peer))))
    body = _body("", batches.batch(_entries(peer)))
    body["topic_data"][0]["topic_id"] = topic_id
    peer.call("Produce", 13, **body)
    _fetch(peer, "versions", offset=20)


def acks(peer: Peer) -> None:
    peer.create_topic("acks")
    peer.call("Produce", 9, **_body("acks", batches.batch(_entries(peer)), acks=1))
    peer.call_without_answer("Produce", 9, **_body("acks", batches.batch(_entries(peer)), acks=0))
    peer.call("Produce", 9, **_body("acks", batches.batch(_entries(peer)), acks=2))
    peer.call("Produce", 9, **_body("acks", batches.batch(_entries(peer)), acks=-2))
    peer.call_without_answer("Produce", 9, **_body("nowhere", batches.batch(_entries(peer)), acks=0), note="error")
    peer.call("Produce", 9, **_body("acks", batches.batch(_entries(peer)), timeout_ms=0), note="no time")


def unknown_places(peer: Peer) -> None:
    peer.create_topic("place")
    for version in (3, 9, 12):
        peer.call("Produce", version, **_body("nowhere", batches.batch(_entries(peer))))
        peer.call("Produce", version, **_body("place", batches.batch(_entries(peer)), partition=1))
        peer.call("Produce", version, **_body("place", batches.batch(_entries(peer)), partition=-1))
    peer.call("Produce", 9, **_body("b ad", batches.batch(_entries(peer))), note="bad name")
    body = _body("", batches.batch(_entries(peer)))
    body["topic_data"][0]["topic_id"] = b"u" * 16
    peer.call("Produce", 13, **body, note="unknown id")
    peer.call("Produce", 13, **_body("", batches.batch(_entries(peer))), note="no id")
    peer.call("Produce", 9, **_body("place", None), note="null records")
    peer.call("Produce", 9, **_body("place", b""), note="empty records")
    peer.call("Produce", 9, acks=-1, timeout_ms=1000, note="no topics")
    peer.call("Produce", 9, acks=-1, timeout_ms=1000, topic_data=[{"name": "place"}], note="no partitions")


def several_partitions(peer: Peer) -> None:
    peer.create_topic("several", partitions=3)
    good = batches.batch(_entries(peer))
    parts = [{"index": index, "records": good} for index in (0, 2, 5)]
    peer.call("Produce", 9, acks=-1, timeout_ms=1000, topic_data=[{"name": "several", "partition_data": parts}])
    other = batches.batch([Entry(key=b"other", value=b"batch", timestamp=peer.t0_ms)])
    twice = [{"index": 1, "records": good}, {"index": 1, "records": other}]
    peer.call(
        "Produce", 9, acks=-1, timeout_ms=1000, topic_data=[{"name": "several", "partition_data": twice}], note="twice"
    )
    peer.call(
        "Fetch",
        11,
        min_bytes=0,
        topics=[{"topic": "several", "partitions": [{"partition": 1, "partition_max_bytes": 1 << 20}]}],
        note="what is in the log after twice",
    )
    peer.call(
        "Produce",
        9,
        acks=-1,
        timeout_ms=1000,
        topic_data=[
            {"name": "several", "partition_data": [{"index": 0, "records": good}]},
            {"name": "nowhere", "partition_data": [{"index": 0, "records": good}]},
        ],
        note="good and bad topic",
    )


def codecs(peer: Peer) -> None:
    for codec, name in enumerate(("none", "gzip", "snappy", "lz4", "zstd")):
        peer.create_topic(f"codec-{name}")
        peer.call("Produce", 7, **_body(f"codec-{name}", batches.batch(_entries(peer, 20), codec=codec)), note=name)
        _fetch(peer, f"codec-{name}")
    peer.call("Produce", 6, **_body("codec-zstd", batches.batch(_entries(peer), codec=4)), note="zstd before 7")
    peer.call("Produce", 3, **_body("codec-zstd", batches.batch(_entries(peer), codec=4)), note="zstd in 3")


def recompressed(peer: Peer) -> None:
    peer.create_topic("to-gzip", compression_type="gzip")
    peer.create_topic("to-zstd", compression_type="zstd")
    peer.create_topic("to-plain", compression_type="uncompressed")
    for topic in ("to-gzip", "to-zstd", "to-plain"):
        for codec in (0, 1, 3):
            peer.call(
                "Produce", 7, **_body(topic, batches.batch(_entries(peer, 3), codec=codec)), note=f"codec {codec}"
            )
        _fetch(peer, topic)


def kinds_of_records(peer: Peer) -> None:
    peer.create_topic("kinds")
    entries = [
        Entry(key=None, value=None, timestamp=peer.t0_ms),
        Entry(key=b"", value=b"", timestamp=peer.t0_ms + 5),
        Entry(key=b"k", value=b"v", timestamp=peer.t0_ms + 3, headers=[("h", b"1"), ("h", None), ("", b"")]),
    ]
    peer.call("Produce", 9, **_body("kinds", batches.batch(entries)))
    late = [Entry(value=b"v", timestamp=-1)]
    peer.call("Produce", 9, **_body("kinds", batches.batch(late)), note="no timestamp")
    huge = [Entry(value=b"v" * 100_000, timestamp=peer.t0_ms)]
    peer.call("Produce", 9, **_body("kinds", batches.batch(huge)), note="100 kB")
    _fetch(peer, "kinds")


def lying_headers(peer: Peer) -> None:
    lies: dict[str, dict[str, Any]] = {
        "wrong CRC": {"crc": 1},
        "length too long": {"length": 500},
        "length too short": {"length": 60},
        "length below the header": {"length": 20},
        "length 0": {"length": 0},
        "negative length": {"length": -5},
        "magic 3": {"magic": 3},
        "magic 1 over a batch": {"magic": 1},
        "magic 0 over a batch": {"magic": 0},
        "negative magic": {"magic": -1},
        "base offset 7": {"base_offset": 7},
        "count 3 of 2": {"count": 3},
        "count 1 of 2": {"count": 1},
        "count 0": {"count": 0},
        "negative count": {"count": -1},
        "last offset delta 5": {"last_offset_delta": 5},
        "negative last offset delta": {"last_offset_delta": -1},
        "count and delta of 3": {"count": 3, "last_offset_delta": 2},
        "count and delta of 1": {"count": 1, "last_offset_delta": 0},
        "control": {"attributes": 0x20},
        "transactional": {"attributes": 0x10},
        "transactional control": {"attributes": 0x30},
        "LogAppendTime": {"attributes": 0x08},
        "codec 5": {"attributes": 5},
        "codec 7": {"attributes": 7},
        "gzip that is none": {"attributes": 1},
        "snappy that is none": {"attributes": 2},
        "lz4 that is none": {"attributes": 3},
        "zstd that is none": {"attributes": 4},
        "delete horizon": {"attributes": 0x40},
        "unused attribute bits": {"attributes": 0x80},
        "producer without sequence": {"producer_id": 4242, "producer_epoch": 0},
        "producer without epoch": {"producer_id": 4242, "base_sequence": 0},
        "sequence without producer": {"base_sequence": 0},
        "max timestamp too high": {"max_timestamp": peer.t0_ms + 999},
        "max timestamp -1": {"max_timestamp": -1},
        "leader epoch 9": {"leader_epoch": 9},
    }
    for number, (note, lie) in enumerate(lies.items()):
        peer.create_topic(f"lie-{number}")
        peer.call("Produce", 9, **_body(f"lie-{number}", batches.batch(_entries(peer), **lie)), note=note)
        _fetch(peer, f"lie-{number}", note)


def lying_payloads(peer: Peer) -> None:
    whole = batches.batch(_entries(peer))
    raw = whole[batches.HEADER_SIZE :]
    cases: dict[str, bytes] = {
        "half a header": whole[:30],
        "cut by one byte": whole[:-1],
        "one byte more": whole + b"x",
        "two batches": whole + batches.batch(_entries(peer)),
        "nothing in the batch": batches.batch([], payload=b""),
        "no payload": batches.batch(_entries(peer), payload=b""),
        "payload cut": batches.batch(_entries(peer), payload=raw[:-3]),
        "payload with more": batches.batch(_entries(peer), payload=raw + b"\0\0\0"),
        "record length lies": batches.batch(_entries(peer), payload=b"\x7f" + raw[1:]),
        "negative record length": batches.batch(_entries(peer), payload=b"\x01" + raw[1:]),
        "record attributes": batches.batch(_entries(peer), payload=raw[:1] + b"\x01" + raw[2:]),
        "offset deltas swapped": batches.batch(
            _entries(peer),
            payload=b"".join(
                batches.record(entry, timestamp_delta=0, offset_delta=delta)
                for entry, delta in zip(_entries(peer), (1, 0), strict=True)
            ),
        ),
        "offset deltas twice": batches.batch(
            _entries(peer),
            payload=b"".join(batches.record(entry, timestamp_delta=0, offset_delta=0) for entry in _entries(peer)),
        ),
        "compressed cut": batches.batch(_entries(peer, 50), codec=1, payload=batches.compressed(1, raw * 25)[:-10]),
        "compressed empty": batches.batch(_entries(peer), codec=1, payload=batches.compressed(1, b"")),
        "compressed count too low": batches.batch(
            _entries(peer), codec=1, count=1, last_offset_delta=0, payload=batches.compressed(1, raw)
        ),
        "compressed count too high": batches.batch(
            _entries(peer), codec=4, count=3, last_offset_delta=2, payload=batches.compressed(4, raw)
        ),
        "garbage": b"not a batch at all, but long enough for a header: " * 3,
        "zeros": bytes(100),
    }
    for number, (note, data) in enumerate(cases.items()):
        peer.create_topic(f"payload-{number}")
        peer.call("Produce", 9, **_body(f"payload-{number}", data), note=note)
        _fetch(peer, f"payload-{number}", note)


def sizes(peer: Peer) -> None:
    peer.create_topic("small", max_message_bytes=1000)
    for size in (900, 932, 933, 934, 2000):
        entries = [Entry(value=b"x" * (size - 61 - 8), timestamp=peer.t0_ms)]
        peer.call("Produce", 9, **_body("small", batches.batch(entries)), note=f"about {size}")
    for size in (1000, 1001):
        value = b"x" * (size - 61 - 9)
        data = batches.batch([Entry(value=value, timestamp=peer.t0_ms)])
        peer.call("Produce", 9, **_body("small", data), note=f"exactly {len(data)}")
    packed = batches.batch([Entry(value=b"x" * 5000, timestamp=peer.t0_ms)], codec=1)
    peer.call("Produce", 9, **_body("small", packed), note="5000 bytes packed small")
    peer.create_topic("tiny-segments", segment_bytes=1 << 20, max_message_bytes=3 << 20)
    large = batches.batch([Entry(value=b"x" * (1 << 20), timestamp=peer.t0_ms)])
    peer.call("Produce", 9, **_body("tiny-segments", large), note="larger than a segment")


def timestamps(peer: Peer) -> None:
    bounds = {"message_timestamp_before_max_ms": 10_800_000, "message_timestamp_after_max_ms": 3_600_000}
    peer.create_topic("bounded", **bounds)
    hour = 3_600_000
    for note, stamps in {
        "now": [0],
        "too early": [-2 * hour],
        "too late": [4 * hour],
        "one of three": [0, 4 * hour, 1],
        "two of three": [-2 * hour, 0, 4 * hour],
        "none": [-1 - peer.t0_ms],
    }.items():
        entries = [Entry(value=b"v", timestamp=peer.t0_ms + stamp) for stamp in stamps]
        for version in (7, 8):
            peer.call("Produce", version, **_body("bounded", batches.batch(entries)), note=note)
        peer.call("Produce", 9, **_body("bounded", batches.batch(entries, codec=1)), note=f"{note}, gzip")
    peer.create_topic("append-time", message_timestamp_type="LogAppendTime")
    entries = [Entry(value=b"v", timestamp=peer.t0_ms + stamp) for stamp in (5, 3)]
    for codec in (0, 1):
        peer.call("Produce", 9, **_body("append-time", batches.batch(entries, codec=codec)))
    peer.call("Produce", 9, **_body("append-time", batches.batch(entries, attributes=8)), note="told by the client")
    _fetch(peer, "append-time")


def compacted(peer: Peer) -> None:
    peer.create_topic("compacted", cleanup_policy="compact")
    keyed = _entries(peer)
    mixed = [keyed[0], Entry(value=b"v", timestamp=peer.t0_ms), keyed[1], Entry(value=None, timestamp=peer.t0_ms)]
    for version in (3, 7, 8, 12):
        peer.call("Produce", version, **_body("compacted", batches.batch(keyed)), note="with keys")
        peer.call("Produce", version, **_body("compacted", batches.batch(mixed)), note="some without")
    peer.call("Produce", 9, **_body("compacted", batches.batch(mixed, codec=1)), note="some without, gzip")
    empty = [Entry(key=b"", value=b"v", timestamp=peer.t0_ms)]
    peer.call("Produce", 9, **_body("compacted", batches.batch(empty)), note="empty key")


def transactional_ids(peer: Peer) -> None:
    peer.create_topic("plain")
    peer.call("Produce", 9, **_body("plain", batches.batch(_entries(peer)), transactional_id="t"), note="plain batch")

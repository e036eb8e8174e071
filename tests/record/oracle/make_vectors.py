"""Write ``vectors.json``: questions to Kafka's record classes, and what they answered.

Run it when a case is added, with the folder of Kafka's jars as argument and the package on the path::

    python -m tests.record.oracle.make_vectors <jars>
"""

import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from struct import Struct
from typing import Any

from tests.record.oracle.oracle import JsonObject, ask

from ottla.record.batch import HEADER, HEADER_SIZE
from ottla.record.build import RecordTuple, build_batch
from ottla.record.compress import Codec, compress
from ottla.record.crc import crc32c
from ottla.record.varint import varint

NOW = 1_700_000_000_000
HOUR = 3_600_000
LONG_TEXT = b"the quick brown fox jumps over the lazy dog " * 4

PLAIN: list[JsonObject] = [
    {"timestamp": NOW, "key": b"key".hex(), "value": b"value".hex()},
    {"timestamp": NOW + 1, "key": None, "value": b"no key".hex()},
    {"timestamp": NOW - 70000, "key": b"tombstone".hex(), "value": None},
    {"timestamp": NOW + 5, "key": "", "value": ""},
    {"timestamp": NOW + 3, "key": None, "value": None},
]
WITH_HEADERS: list[JsonObject] = [
    {"timestamp": NOW, "key": None, "value": LONG_TEXT.hex(), "headers": [["a", "31"], ["a", None], ["", ""]]},
    {"timestamp": NOW + 9 * 10**9, "key": LONG_TEXT.hex(), "value": "78", "headers": [["h" * 70, LONG_TEXT.hex()]]},
]
TUPLES: list[RecordTuple] = [
    (NOW, b"key", b"value", []),
    (NOW + 1, None, LONG_TEXT, [("a", b"1"), ("b", None)]),
    (NOW + 2, b"", None, []),
]


def build_questions() -> Iterator[tuple[str, JsonObject]]:
    """What Kafka builds."""
    for codec in Codec:
        yield f"plain {codec.name}", {"codec": codec, "records": PLAIN}
        yield f"headers {codec.name}", {"codec": codec, "records": WITH_HEADERS}
        many = [{"timestamp": NOW + n, "key": b"%d".hex(), "value": (b"v" * (n % 90)).hex()} for n in range(80)]
        yield f"many {codec.name}", {"codec": codec, "records": many, "base_offset": 10**12}
    for number, level in ((1, 1), (1, 9), (3, 1), (3, 17), (4, -5), (4, 12)):
        yield f"level {level} of codec {number}", {"codec": number, "level": level, "records": WITH_HEADERS}
    producer = {"producer_id": 2**40, "producer_epoch": 3, "base_sequence": 2**31 - 3, "leader_epoch": 9}
    yield "producer", {"records": PLAIN, **producer}
    yield "transactional", {"records": PLAIN, **producer, "transactional": True, "codec": 1}
    yield "append time", {"records": PLAIN, "append_time": True, "append_time_ms": NOW + 77}
    spread = [{**PLAIN[n], "offset": 100 + n * 1000} for n in range(3)]
    yield "gaps", {"records": spread, "base_offset": 90, "last_offset": 5000}
    yield "horizon", {"records": PLAIN, "horizon_ms": NOW + HOUR}
    control = [{"timestamp": NOW, "key": "00000001", "value": "000000000005"}]
    markers = {"control": True, "transactional": True, "producer_id": 7, "producer_epoch": 1}
    yield "commit marker", {"records": control, **markers}
    yield "no timestamp", {"records": [{"timestamp": -1, "key": None, "value": "00"}]}
    legacy = [{key: value for key, value in record.items() if key != "headers"} for record in PLAIN]
    for magic, number in product((0, 1), (0, 1, 2, 3)):
        records = [{**record, "timestamp": -1} for record in legacy] if magic == 0 else legacy
        yield f"magic {magic} codec {number}", {"magic": magic, "codec": number, "records": records, "base_offset": 500}
    yield (
        "magic 1 append time",
        {"magic": 1, "codec": 1, "records": legacy, "append_time": True, "append_time_ms": NOW + 5},
    )
    yield (
        "magic 1 gaps",
        {"magic": 1, "codec": 3, "records": [{**legacy[n], "offset": 70 + n * 9} for n in range(4)], "base_offset": 70},
    )


def our_batches() -> Iterator[tuple[str, bytes]]:
    """What we build."""
    for codec in Codec:
        yield f"ours {codec.name}", bytes(build_batch(TUPLES, codec=codec))
        if codec:
            big: list[RecordTuple] = [(NOW + n, b"%d" % n, LONG_TEXT[n % 100 :] * 200, []) for n in range(3)]
            yield f"ours, larger, {codec.name}", bytes(build_batch(big, codec=codec))
    for number, level in ((1, 9), (3, 1), (3, 12), (4, 19)):
        yield f"ours, codec {number}, level {level}", bytes(build_batch(TUPLES, codec=number, level=level))


def craft(batch: bytes | bytearray, payload: bytes | None = None, **fields: int) -> bytes:
    """Return the batch with other header fields or records, and the CRC that fits them."""
    names = (
        "base_offset", "length", "leader_epoch", "magic", "crc", "attributes", "last_offset_delta", "base_timestamp",
        "max_timestamp", "producer_id", "producer_epoch", "base_sequence", "count",
    )  # fmt: skip
    values = dict(zip(names, HEADER.unpack_from(batch), strict=True))
    body = bytes(batch[HEADER_SIZE:]) if payload is None else payload
    values["length"] = HEADER_SIZE + len(body) - 12
    values.update(fields)
    out = bytearray(HEADER.pack(*values.values()) + body)
    if "crc" not in fields:
        Struct(">I").pack_into(out, 17, crc32c(memoryview(out)[21:]))
    return bytes(out)


def record(
    *, timestamp_delta: int = 0, offset_delta: int = 0, key: int = -1, value: int = -1, headers: bytes = b"\x00",
    length: int | None = None, tail: bytes = b"", attributes: int = 0,
) -> bytes:  # fmt: skip
    """Return a record of zero bytes whose fields may lie."""
    body = bytes((attributes,)) + varint(timestamp_delta) + varint(offset_delta)
    body += varint(key) + bytes(max(key, 0)) + varint(value) + bytes(max(value, 0)) + headers + tail
    return varint(len(body) if length is None else length) + body


def bad_batches() -> Iterator[tuple[str, bytes, JsonObject]]:
    """Batches that a client may send, with what differs from the usual in the topic's settings and the request."""
    good = bytes(build_batch(TUPLES))
    one = bytes(build_batch(TUPLES[:1]))
    none: JsonObject = {}
    by_append_time: JsonObject = {"message.timestamp.type": "LogAppendTime"}
    young: JsonObject = {"message.timestamp.before.max.ms": 5000}
    yield "good", good, none
    yield "nothing", b"", none
    yield "cut off", good[:-1], none
    yield "only a header", good[:61], none
    yield "two batches", good + good, none
    yield "part of a second batch", good + good[:40], none
    yield "rubbish behind the batch", good + b"\xff" * 5, none
    yield "zeros behind the batch", good + bytes(30), none
    yield "an absurd length behind the batch", good + bytes(8) + b"\x7f\xff\xff\xff" + bytes(8), none
    for length in (-1, 0, 13, 14, 20, 48, 49, 2**31 - 1):
        yield f"length {length}", craft(good, length=length), none
    for magic in (0, 1, 3, -1, 127):
        yield f"magic {magic}", craft(good, magic=magic), none
    yield "wrong CRC", craft(good, crc=1), none
    yield "base offset 1", craft(good, base_offset=1), none
    yield "base offset -1", craft(good, base_offset=-1), none
    yield "wrong CRC and base offset", craft(good, crc=1, base_offset=1), none
    for count, last in ((0, -1), (0, 0), (-1, -2), (2, 1), (4, 3), (3, 1), (3, 3), (2**31 - 1, 2**31 - 2), (1, 0)):
        yield f"count {count}, last offset delta {last}", craft(good, count=count, last_offset_delta=last), none
    yield "count 2 of 1", craft(one, count=2, last_offset_delta=1), none
    yield "no records", craft(good, b"", count=0, last_offset_delta=0), none
    for bit in (3, 4, 5, 6, 7, 8, 15):
        batch = craft(good, attributes=1 << bit if bit < 15 else -(1 << 15))
        yield f"attribute bit {bit}", batch, none
        yield f"attribute bit {bit}, append time", batch, {"settings": by_append_time}
    yield "append time without a time", craft(good, attributes=8, max_timestamp=-1), none
    for codec in (1, 2, 3, 4, 5, 6, 7):
        yield f"not codec {codec}", craft(good, attributes=codec), none
        yield f"codec {codec} of nothing", craft(good, b"", attributes=codec), none
    for codec in (1, 2, 3, 4):
        packed = compress(codec, good[61:])
        yield f"codec {codec}", craft(good, packed, attributes=codec), none
        yield f"codec {codec} cut off", craft(good, packed[:-3], attributes=codec), none
        yield f"codec {codec} with a tail", craft(good, packed + b"tail", attributes=codec), none
        twice = compress(codec, good[61:80]) + compress(codec, good[80:])
        yield f"codec {codec} twice", craft(good, twice, attributes=codec), none
        yield f"codec {codec} count", craft(good, packed, attributes=codec, count=2, last_offset_delta=1), none
        yield f"codec {codec} count 4", craft(good, packed, attributes=codec, count=4, last_offset_delta=3), none
        shuffled = record() + record(offset_delta=5) + record(offset_delta=-1)
        yield f"codec {codec} offsets", craft(good, compress(codec, shuffled), attributes=codec), none
        yield f"codec {codec} bit 6", craft(good, packed, attributes=codec | 64), none
        transactional = codec | 64 | 16
        yield f"codec {codec} rewritten, bit 6", craft(good, compress(codec, shuffled), attributes=transactional), none
        for target in ("uncompressed", "gzip", "snappy", "lz4", "zstd"):
            other: JsonObject = {"settings": {"compression.type": target}}
            yield f"codec {codec} to {target}", craft(good, packed, attributes=codec), other
    yield "uncompressed to gzip", good, {"settings": {"compression.type": "gzip", "compression.gzip.level": 1}}
    produced = craft(good, producer_id=5, producer_epoch=1, base_sequence=3, attributes=16)
    yield "producer, rewritten", produced, {"settings": {"compression.type": "zstd"}}
    yield "append time, rewritten", good, {"settings": {"compression.type": "zstd", **by_append_time}}
    yield "append time", good, {"settings": by_append_time}
    for version in (3, 6, 7):
        yield f"zstd in version {version}", bytes(build_batch(TUPLES, codec=4)), {"produce_version": version}
    yield "producer without sequence", craft(good, producer_id=5, producer_epoch=0, base_sequence=-1), none
    yield "producer -5", craft(good, producer_id=-5, base_sequence=-7), none
    yield "sequence without producer", craft(good, base_sequence=5), none
    yield "transactional, no producer", craft(good, attributes=16), none
    yield "leader epoch", craft(good, leader_epoch=99), none
    small = {"settings": {"max.message.bytes": len(good) - 1}}
    yield "too large", good, small
    yield "too large and wrong CRC", craft(good, crc=1), small
    yield "too large and control", craft(good, attributes=32), small
    yield "just not too large", good, {"settings": {"max.message.bytes": len(good)}}
    incompressible = bytes(build_batch([(NOW, None, bytes(range(256)), [])]))
    limit = {"max.message.bytes": len(incompressible), "compression.type": "gzip"}
    yield "too large when written again", incompressible, {"settings": limit}
    yield "no key, compacted", good, {"settings": {"cleanup.policy": "compact"}}
    yield "no key, compacted and deleted", good, {"settings": {"cleanup.policy": "compact,delete"}}
    yield "keys, compacted", one, {"settings": {"cleanup.policy": "compact"}}
    late = bytes(build_batch([(NOW, None, b"", []), (NOW + HOUR + 1, None, b"", []), (NOW + HOUR, None, b"", [])]))
    past: list[RecordTuple] = [
        (NOW, b"", b"", []),
        (NOW - 5001, None, b"", []),
        (NOW - 5000, None, b"", []),
        (-1, None, b"", []),
    ]
    early = bytes(build_batch(past))
    yield "late", late, none
    yield "late, append time", late, {"settings": by_append_time}
    yield "late, compacted", late, {"settings": {"cleanup.policy": "compact"}}
    yield "early, no limit", early, none
    yield "early", early, {"settings": young}
    yield "early, gzip", bytes(build_batch([(NOW - 5001, b"", b"", [])], codec=1)), {"settings": young}
    yield "max timestamp too small", craft(good, max_timestamp=NOW - 1), none
    yield "max timestamp too large", craft(good, max_timestamp=NOW + 10), none
    yield "max timestamp far too large", craft(good, max_timestamp=NOW + HOUR + 1), none
    yield "max timestamp -1", craft(good, max_timestamp=-1), none
    yield "negative timestamps", bytes(build_batch([(-5, None, b"", []), (-1, None, b"", [])])), none
    yield "absurd timestamps", craft(good, base_timestamp=2**63 - 1, max_timestamp=2**63 - 1), none
    yield "absurdly old timestamps", craft(good, base_timestamp=-(2**63), max_timestamp=-(2**63)), none
    for name, body in bad_records():
        count = 2 if name.startswith("two") else 1
        header = {"count": count, "last_offset_delta": count - 1, "base_timestamp": NOW, "max_timestamp": NOW}
        yield f"record: {name}", craft(good, body, **header), none
        yield f"gzip record: {name}", craft(good, compress(1, body), attributes=1, **header), none


def bad_records() -> Iterator[tuple[str, bytes]]:
    """Records, right and wrong."""
    yield "good", record(key=1, value=1)
    yield "attributes", record(attributes=-1 & 0xFF)
    yield "length too small", record(key=3, length=5)
    yield "length too large", record(key=3, length=50)
    yield "length negative", record(length=-1)
    yield "length zero", record(length=0)
    yield "tail", record(tail=b"\x00")
    yield "key of -2", record(key=-2)
    yield "value of -9", record(value=-9)
    yield "headers -1", record(headers=varint(-1))
    yield "headers 1, none there", record(headers=varint(1))
    yield "headers 2000000", record(headers=varint(2_000_000))
    yield "header with a null key", record(headers=varint(1) + varint(-1) + varint(-1))
    yield "header with a negative value", record(headers=varint(1) + varint(0) + varint(-2))
    yield "header", record(headers=varint(1) + varint(1) + b"h" + varint(-1))
    yield "header key that is not utf-8", record(headers=varint(1) + varint(1) + b"\xff" + varint(-1))
    yield "header key too long", record(headers=varint(1) + varint(9) + b"h" + varint(-1))
    yield "key too long", b"\x0e\x00\x00\x00\x40\x01\x01\x00"
    yield "offset delta 3", record(offset_delta=3)
    yield "offset delta -3", record(offset_delta=-3)
    yield "timestamp delta", record(timestamp_delta=-1)
    yield "varint of five bytes", b"\x8c\x80\x80\x80\x00" + record()[1:]
    yield "varint of six bytes", b"\x8c\x80\x80\x80\x80\x00" + record()[1:]
    yield "varint beyond 32 bits", b"\x8c\x80\x80\x80\x70" + record()[1:]
    yield "key length in five bytes", varint(11) + b"\x00\x00\x00\x82\x80\x80\x80\x00k\x01\x00"
    yield "varlong of ten bytes", varint(15) + b"\x00" + b"\x80" * 9 + b"\x00" + b"\x00\x01\x01\x00"
    yield "varlong of eleven bytes", varint(16) + b"\x00" + b"\x80" * 10 + b"\x00" + b"\x00\x01\x01\x00"
    yield "two, the second cut off", record() + record(offset_delta=1, key=3)[:-2]
    yield "two, good", record() + record(offset_delta=1, key=3)
    yield "two, offsets the wrong way", record(offset_delta=1) + record()
    yield "two, offsets alike", record() + record()


def filter_questions(built: dict[str, str]) -> Iterator[tuple[str, JsonObject]]:
    """Filters of batches that Kafka built."""
    base = {"now_ms": NOW + 1000, "delete_retention_ms": 86_400_000}
    offsets = list(range(5))
    cases: list[tuple[str, list[int]]] = [
        *((f"plain {codec.name}", offsets) for codec in Codec),
        ("producer", offsets),
        ("transactional", offsets),
        ("append time", offsets),
        ("horizon", offsets),
        ("headers NONE", offsets[:2]),
        ("gaps", [100, 1100, 2100]),
        *((f"magic {magic} codec {codec}", [500 + n for n in offsets]) for magic, codec in product((0, 1), (0, 1, 3))),
        ("magic 1 append time", offsets),
        ("magic 1 gaps", [70, 79, 88, 97]),
        ("commit marker", [0]),
    ]
    for name, every in cases:
        for kept in {tuple(every), tuple(every[:2]), tuple(every[1:2]), tuple(every[1:]), tuple(every[2:3]), ()}:
            for retention in ("DELETE", "DELETE_EMPTY", "RETAIN_EMPTY"):
                if retention == "DELETE" and kept != tuple(every):
                    continue
                if retention == "RETAIN_EMPTY" and (kept or name.startswith("magic")):
                    continue
                question = {"batch": built[name], "keep": list(kept), "retention": retention, **base}
                yield f"{name}: keep {list(kept)}, {retention}", question
        if not name.startswith("magic"):
            marker = {"retention": "DELETE_EMPTY", "marker": True}
            yield f"{name}: marker", {"batch": built[name], "keep": every, **marker, **base}


def main() -> None:
    """Ask everything, twice because some questions are about answers, and write it down."""
    jars = Path(sys.argv[1])
    questions: list[tuple[str, str, JsonObject]] = [("build", name, q) for name, q in build_questions()]
    questions += [("read", name, {"batch": batch.hex()}) for name, batch in our_batches()]
    questions += [
        ("append", name, {"batch": batch.hex(), "now_ms": NOW, **more}) for name, batch, more in bad_batches()
    ]
    answers = ask(jars, [{**q, "op": op} for op, _, q in questions])
    built = {name: a["batch"] for (op, name, _), a in zip(questions, answers, strict=True) if op == "build"}
    second: list[tuple[str, str, JsonObject]] = [("read", name, {"batch": batch}) for name, batch in built.items()]
    second += [("filter", name, q) for name, q in filter_questions(built)]
    answers += ask(jars, [{**q, "op": op} for op, _, q in second])
    vectors: dict[str, list[Any]] = {"build": [], "read": [], "append": [], "filter": []}
    for (op, name, question), answer in zip(questions + second, answers, strict=True):
        if op == "filter" or (op == "read" and name in built):
            question = {key: value for key, value in question.items() if key != "batch"}
            question["built"] = name.partition(":")[0]
        vectors[op].append({"name": name, "question": question, "answer": answer})
    lines = [f'"{op}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]" for op, cases in vectors.items()]
    Path(__file__).with_name("vectors.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()

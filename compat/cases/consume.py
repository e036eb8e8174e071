"""What the reference wrote, a client reads as it was written."""

import time
from collections.abc import Sequence

from compat.case import Case, Context
from compat.cases.data import Read, Wanted, check_same, now_ms, numbered, numbers, parsed
from compat.cases.produce import LIMIT_BYTES
from compat.reference import CODECS


def consume(
    context: Context, topic: str, count: int, *, start: object = "beginning", partition: int = 0, timeout_s: float = 20
) -> list[Read]:
    """Let the client read; each record is where it should be, in order."""
    answer = context.driver().call(
        "consume", topic=topic, partition=partition, start=start, count=count, timeout_s=timeout_s
    )
    found = parsed(answer["records"])
    assert len(found) <= count, f"{len(found)} records where {count} were asked for"
    assert all((record.topic, record.partition) == (topic, partition) for record in found)
    offsets = [record.offset for record in found]
    assert offsets == sorted(set(offsets)), f"offsets are not in order: {offsets[:20]}"
    return found


def read(context: Context, records: Sequence[Wanted], *, codec: str = "none", timeout_s: float = 20) -> None:
    """The reference writes, the client reads."""
    topic = context.topic()
    offsets = context.reference.write(topic, [each.entry() for each in records], codec=codec)
    found = consume(context, topic, len(records), timeout_s=timeout_s)
    check_same(found, records, "the client")
    assert [record.offset for record in found] == offsets


def _codec(codec: str) -> Case:
    def run(context: Context) -> None:
        read(context, numbered(0, 300, size_bytes=200), codec=codec)

    return Case(id=f"consume/{codec}", title=f"codec {codec}", run=run)


def headers(context: Context) -> None:
    """Order, any bytes, more than ASCII."""
    plain = Wanted(value=b"1", headers=(("a", b"1"), ("b", b"\x00\xff\n\t"), ("\u00fc\u4f60", "\u00fc".encode())))
    read(context, [plain, Wanted(value=b"2")])


def repeated_headers(context: Context) -> None:
    """One name twice."""
    read(context, [Wanted(value=b"1", headers=(("a", b"1"), ("b", b"2"), ("a", b"3")))])


def null_headers(context: Context) -> None:
    """Empty and null are two things."""
    read(context, [Wanted(value=b"1", headers=(("empty", b""), ("null", None), ("last", b"x")))])


def timestamps(context: Context) -> None:
    """The sender's times."""
    now = now_ms()
    read(context, [Wanted(value=b"%d" % each, timestamp=now + each) for each in (0, -3_600_000, 60_000, -1)])


def append_time(context: Context) -> None:
    """The broker's time, where the topic says so."""
    topic = context.topic(configs={"message.timestamp.type": "LogAppendTime"})
    before = now_ms()
    sent = before - 5000
    entries = [Wanted(value=b"%d" % number, timestamp=sent).entry() for number in range(3)]
    context.reference.write(topic, entries)
    found = consume(context, topic, 3)
    assert numbers(found) == [0, 1, 2]
    for record in found:
        near = record.timestamp is not None and before - 1000 <= record.timestamp <= now_ms() + 1000
        assert near, "the sender's timestamp, not the broker's" if record.timestamp == sent else f"{record.timestamp}"


def nulls(context: Context) -> None:
    """Null and empty, keys and values."""
    read(
        context,
        [
            Wanted(key=None, value=b"1"),
            Wanted(key=b"", value=b"2"),
            Wanted(key=b"k", value=None),
            Wanted(key=b"k", value=b""),
            Wanted(key=None, value=None),
        ],
    )


def empty(context: Context) -> None:
    """Records of no bytes."""
    read(context, [Wanted(value=b""), Wanted(key=b"", value=b""), Wanted(value=b"x")])


def binary(context: Context) -> None:
    """Every byte there is."""
    every = bytes(range(256))
    read(context, [Wanted(key=every, value=every * 40), Wanted(value=b"\n"), Wanted(value=b"\r\n\x00")])


def near_limit(context: Context) -> None:
    """The largest batch there can be, and one behind it: more than a client's default for one answer."""
    topic = context.topic()
    records = [Wanted(value=b"x" * (LIMIT_BYTES - 200)), Wanted(value=b"after")]
    for record in records:
        context.reference.write(topic, [record.entry()])
    check_same(consume(context, topic, 2, timeout_s=40), records, "the client")


def from_offset(context: Context) -> None:
    """In the middle of a batch."""
    topic = context.topic()
    for start in (0, 50):
        context.reference.write(topic, [each.entry() for each in numbered(start, start + 50)], codec="gzip")
    assert numbers(consume(context, topic, 63, start=37)) == list(range(37, 100))


def from_end(context: Context) -> None:
    """Only what comes after it began."""
    topic = context.topic()
    context.reference.write(topic, [each.entry() for each in numbered(0, 10)])
    request = {"topic": topic, "partition": 0, "start": "end", "count": 3}
    pending = context.driver().start("consume", timeout_s=30, **request)
    written = 10
    deadline = time.monotonic() + 30
    while not pending.arrived() and time.monotonic() < deadline:
        context.reference.write(topic, [each.entry() for each in numbered(written, written + 1)])
        written += 1
        time.sleep(0.1)
    found = numbers(parsed(pending.result()["records"]))
    assert len(found) == 3, f"{len(found)} records from the end"
    assert found[0] >= 10, f"record {found[0]} had been written before"
    assert found == list(range(found[0], found[0] + 3))


def deleted(context: Context) -> None:
    """From an offset that DeleteRecords made the first."""
    topic = context.topic()
    context.reference.write(topic, [each.entry() for each in numbered(0, 20)])
    context.reference.delete_records(topic, before=12)
    assert numbers(consume(context, topic, 8)) == list(range(12, 20))


def watermarks(context: Context) -> None:
    """First and next offset."""
    topic = context.topic()
    context.reference.write(topic, [each.entry() for each in numbered(0, 20)])
    context.reference.delete_records(topic, before=5)
    found = context.driver().call("watermarks", topic=topic, partition=0)
    assert (found["beginning"], found["end"]) == (5, 20), found


def _timed(context: Context) -> tuple[str, int]:
    topic = context.topic()
    first = now_ms() - 1_000_000
    for start in range(0, 40, 10):
        records = [Wanted(value=b"%d" % n, timestamp=first + n * 1000).entry() for n in range(start, start + 10)]
        context.reference.write(topic, records)
    return topic, first


def offset_for_time(context: Context) -> None:
    """An exact time, one between two records, one before and one after all."""
    topic, first = _timed(context)
    for stamp, offset in ((first + 25_000, 25), (first + 24_001, 25), (first - 60_000, 0)):
        found = context.driver().call("offset_for_time", topic=topic, partition=0, time=stamp)
        assert found["offset"] == offset, f"offset {found['offset']} for the time of {offset}"
    late = context.driver().call("offset_for_time", topic=topic, partition=0, time=first + 10_000_000)
    assert late["offset"] in (None, -1, 40), f"offset {late['offset']} for a time after all records"


def seek_by_time(context: Context) -> None:
    """Search, seek, read."""
    topic, first = _timed(context)
    assert numbers(consume(context, topic, 17, start={"time": first + 22_500})) == list(range(23, 40))


CASES = (
    *(_codec(codec) for codec in CODECS),
    Case(id="consume/headers", title="headers", run=headers),
    Case(id="consume/repeated-headers", title="one header name twice", run=repeated_headers),
    Case(id="consume/null-headers", title="empty and null header values", run=null_headers),
    Case(id="consume/timestamps", title="timestamps", run=timestamps),
    Case(id="consume/append-time", title="the broker's timestamps", run=append_time),
    Case(id="consume/nulls", title="null and empty keys and values", run=nulls),
    Case(id="consume/empty", title="records of 0 bytes", run=empty),
    Case(id="consume/binary", title="any bytes", run=binary),
    Case(id="consume/near-limit", title="batches just under message.max.bytes", run=near_limit),
    Case(id="consume/from-offset", title="from an offset inside a batch", run=from_offset),
    Case(id="consume/from-end", title="from the end", run=from_end),
    Case(id="consume/deleted", title="after the first records were deleted", run=deleted),
    Case(id="consume/watermarks", title="first and next offset", run=watermarks),
    Case(id="consume/offset-for-time", title="offset by time", run=offset_for_time),
    Case(id="consume/seek-by-time", title="seek by time", run=seek_by_time),
)

"""What a client writes stands in the log as it was meant; the reference reads it there."""

from collections.abc import Callable, Sequence
from typing import Any

from compat.case import Case, Context
from compat.cases.data import Wanted, check_same, now_ms, number_of, numbered, numbers
from compat.driver import DriverError, Json
from compat.reference import CODECS, Stored
from tests.harness.waiting import eventually

LIMIT_BYTES = 1_048_588
"""Kafka's default of message.max.bytes: what a whole batch may have."""


def refusal(action: Callable[[], object]) -> DriverError | None:
    """What the client reports of an action, None when it succeeds."""
    try:
        action()
    except DriverError as error:
        return error
    return None


def produced(context: Context, topic: str, records: Sequence[Wanted], **options: Any) -> Json:
    """Let the client write and check the number of answers."""
    answer = context.driver().call("produce", topic=topic, records=[each.json() for each in records], **options)
    offsets = answer["offsets"]
    assert len(offsets) == len(records), f"{len(offsets)} answers for {len(records)} records"
    return answer


def write(context: Context, records: Sequence[Wanted], **options: Any) -> list[Stored]:
    """Write into a new topic of one partition and return what stands there, checked against ``records``."""
    topic = context.topic()
    before = now_ms()
    answer = produced(context, topic, records, **options)
    found = context.reference.read(topic)
    check_same(found, records, "in the log")
    told = [tuple(each) for each in answer["offsets"] if each is not None]
    if len(told) == len(records):
        assert told == [(0, record.offset) for record in found], f"the client told offsets {told[:5]}"
    for record, want in zip(found, records, strict=True):
        if want.timestamp is None:
            assert before - 5000 <= record.timestamp <= now_ms() + 5000, f"timestamp {record.timestamp} is not now"
    return found


def _codec(codec: str) -> Case:
    def run(context: Context) -> None:
        found = write(context, numbered(0, 300, size_bytes=200), codec=codec)
        used = {record.codec for record in found}
        assert used == {codec}, f"the batches are written with {', '.join(sorted(used))}"

    return Case(id=f"produce/{codec}", title=f"codec {codec}", run=run)


def headers(context: Context) -> None:
    """Order, equal names, empty and null values, more than ASCII."""
    plain = Wanted(value=b"1", headers=(("a", b"1"), ("b", b"\x00\xff\n\t"), ("\u00fc\u4f60", "\u00fc".encode())))
    write(context, [plain, Wanted(value=b"2")])


def repeated_headers(context: Context) -> None:
    """One name twice."""
    write(context, [Wanted(value=b"1", headers=(("a", b"1"), ("b", b"2"), ("a", b"3")))])


def null_headers(context: Context) -> None:
    """Values of headers that are empty, and null."""
    write(context, [Wanted(value=b"1", headers=(("empty", b""), ("null", None), ("last", b"x")))])


def timestamps(context: Context) -> None:
    """Times of the sender's choice, not in order."""
    now = now_ms()
    write(context, [Wanted(value=b"%d" % each, timestamp=now + each) for each in (0, -3_600_000, 60_000, -1)])


def null_values(context: Context) -> None:
    """Tombstones between values."""
    write(context, [Wanted(key=b"a", value=b"1"), Wanted(key=b"a", value=None), Wanted(key=b"b", value=b"2")])


def null_keys(context: Context) -> None:
    """No key, an empty key, a key."""
    write(context, [Wanted(key=None, value=b"1"), Wanted(key=b"", value=b"2"), Wanted(key=b"k", value=b"3")])


def empty(context: Context) -> None:
    """Records of no bytes."""
    write(context, [Wanted(value=b""), Wanted(key=b"", value=b""), Wanted(value=b"x")])


def binary(context: Context) -> None:
    """Every byte there is, in key and value."""
    every = bytes(range(256))
    write(context, [Wanted(key=every, value=every * 40), Wanted(value=b"\n"), Wanted(value=b"\r\n\x00")])


def near_limit(context: Context) -> None:
    """A batch as large as the broker takes, but for a few bytes."""
    write(context, [Wanted(value=b"x" * (LIMIT_BYTES - 200)), Wanted(value=b"after")], timeout_s=40)


def compressed_large(context: Context) -> None:
    """A record larger than what it takes in the log."""
    found = write(context, [Wanted(value=b"abcdefghij" * 100_000), Wanted(value=b"after")], codec="lz4", timeout_s=40)
    assert found[0].codec == "lz4", f"written with {found[0].codec}"


def over_limit(context: Context) -> None:
    """Refused as too large, and the producer goes on."""
    topic = context.topic()
    error = refusal(lambda: produced(context, topic, [Wanted(value=b"x" * (LIMIT_BYTES + 100))]))
    assert error is not None, "a record above message.max.bytes was taken"
    known = error.code == 10 or (error.code is None and "large" in str(error).lower())
    assert known, f"refused as {error} (code {error.code}), not as too large"
    produced(context, topic, [Wanted(value=b"after")])
    assert [record.value for record in context.reference.read(topic)] == [b"after"]


def _acks(acks: int) -> Case:
    name = {-1: "all", 0: "0", 1: "1"}[acks]

    def run(context: Context) -> None:
        topic = context.topic()
        records = numbered(0, 50)
        produced(context, topic, records, acks=acks)
        if acks == 0:
            # Nobody waits for the broker: what follows with acks=all on another connection may overtake it.
            eventually(lambda: context.reference.end_offset(topic) == 50, "50 records without acknowledgement")
        check_same(context.reference.read(topic), records, "in the log")

    return Case(id=f"produce/acks-{name}", title=f"acks={name}", run=run)


def partitions(context: Context) -> None:
    """Partitions of the caller's choice."""
    topic = context.topic(partitions=3)
    records = numbered(0, 90, partitions=3)
    answer = produced(context, topic, records)
    assert all(each is None or each[0] == want.partition for each, want in zip(answer["offsets"], records, strict=True))
    for index in range(3):
        mine = [want for want in records if want.partition == index]
        check_same(context.reference.read(topic, partition=index), mine, f"in partition {index}")


def keys(context: Context) -> None:
    """The client's own partitioner: a key stays in one partition, and several are used."""
    topic = context.topic(partitions=4)
    produced(context, topic, [Wanted(key=b"key-%d" % (n % 40), value=b"%d" % n, partition=None) for n in range(200)])
    found = context.reference.read_all(topic, 4)
    assert sorted(numbers(found)) == list(range(200)), f"{len(found)} records in the log"
    where: dict[bytes | None, set[int]] = {}
    for record in found:
        where.setdefault(record.key, set()).add(record.partition)
    assert all(len(each) == 1 for each in where.values()), f"a key is in several partitions: {where}"
    assert len({record.partition for record in found}) > 1, "all keys are in one partition"
    for key in where:
        mine = [number_of(record) for record in found if record.key == key]
        assert mine == sorted(mine), f"the records of {key!r} are not in order: {mine}"


def keyless(context: Context) -> None:
    """Records without a key spread; enough of them for clients that fill one batch before they turn to the next."""
    topic = context.topic(partitions=4)
    records = [Wanted(value=b"%d" % n + b"." * 2000, partition=None) for n in range(120)]
    # At their leisure: librdkafka learns of a new topic within a second, and then changes its partition by time.
    produced(context, topic, records, per_second=60)
    found = context.reference.read_all(topic, 4)
    assert sorted(numbers(found)) == list(range(120)), f"{len(found)} records in the log"
    assert len({record.partition for record in found}) > 1, "all are in one partition"


def many(context: Context) -> None:
    """Some thousands in order."""
    records = numbered(0, 5000, size_bytes=100)
    write(context, records, timeout_s=60)


CASES = (
    *(_codec(codec) for codec in CODECS),
    Case(id="produce/headers", title="headers", run=headers),
    Case(id="produce/repeated-headers", title="one header name twice", run=repeated_headers),
    Case(id="produce/null-headers", title="empty and null header values", run=null_headers),
    Case(id="produce/timestamps", title="timestamps of one's own", run=timestamps),
    Case(id="produce/null-keys", title="null and empty keys", run=null_keys),
    Case(id="produce/null-values", title="null values", run=null_values),
    Case(id="produce/empty", title="records of 0 bytes", run=empty),
    Case(id="produce/binary", title="any bytes", run=binary),
    Case(id="produce/near-limit", title="just under message.max.bytes", run=near_limit),
    Case(id="produce/large-lz4", title="a megabyte in lz4", run=compressed_large),
    Case(id="produce/over-limit", title="just over it: refused", run=over_limit),
    _acks(-1),
    _acks(1),
    _acks(0),
    Case(id="produce/partitions", title="a chosen partition", run=partitions),
    Case(id="produce/keys", title="a partition by key", run=keys),
    Case(id="produce/keyless", title="no key: spread", run=keyless),
    Case(id="produce/many", title="5,000 records in order", run=many),
)

"""A producer whose records stand in the log exactly once, whatever happens on the way."""

from compat.case import Case, Context
from compat.cases.data import check_same, numbered, numbers
from compat.cases.produce import write
from compat.driver import Pending
from tests.harness.waiting import eventually

PER_SECOND = 300
COUNT = 1200


def marked(context: Context) -> None:
    """Batches carry a producer id, and sequence numbers without a gap."""
    found = write(context, numbered(0, 200), idempotent=True)
    ids = {record.producer_id for record in found}
    assert len(ids) == 1, f"several producer ids: {ids}"
    assert min(ids) >= 0, "the batches carry no producer id"
    assert [record.sequence for record in found] == list(range(200)), "sequence numbers have gaps"


def _codec(context: Context) -> None:
    """With compression."""
    found = write(context, numbered(0, 300, size_bytes=200), idempotent=True, codec="lz4")
    assert {(record.codec, record.producer_id >= 0) for record in found} == {("lz4", True)}


def _under_way(context: Context, pending: Pending, topic: str, count: int) -> bool:
    """Wait until so many records stand in the log; False when the producer was done before."""
    eventually(
        lambda: pending.arrived() or context.reference.end_offset(topic) >= count,
        f"{count} records in the log",
        timeout_s=30,
    )
    return not pending.arrived()


def _killed(*, idempotent: bool) -> Case:
    def run(context: Context) -> None:
        topic = context.topic()
        records = numbered(0, COUNT)
        arguments = {"records": [each.json() for each in records], "idempotent": idempotent}
        pending = context.driver().start("produce", topic=topic, per_second=PER_SECOND, timeout_s=90, **arguments)
        kills = 0
        for share in (COUNT // 4, COUNT // 2):
            # On a machine that starts nodes slowly the producer may be done before the second time.
            if _under_way(context, pending, topic, share):
                context.broker.kill()
                context.broker.start()
                context.reference.wait_up()
                kills += 1
        pending.result()
        assert kills, "the producer was done before the broker was killed"
        found = context.reference.read(topic)
        if idempotent:
            check_same(found, records, "in the log")
        else:
            lost = set(range(COUNT)) - set(numbers(found))
            assert not lost, f"{len(lost)} acknowledged records are lost, {sorted(lost)[:5]} the first"

    if idempotent:
        title = "broker killed twice while it runs: nothing lost, nothing twice, in order"
        return Case(id="idempotence/killed", title=title, run=run, own_node=True)
    title = "without idempotence, broker killed twice: nothing lost"
    return Case(id="restart/producing", title=title, run=run, own_node=True)


KILLED_WITHOUT = _killed(idempotent=False)

CASES = (
    Case(id="idempotence/marked", title="producer id and sequence numbers", run=marked),
    Case(id="idempotence/codec", title="with compression", run=_codec),
    _killed(idempotent=True),
)

"""The broker is killed (-9) and started again on its port; clients that were connected go on by themselves."""

import contextlib

from compat.case import Case, Context
from compat.cases.consume import consume
from compat.cases.data import check_same, numbered, numbers
from compat.cases.groups import fill
from compat.cases.idempotence import KILLED_WITHOUT
from compat.cases.membership import PARTITIONS, Member, collect, empty, join, settled
from compat.cases.produce import produced
from compat.driver import DriverError
from tests.harness.waiting import eventually


def _again(context: Context) -> None:
    context.broker.kill()
    context.broker.start()
    context.reference.wait_up()


def producer(context: Context) -> None:
    """The same producer, idle while the broker was away."""
    topic = context.topic()
    produced(context, topic, numbered(0, 50))
    _again(context)
    produced(context, topic, numbered(50, 100), timeout_s=60)
    check_same(context.reference.read(topic), numbered(0, 100), "in the log")


def consumer(context: Context) -> None:
    """The same process reads again."""
    topic = context.topic()
    context.reference.write(topic, [each.entry() for each in numbered(0, 50)])
    assert numbers(consume(context, topic, 50)) == list(range(50))
    _again(context)
    assert numbers(consume(context, topic, 50, timeout_s=60)) == list(range(50))


def member(context: Context) -> None:
    """A group of two goes on: same group, committed offsets kept, new records reach them."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    members = [join(context, group, topic) for _ in range(2)]
    settled(context, group, topic, members)
    fill(context, topic, 0, 80)
    collect(members, range(80))
    for each in members:
        each.commit()
    _again(context)
    assert context.reference.committed(group, topic, PARTITIONS) == dict.fromkeys(range(PARTITIONS), 20)
    fill(context, topic, 80, 160)
    collect(members, range(80, 160), timeout_s=90)
    settled(context, group, topic, members, timeout_s=90)
    found = sorted(numbers(each for one in members for each in one.taken))
    # What was not committed yet may come again when the group finds itself anew; what was committed may not.
    assert [number for number in found if number < 80] == list(range(80)), "records came twice, though committed"
    everything = dict.fromkeys(range(PARTITIONS), 40)
    eventually(
        lambda: _committed_again(context, group, topic, members),
        "all is committed",
        accept=lambda now: now == everything,
    )
    for each in members:
        each.leave()
    empty(context, group)


def _committed_again(context: Context, group: str, topic: str, members: list[Member]) -> dict[int, int]:
    """Commit what came, and what comes again to a member whose session ended with the broker after all was taken."""
    for each in members:
        each.poll()
        with contextlib.suppress(DriverError):
            each.commit()
    return context.reference.committed(group, topic, PARTITIONS)


def stopped(context: Context) -> None:
    """A clean stop and start under a producer."""
    topic = context.topic()
    produced(context, topic, numbered(0, 50))
    context.broker.stop()
    context.broker.start()
    context.reference.wait_up()
    produced(context, topic, numbered(50, 100), timeout_s=60)
    check_same(context.reference.read(topic), numbered(0, 100), "in the log")


CASES = (
    Case(id="restart/producer", title="a producer goes on", run=producer, own_node=True),
    KILLED_WITHOUT,
    Case(id="restart/consumer", title="a consumer reads again", run=consumer, own_node=True),
    Case(id="restart/group", title="a group goes on", run=member, own_node=True),
    Case(
        id="restart/stopped", title="a clean stop and start under a producer", run=stopped, own_node=True, quick=False
    ),
)

"""A consumer group through its life: join, commit, rebalance, crash, leave. Nothing is lost, offsets are kept."""

from compat.case import Case, Context
from compat.cases.data import numbered, numbers
from compat.cases.membership import PARTITIONS, collect, empty, join, settled, shares
from compat.driver import NoFeature


def fill(context: Context, topic: str, start: int, end: int, *, partitions: int = PARTITIONS) -> None:
    """Numbered records round all partitions, from the reference."""
    records = numbered(start, end, partitions=partitions)
    for index in range(partitions):
        mine = [record.entry() for record in records if record.partition == index]
        if mine:
            context.reference.write(topic, mine, partition=index)


def resumes(context: Context) -> None:
    """A member takes all, commits, leaves; the next one begins where it ended."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    fill(context, topic, 0, 100)
    first = join(context, group, topic)
    settled(context, group, topic, [first])
    collect([first], range(100))
    assert sorted(numbers(first.taken)) == list(range(100)), "records came twice"
    told = first.commit()
    assert told == dict.fromkeys(range(PARTITIONS), 25), f"it says it committed {told}"
    assert context.reference.committed(group, topic, PARTITIONS) == told
    if not first.driver.commits_alone:
        for index in range(PARTITIONS):
            found = first.driver.call("committed", topic=topic, partition=index)["offset"]
            assert found == 25, f"it is told {found} as committed in partition {index}"
    first.leave()
    empty(context, group)
    fill(context, topic, 100, 140)
    second = join(context, group, topic)
    collect([second], range(100, 140))
    assert sorted(numbers(second.taken)) == list(range(100, 140)), "it did not begin at the committed offsets"
    second.commit()
    second.leave()
    assert context.reference.committed(group, topic, PARTITIONS) == dict.fromkeys(range(PARTITIONS), 35)


def nothing_committed(context: Context) -> None:
    """Without a commit the next member gets everything again."""
    if context.driver().commits_alone:
        raise NoFeature("it commits on its own")
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    fill(context, topic, 0, 40)
    first = join(context, group, topic)
    collect([first], range(40))
    first.leave()
    assert context.reference.committed(group, topic, PARTITIONS) == {}, "it committed on its own"
    second = join(context, group, topic)
    collect([second], range(40))


def rebalance(context: Context) -> None:
    """A second member comes, takes its half, and leaves."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    fill(context, topic, 0, 100)
    first = join(context, group, topic)
    collect([first], range(100))
    first.commit()
    second = join(context, group, topic)
    halves = settled(context, group, topic, [first, second])
    assert [len(half) for half in halves] == [2, 2], (
        f"shared as {[sorted(index for _, index in half) for half in halves]}"
    )
    fill(context, topic, 100, 200)
    collect([first, second], range(100, 200))
    assert set(numbers(first.taken)) | set(numbers(second.taken)) == set(range(200))
    late = [sum(number >= 100 for number in numbers(member.taken)) for member in (first, second)]
    assert sorted(numbers([*first.taken, *second.taken])) == list(range(200)), "records came twice, though committed"
    assert late == [50, 50], f"shared as {late}"
    second.commit()
    second.leave()
    settled(context, group, topic, [first])
    fill(context, topic, 200, 260)
    collect([first], range(200, 260))
    first.commit()
    assert context.reference.committed(group, topic, PARTITIONS) == dict.fromkeys(range(PARTITIONS), 65)
    first.leave()
    empty(context, group)


def crash(context: Context) -> None:
    """One of two members is killed: the other takes over after the session timeout, from what was committed."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    first, second = (join(context, group, topic, session_timeout_ms=6000) for _ in range(2))
    settled(context, group, topic, [first, second])
    fill(context, topic, 0, 80)
    collect([first, second], range(80))
    first.commit()
    second.commit()
    fill(context, topic, 80, 120)
    collect([first, second], range(80, 120))
    first.commit()
    seen = set(numbers(second.taken))
    second.driver.kill()
    settled(context, group, topic, [first])
    fill(context, topic, 120, 160)
    again = [] if first.driver.commits_alone else sorted(number for number in seen if number >= 80)
    before = len(first.taken)
    collect([first], [*again, *range(120, 160)])
    got = sorted(numbers(first.taken[before:]))
    if not first.driver.commits_alone:
        assert got == sorted([*again, *range(120, 160)]), "it did not go on from what the crashed member had committed"
    first.leave()
    empty(context, group)


def three(context: Context) -> None:
    """Three members at once, five partitions' worth of joining and leaving, nothing lost."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    fill(context, topic, 0, 200)
    members = [join(context, group, topic) for _ in range(3)]
    settled(context, group, topic, members)
    collect(members, range(200))
    for member in members:
        member.commit()
    members.pop(0).leave()
    settled(context, group, topic, members)
    fill(context, topic, 200, 300)
    collect(members, range(200, 300))
    state, _ = shares(context, group)
    assert state == "Stable"


CASES = (
    Case(id="group/resumes", title="join, commit, leave; the next member resumes", run=resumes),
    Case(id="group/uncommitted", title="nothing committed: everything again", run=nothing_committed),
    Case(id="group/rebalance", title="a member comes and goes", run=rebalance),
    Case(id="group/crash", title="a member is killed", run=crash),
    Case(id="group/three", title="three members at once", run=three, quick=False),
)

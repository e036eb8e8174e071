"""Static members and the assignors beside range."""

from compat.case import Case, Context
from compat.cases.data import numbers
from compat.cases.groups import fill
from compat.cases.membership import PARTITIONS, Place, collect, join, settled, shares
from tests.harness.waiting import eventually


def indexes(shared: dict[str, set[Place]]) -> list[list[int]]:
    """The partition numbers of each member, for a message."""
    return [sorted(index for _, index in each) for each in shared.values()]


def _strategy(strategy: str) -> Case:
    def run(context: Context) -> None:
        topic, group = context.topic(partitions=PARTITIONS), context.name("g")
        fill(context, topic, 0, 80)
        first = join(context, group, topic, strategy=strategy)
        second = join(context, group, topic, strategy=strategy)
        settled(context, group, topic, [first, second])
        collect([first, second], range(80))
        protocol = context.reference.group(group)["protocol_data"]
        # KafkaJS calls its own RoundRobinAssigner.
        assert protocol.lower().startswith(strategy), f"the group's protocol is {protocol!r}"
        first.leave()
        settled(context, group, topic, [second])
        second.leave()

    return Case(id=f"member/{strategy}", title=f"assignor {strategy}", run=run)


def cooperative(context: Context) -> None:
    """The first member keeps what it does not have to give, and reads on."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    options = {"strategy": "cooperative-sticky"}
    fill(context, topic, 0, 80)
    first = join(context, group, topic, **options)
    settled(context, group, topic, [first])
    collect([first], range(80))
    first.commit()
    protocol = context.reference.group(group)["protocol_data"]
    assert protocol.replace("_", "-").lower() == "cooperative-sticky", f"the group's protocol is {protocol!r}"
    (first_id,) = shares(context, group)[1]
    second = join(context, group, topic, **options)
    settled(context, group, topic, [first, second])
    halves = shares(context, group)[1]
    assert sorted(map(len, halves.values())) == [2, 2], f"shared as {indexes(halves)}"
    assert first_id in halves, "the first member is in the group under another id"
    fill(context, topic, 80, 160)
    collect([first, second], range(80, 160))
    assert sorted(numbers([*first.taken, *second.taken])) == list(range(160)), "records came twice"
    first.commit()
    second.commit()
    second.leave()
    settled(context, group, topic, [first])
    fill(context, topic, 160, 200)
    collect([first], range(160, 200))
    assert sorted(numbers(first.taken)[-40:]) == list(range(160, 200))
    first.leave()


def cooperative_three(context: Context) -> None:
    """A third member: nobody gets a partition that it did not have before, but the newcomer."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    members = [join(context, group, topic, strategy="cooperative-sticky")]
    settled(context, group, topic, members)
    before = shares(context, group)[1]
    for _ in range(2):
        members.append(join(context, group, topic, strategy="cooperative-sticky"))
        settled(context, group, topic, members)
        after = shares(context, group)[1]
        assert all(after[member] <= had for member, had in before.items()), f"{indexes(before)} became {indexes(after)}"
        before = after
    assert sorted(map(len, before.values())) == [1, 1, 2], f"shared as {indexes(before)}"


def static_restart(context: Context) -> None:
    """A static member is killed and comes back under its name: the same partitions, and no rebalance for the other."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    options = {"session_timeout_ms": 20_000}
    first = join(context, group, topic, instance_id="one", **options)
    second = join(context, group, topic, instance_id="two", **options)
    before = settled(context, group, topic, [first, second])
    ids = set(shares(context, group)[1])
    fill(context, topic, 0, 40)
    collect([first, second], range(40))
    first.commit()
    second.commit()
    names = {each["group_instance_id"] for each in context.reference.group(group)["members"]}
    assert names == {"one", "two"}, f"the group's instance ids are {names}"
    count = first.rebalances()
    second.driver.kill()
    assert shares(context, group)[0] == "Stable", "the group noticed at once"
    second = join(context, group, topic, instance_id="two", **options)
    fill(context, topic, 40, 80)
    # The instance has a new member id when it is back.
    eventually(lambda: set(shares(context, group)[1]) - ids, "the instance is back", timeout_s=15, interval_s=0.1)
    after = settled(context, group, topic, [first, second], timeout_s=15)
    assert len(ids & set(shares(context, group)[1])) == 1, "the other member's id is another one"
    assert after == before, "the partitions are shared otherwise than before"
    collect([first, second], range(40, 80))
    late = [number for number in numbers(first.taken) if number >= 40] + numbers(second.taken)
    assert sorted(late) == list(range(40, 80)), "it did not go on from the committed offsets"
    assert first.rebalances() == count, "the other member was rebalanced"


def static_leave(context: Context) -> None:
    """A static member that closes stays in the group until its session ends."""
    topic, group = context.topic(partitions=PARTITIONS), context.name("g")
    first = join(context, group, topic, instance_id="one", session_timeout_ms=8000)
    second = join(context, group, topic, instance_id="two", session_timeout_ms=8000)
    settled(context, group, topic, [first, second])
    second.leave()
    state, told = shares(context, group)
    assert (state, len(told)) == ("Stable", 2), f"after its close the group is {state} with {len(told)} members"
    settled(context, group, topic, [first])


CASES = (
    Case(id="member/static", title="static member killed and back: no rebalance", run=static_restart),
    Case(
        id="member/static-close",
        title="static member closed: stays until its session ends",
        run=static_leave,
        quick=False,
    ),
    _strategy("roundrobin"),
    _strategy("sticky"),
    Case(id="member/cooperative-sticky", title="assignor cooperative-sticky", run=cooperative),
    Case(id="member/cooperative-three", title="cooperative-sticky: members keep theirs", run=cooperative_three),
)

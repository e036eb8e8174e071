"""The console consumer in a group: rebalances, crashes, restarts of the broker (issue 3, 'Done when', section 5)."""

import struct
from collections.abc import Iterator, Sequence
from itertools import chain

import pytest
from tests.clients.conftest import EVERY_CLIENT
from tests.harness import calls, client_list
from tests.harness.clients import Client, Member, Record, collect, numbered
from tests.harness.fixtures import MakeNode
from tests.harness.node import Node, wait_until_answers
from tests.harness.waiting import eventually
from tests.harness.wire import Connection

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

PARTITIONS = 4
NODE_SETTINGS = {"num.partitions": PARTITIONS}

Assignments = dict[str, set[tuple[str, int]]]


def decoded(assignment: bytes) -> set[tuple[str, int]]:
    """The partitions in a ConsumerProtocolAssignment."""
    if not assignment:
        return set()
    found = set()
    (count,) = struct.unpack_from(">i", assignment, 2)
    position = 6
    for _ in range(count):
        (length,) = struct.unpack_from(">h", assignment, position)
        topic = assignment[position + 2 : position + 2 + length].decode()
        position += 2 + length
        (partitions,) = struct.unpack_from(">i", assignment, position)
        indexes = struct.unpack_from(f">{partitions}i", assignment, position + 4)
        position += 4 + 4 * partitions
        found |= {(topic, index) for index in indexes}
    return found


def described(connection: Connection, group: str) -> tuple[str, Assignments]:
    """State of a group and who has what, as the broker tells it."""
    (found,) = connection.call("DescribeGroups", 5, {"groups": [group]})["groups"]
    return found["group_state"], {
        member["member_id"]: decoded(bytes(member["member_assignment"])) for member in found["members"]
    }


def wait_settled(connection: Connection, group: str, topic: str, members: int, *, timeout_s: float = 40) -> Assignments:
    """Wait until so many members share all partitions, each having its own."""
    everything = {(topic, index) for index in range(PARTITIONS)}

    def settled(found: tuple[str, Assignments]) -> bool:
        state, assignments = found
        shares = list(assignments.values())
        return (
            state == "Stable"
            and len(shares) == members
            and all(shares)
            and sum(map(len, shares)) == PARTITIONS
            and set().union(*shares) == everything
        )

    probe = eventually(
        lambda: described(connection, group),
        f"{members} members share {topic}",
        accept=settled,
        timeout_s=timeout_s,
        interval_s=0.1,
    )
    return probe[1]


def values(records: Sequence[Record]) -> list[int]:
    return sorted(int(record.value or b"") for record in records)


@pytest.fixture
def group() -> str:
    return calls.unique("group")


@pytest.fixture
def topic(client: Client) -> str:
    name = calls.unique("shared")
    client.create_topic(name, PARTITIONS)
    return name


def test_rebalance_when_one_comes_and_goes(client: Client, connection: Connection, topic: str, group: str) -> None:
    client.produce(topic, list(numbered(0, 100, keys=40)))
    first = client.join(topic, group)
    (before,) = collect([first], range(100))
    assert values(before) == list(range(100))
    wait_settled(connection, group, topic, 1)
    second = client.join(topic, group)
    shares = wait_settled(connection, group, topic, 2)
    assert sorted(map(len, shares.values())) == [2, 2]
    client.produce(topic, list(numbered(100, 200, keys=40)))
    both = collect([first, second], range(100, 200))
    # What the second reads again had not been committed by the first when it lost the partition.
    assert set(values([*before, *chain(*both)])) == set(range(200))
    assert all(any(int(record.value or b"") >= 100 for record in records) for records in both), "both got some"
    rest = second.leave()
    wait_settled(connection, group, topic, 1)
    client.produce(topic, list(numbered(200, 250, keys=40)))
    (after,) = collect([first], range(200, 250))
    assert set(range(200, 250)) <= set(values([*after, *rest, *first.leave()]))
    eventually(lambda: described(connection, group) == ("Empty", {}), "all have left")


def test_crashed_member_is_replaced(client: Client, connection: Connection, topic: str, group: str) -> None:
    first, second = (client.join(topic, group, session_timeout_ms=6000) for _ in range(2))
    wait_settled(connection, group, topic, 2)
    second.crash()
    wait_settled(connection, group, topic, 1)
    client.produce(topic, list(numbered(0, 60, keys=40)))
    (found,) = collect([first], range(60))
    assert values(found) == list(range(60))
    first.leave()


def test_resumes_where_it_stopped(client: Client, connection: Connection, topic: str, group: str) -> None:
    """Nothing twice, nothing left out, three times over."""
    seen: list[Record] = []
    for start in (0, 100, 200):
        client.produce(topic, list(numbered(start, start + 100, keys=40)))
        member = client.join(topic, group)
        (found,) = collect([member], range(start, start + 100))
        seen += [*found, *member.leave()]
        assert values(seen) == list(range(start + 100))


@pytest.fixture(params=EVERY_CLIENT)
def restartable(
    request: pytest.FixtureRequest, make_node: MakeNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Node, Client]]:
    """A node for one client alone."""
    node = make_node(NODE_SETTINGS).start()
    client = client_list.make_client(request.param, node.bootstrap, tmp_path_factory.mktemp("client"))
    yield node, client
    client.close()


@pytest.mark.parametrize("kill", [False, True], ids=["stop", "kill"])
def test_clients_live_through_a_restart(restartable: tuple[Node, Client], group: str, kill: bool) -> None:
    """The same producer and the same member go on after it; a new member resumes where the old one stopped."""
    node, client = restartable
    topic = calls.unique("shared")
    client.create_topic(topic, PARTITIONS)
    client.produce(topic, list(numbered(0, 100, keys=40)))
    member: Member = client.join(topic, group)
    (before,) = collect([member], range(100))
    node.restart(kill=kill)
    wait_until_answers(node)
    client.produce(topic, list(numbered(100, 200, keys=40)))
    (after,) = collect([member], range(100, 200), timeout_s=60)
    assert set(values([*before, *after])) == set(range(200))
    member.leave()
    node.restart(kill=kill)
    wait_until_answers(node)
    client.produce(topic, list(numbered(200, 250, keys=40)))
    new = client.join(topic, group)
    (found,) = collect([new], range(200, 250), timeout_s=60)
    assert values([*found, *new.leave()]) == list(range(200, 250))

"""One group whose members are of different clients: whoever leads it, all agree on who has what.

The leader shares out the partitions for all, and the first member leads: it is alone until the others come. When it
leaves, or is killed, the coordinator makes another one the leader.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from compat.case import Case, Context
from compat.cases.data import numbers
from compat.cases.groups import fill
from compat.cases.membership import Member, Place, collect, empty, settled
from compat.install import install
from compat.manifest import Client, load
from tests.harness.waiting import eventually

NEWEST = ("confluent-kafka", "kafka-python-3", "aiokafka-0.14", "kafka-clients-4.2", "franz-go")
ROUND_ROBIN = (*NEWEST, "sarama")
COOPERATIVE = ("confluent-kafka", "kafka-python-3", "kafka-clients-4.2", "franz-go", "sarama")
PYTHON_AND_C = (
    "kafka-python-1.4.7",
    "aiokafka-0.8",
    "kafka-python-2.0.2",
    "librdkafka",
    "confluent-kafka-asyncio",
    "kafka-python-3",
)
EVERYBODY = (
    *("confluent-kafka", "confluent-kafka-asyncio", "kafka-python-1.4.7", "kafka-python-2.0.2", "kafka-python-3"),
    *("aiokafka-0.8", "aiokafka-0.14", "librdkafka", "kcat"),
    *("kafka-clients-2.8", "kafka-clients-3.9", "kafka-clients-4.2", "kafka-tools"),
    *("franz-go", "sarama", "confluent-kafka-javascript", "rdkafka"),
)
"""All that have the assignor ``range`` and whose subscription every leader can read.

kafka-go's says version 1 and is one of version 0: librdkafka and Java's client assign it nothing, kafka-python 3
assigns nobody anything until its session has ended; it is in ``GO``. Not in a group with others: platformatic-kafka,
which after a rebalance may read from where it once was and not from what was committed meanwhile; KafkaJS, whose
assignor only it has; rskafka, which has no groups. All this is the same with Apache Kafka.
"""
GO = ("aiokafka-0.14", "franz-go", "sarama", "kafka-go")
EACH = 10
"""Records for each partition between two changes of the group."""
SETTLE_S = 60


class Group:
    """A group on a topic of its own, led by the first of the clients.

    It keeps what its members have read, those too that are gone.
    """

    def __init__(self, context: Context, clients: Sequence[Client], strategy: str) -> None:
        self._context = context
        self._strategy = strategy
        self._partitions = 2 * len(clients) + 1
        self._rounds = 0
        self._topic, self._name = context.topic(partitions=self._partitions), context.name("g")
        self.members: list[Member] = []
        self._all: list[Member] = []
        self._join(clients[0])
        self.settled()
        for client in clients[1:]:
            self._join(client)

    def _join(self, client: Client) -> None:
        options = {"strategy": self._strategy, "session_timeout_ms": 10_000}
        self.members.append(Member(self._context.new_driver(client), self._name, self._topic, **options))
        self._all.append(self.members[-1])

    def settled(self) -> list[set[Place]]:
        """Wait until each partition has one owner, in the broker's eyes and in those of the members."""
        return settled(
            self._context,
            self._name,
            self._topic,
            self.members,
            partitions=self._partitions,
            timeout_s=SETTLE_S,
        )

    def works(self) -> None:
        """Each partition has one owner, every new record comes once, and every member's commits are kept."""
        context, partitions = self._context, self._partitions
        sizes = sorted(map(len, self.settled()))
        assert sizes[-1] - sizes[0] <= 1, f"{self._who()} have {sizes} partitions"
        protocol = context.reference.group(self._name)["protocol_data"]
        assert protocol == self._strategy, f"the group's protocol is {protocol!r}"
        start = self._rounds * EACH * partitions
        self._rounds += 1
        end = self._rounds * EACH * partitions
        fill(context, self._topic, start, end, partitions=partitions)
        collect(self.members, range(start, end), timeout_s=SETTLE_S)
        assert not (again := self._read_twice()), f"read twice: {again}, while there were {self._who()}"
        for member in self.members:
            member.commit()
        everything = dict.fromkeys(range(partitions), self._rounds * EACH)
        eventually(
            partial(context.reference.committed, self._name, self._topic, partitions),
            f"what {self._who()} have read is committed",
            accept=lambda offsets: offsets == everything,
            interval_s=0.1,
        )

    def first_leaves(self) -> None:
        """The first of those that are left closes."""
        self.members.pop(0).leave()

    def first_is_killed(self) -> None:
        """The first of those that are left is killed; its session has to end."""
        self.members.pop(0).driver.kill()

    def ends(self) -> None:
        """The last ones leave."""
        while self.members:
            self.first_leaves()
        empty(self._context, self._name)

    def _read_twice(self) -> list[str]:
        """By whom and which, where a record came to more than one member, or to one member again."""
        readers = defaultdict[int, list[str]](list)
        for member in self._all:
            for number in numbers(member.taken):
                readers[number].append(member.driver.client.name)
        twice = Counter(
            (number % self._partitions, " and ".join(names)) for number, names in readers.items() if len(names) > 1
        )
        return [f"{count} records of partition {index} by {names}" for (index, names), count in twice.items()]

    def _who(self) -> str:
        return ", ".join(member.driver.client.name for member in self.members)


def installed(names: Sequence[str]) -> list[Client]:
    """The clients, ready to run. Raises :class:`MissingError`."""
    known = {client.name: client for client in load()}
    found = [known[name] for name in names]
    for client in found:
        install(client)
    return found


def each_leads(context: Context) -> None:
    """As many groups as clients, each led by another one, which leaves in the end."""
    clients = installed(NEWEST)
    for number in range(len(clients)):
        group = Group(context, [*clients[number:], *clients[:number]], "range")
        group.works()
        group.first_leaves()
        group.works()
        group.ends()


def _one_by_one(strategy: str, names: Sequence[str], context: Context) -> None:
    """All join; then one after the other leaves, the leader first."""
    group = Group(context, installed(names), strategy)
    group.works()
    while len(group.members) > 1:
        group.first_leaves()
        group.works()
    group.ends()


def crash(context: Context) -> None:
    """The leader is killed, and two more, each after the group found itself again."""
    group = Group(context, installed(NEWEST), "range")
    group.works()
    while len(group.members) > 2:
        group.first_is_killed()
        group.works()
    group.ends()


def everybody(context: Context) -> None:
    """All clients in one group; then half of them leave."""
    group = Group(context, installed(EVERYBODY), "range")
    group.works()
    for _ in range(len(EVERYBODY) // 2):
        group.first_leaves()
    group.works()
    group.ends()


def _case(id_: str, title: str, names: Sequence[str], run: Callable[[Context], None], *, quick: bool = True) -> Case:
    return Case(id=f"together/{id_}", title=f"{title}: {', '.join(names)}", run=run, quick=quick)


CASES = (
    _case("each-leads", "range, each leads once", NEWEST, each_leads, quick=False),
    _case("crash", "range, three are killed", NEWEST, crash),
    _case("ages", "range, one after the other leaves", PYTHON_AND_C, partial(_one_by_one, "range", PYTHON_AND_C)),
    _case(
        "roundrobin",
        "roundrobin, one after the other leaves",
        ROUND_ROBIN,
        partial(_one_by_one, "roundrobin", ROUND_ROBIN),
    ),
    _case(
        "cooperative-sticky",
        "cooperative-sticky, one after the other leaves",
        COOPERATIVE,
        partial(_one_by_one, "cooperative-sticky", COOPERATIVE),
    ),
    _case("go", "range, one after the other leaves", GO, partial(_one_by_one, "range", GO)),
    _case("everybody", "range, half of them leave", EVERYBODY, everybody, quick=False),
)

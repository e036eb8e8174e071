"""Scripts of group requests that Apache Kafka's coordinator and ours both play.

A script is a list of steps, each a line of words (``-`` for nothing)::

    join <token> <member> <instance> <protocol type> <name:metadata,...> <session ms> <rebalance ms> <version>
    sync <token> <member> <instance> <generation> <member=assignment,...>
    heartbeat <member> <instance> <generation>
    leave <member>/<instance> ...
    commit <member> <instance> <generation>
    wait <ms>

Member ids are random, so members go by the token of the join that brought them in. What a step shows is one line:
what it says at once, the parked requests that it answers, and the group after it. ``data/GroupScripts.java`` shows it
on Kafka.

Run as a program this writes scripts by random walks, from a seed, to be played on Kafka. A walk ends where Kafka's next
step depends on the order of a Java hash map (which member leads when the leader is gone) or is a fault of Kafka's. It
leaves out what we answer and Kafka forgets: a request that is parked twice, a parked SyncGroup of who leaves.
"""

import random
import sys
from typing import Any

from tests.coordinator.group.bench import Bench

from ottla.coordinator.group.classic import ClassicGroup, GroupState
from ottla.coordinator.group.requests import JoinResult, LeavingMember, OffsetToCommit, SyncResult


def nothing(word: str) -> str | None:
    return None if word == "-" else word


class Player:
    """Plays a script on the bench."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.ids: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.tokens: dict[int, int] = {}
        self.shown: set[int] = set()

    def play(self, step: str) -> str:
        words = step.split(" ")
        said = getattr(self, f"_{words[0]}")(words)
        answers = {
            token: self._answer(self.bench.replies[real])
            for token, real in sorted(self.tokens.items())
            if real in self.bench.replies and token not in self.shown
        }
        self.shown |= answers.keys()
        listed = ", ".join(f"{token}={answer}" for token, answer in answers.items())
        return f"{said} | {{{listed}}} | {self.state()}"

    def group(self) -> ClassicGroup | None:
        return self.bench.groups.by_id.get("g")

    def id(self, name: str) -> str:
        return "" if name == "-" else self.ids.get(name, name)

    def name(self, member_id: str | None) -> str:
        return self.names.get(member_id, member_id) if member_id else "-"

    def state(self) -> str:
        group = self.group()
        if group is None:
            return "Empty 0 null null [] pending=0"
        members = sorted(
            f"{self.name(member.member_id)}{'+join' if member.join is not None else ''}"
            f"{'+sync' if member.sync is not None else ''}:{member.assignment.decode()}"
            for member in group.members.values()
        )
        leader = "null" if group.leader is None else self.name(group.leader)
        return (
            f"{group.state.value} {group.generation_id} {group.protocol or 'null'} {leader}"
            f" [{', '.join(members)}] pending={len(group.pending_join)}"
        )

    def _answer(self, result: Any) -> str:
        if isinstance(result, SyncResult):
            return (
                f"sync {result.error.name} {result.protocol_type or 'null'} {result.protocol or 'null'}"
                f" {result.assignment.decode()}"
            )
        assert isinstance(result, JoinResult)
        members = sorted(
            f"{self.name(member.member_id)}/{member.instance_id or 'null'}/{member.metadata.decode()}"
            for member in result.members
        )
        return (
            f"join {result.error.name} {result.generation_id} {result.protocol_type or 'null'}"
            f" {'null' if result.protocol is None else result.protocol} leader={self.name(result.leader)}"
            f" skip={str(result.skip_assignment).lower()} me={self.name(result.member_id)} [{', '.join(members)}]"
        )

    def _learn(self, name: str, member_id: str) -> None:
        if member_id not in self.names:
            self.ids[name] = member_id
            self.names[member_id] = name

    def _join(self, words: list[str]) -> str:
        token, member, instance, protocol_type, protocols, session_ms, rebalance_ms, version = words[1:]
        group = self.group()
        before = set(group.members) if group else set()
        real = self.bench.join(
            member_id=self.id(member),
            instance_id=nothing(instance),
            protocol_type="" if protocol_type == "-" else protocol_type,
            protocols=tuple(
                (name, metadata.encode())
                for name, metadata in (item.split(":") for item in protocols.split(",") if protocols != "-")
            ),
            session_timeout_ms=int(session_ms),
            rebalance_timeout_ms=int(rebalance_ms),
            requires_known_member_id=int(version) >= 4,
            supports_skipping_assignment=int(version) >= 9,
        )
        self.tokens[int(token)] = real
        group = self.group()
        for member_id in (set(group.members) if group else set()) - before:
            self._learn(f"m{token}", member_id)
        result = self.bench.replies.get(real)
        if result is not None and result.error.name == "MEMBER_ID_REQUIRED":
            self._learn(f"m{token}", result.member_id)
        return ""

    def _sync(self, words: list[str]) -> str:
        token, member, instance, generation, assignments = words[1:]
        self.tokens[int(token)] = self.bench.sync(
            self.id(member),
            int(generation),
            instance_id=nothing(instance),
            assignments=[
                (self.id(name), assignment.encode())
                for name, assignment in (item.split("=") for item in assignments.split(",") if assignments != "-")
            ],
        )
        return ""

    def _heartbeat(self, words: list[str]) -> str:
        return self.bench.heartbeat(self.id(words[1]), int(words[3]), nothing(words[2])).name

    def _leave(self, words: list[str]) -> str:
        leaving = [
            LeavingMember(member_id=self.id(member), instance_id=nothing(instance))
            for member, instance in (word.split("/") for word in words[1:])
        ]
        result = self.bench.replies[self.bench.leave(*leaving)]
        return f"{result.error.name} [{', '.join(error.name for _, error in result.members)}]"

    def _commit(self, words: list[str]) -> str:
        result = self.bench.commit(
            OffsetToCommit("t", 0, 1),
            member_id=self.id(words[1]),
            instance_id=nothing(words[2]),
            generation_id=int(words[3]),
        )
        name: str = result.error.name
        return name

    def _wait(self, words: list[str]) -> str:
        self.bench.advance(int(words[1]))
        return ""


class Walk:
    """Makes up a script, playing it as it goes so that it leads somewhere."""

    PROTOCOLS = ("range:a", "range:b", "range:a,sticky:s", "range:b,sticky:s")

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.player = Player()
        self.token = 0
        self.steps: list[str] = []
        self.answers: list[str] = []
        self.over = False
        # Members whose sessions end in the same millisecond go in any order, and the rest wait as long as the slowest.
        self.rebalance_ms = self.random.choice([4_000, 20_000, 60_000])
        self._decide_on_bench = self.player.bench.decide
        self.player.bench.decide = self._decide  # type: ignore[method-assign]  # watched

    def run(self, length: int) -> None:
        while len(self.steps) < length and not self.over:
            step = self._next()
            if step is not None:
                self._take(step)

    def _take(self, step: str) -> None:
        self.steps.append(step)
        self.answers.append(self.player.play(step))
        if self.over:
            del self.steps[-1], self.answers[-1]

    def _decide(self, make: Any) -> Any:
        before, was = self._leader(), self.player.group()
        decision = self._decide_on_bench(make)
        after, group = self._leader(), self.player.group()
        if was is not None and group is not None:
            lost = was.pending_sync - group.members.keys()
            if was.newcomers and group.state is not GroupState.PREPARING_REBALANCE:
                # Kafka never forgets that somebody joined, and extends the next initial rebalance for it.
                self.over = True
            if lost and group.state is GroupState.STABLE:
                # Kafka goes on waiting for the SyncGroup of a member id that was replaced.
                self.over = True
        if before is not None and after is not None and group is not None and len(group.members) > 1:
            # Either it is the same under a new member id, or somebody else leads.
            is_same = before == after or (before[1] is not None and before[1] == after[1])
            self.over = self.over or not is_same
        return decision

    def _leader(self) -> tuple[str, str | None] | None:
        group = self.player.group()
        leader = None if group is None else group.members.get(group.leader or "")
        return None if leader is None else (leader.member_id, leader.instance_id)

    def _new_token(self) -> int:
        self.token += 1
        return self.token

    def _someone(self) -> tuple[str, str]:
        """A member's name and instance: mostly one that is there, sometimes one that was, or nobody."""
        group = self.player.group()
        members = list(group.members.values()) if group else []
        pending = sorted(group.pending_join) if group else []
        roll = self.random.random()
        if pending and roll < 0.4:
            return self.player.name(self.random.choice(pending)), "-"
        if members and roll < 0.9:
            member = self.random.choice(members)
            return self.player.name(member.member_id), member.instance_id or "-"
        # Kafka raises an exception where a handed-out id comes with an instance.
        former = sorted(name for name, member_id in self.player.ids.items() if member_id not in pending)
        if former and roll < 0.97:
            return self.random.choice(former), self.random.choice(["-", "-", "i1"])
        return "nobody", "-"

    def _next(self) -> str | None:
        group = self.player.group()
        state = group.state if group else GroupState.EMPTY
        generation = group.generation_id if group else 0
        shaken = generation - (self.random.random() < 0.1)
        member, instance = self._someone()
        known = group.members.get(self.player.id(member)) if group else None
        match self.random.choices(
            ["newcomer", "rejoin", "sync", "all", "heartbeat", "leave", "commit", "wait"],
            [3, 4, 3, 5, 2, 1, 1, 3],
        )[0]:
            case "newcomer":
                return self._join("-", self.random.choice(["-", "-", "-", "i1", "i2"]))
            case "rejoin" if known is None or known.join is None:
                return self._join(member, instance)
            case "sync" if known is None or known.sync is None:
                return self._sync(member, instance, shaken)
            case "all" if group is not None and group.members:
                return self._behave(group, state, generation)
            case "heartbeat":
                return f"heartbeat {member} {instance} {shaken}"
            case "leave" if known is None or known.sync is None:
                also = "" if self.random.random() < 0.7 else " nobody/- -/i2"
                holder = group.members.get(group.static_members.get("i2", "")) if group else None
                if also and holder is not None and holder.sync is not None:
                    also = ""
                return f"leave {member}/{instance}{also}"
            case "commit":
                who = (member, instance, shaken) if self.random.random() < 0.8 else ("-", "-", -1)
                return "commit {} {} {}".format(*who)
            case "wait":
                return f"wait {self.random.choice([1, 777, 2_999, 3_000, 3_001, 5_003, 9_001, 20_011])}"
        return None

    def _behave(self, group: ClassicGroup, state: GroupState, generation: int) -> str:
        """What a client that behaves does next, so that rebalances come to their end."""
        for member in group.members.values():
            name, instance = self.player.name(member.member_id), member.instance_id or "-"
            if state is GroupState.PREPARING_REBALANCE and member.join is None:
                return self._join(name, instance)
            if state is GroupState.COMPLETING_REBALANCE and member.sync is None:
                return self._sync(name, instance, generation)
        return "wait 1501"

    def _join(self, member: str, instance: str) -> str:
        # Kafka makes a group even of a join that it refuses.
        is_odd = self.player.group() is not None and self.random.random() < 0.06
        protocol_type = self.random.choice(["connect", "-"]) if is_odd else "consumer"
        protocols = self.random.choice(["-", "other:o"] if is_odd and protocol_type != "-" else self.PROTOCOLS)
        session_ms = self.random.choice([6_000, 10_000, 30_000])
        version = self.random.choice([3, 8, 9, 9])
        return (
            f"join {self._new_token()} {member} {instance} {protocol_type} {protocols}"
            f" {session_ms} {self.rebalance_ms} {version}"
        )

    def _sync(self, member: str, instance: str, generation: int) -> str:
        group = self.player.group()
        names = [self.player.name(member_id) for member_id in (group.members if group else ())]
        told = [f"{name}=p{self.random.randrange(10)}" for name in names if self.random.random() < 0.9]
        return f"sync {self._new_token()} {member} {instance} {generation} {','.join(told) or '-'}"


def main() -> None:
    count, length, seed = map(int, sys.argv[1:])
    for number in range(count):
        walk = Walk(seed + number)
        walk.run(length)
        print(f"script {seed + number}")
        for step in walk.steps:
            print(step)


if __name__ == "__main__":
    main()

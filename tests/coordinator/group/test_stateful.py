"""Any sequence of requests and waits: the bench asks the machines' questions after each step."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ottla.coordinator.group.classic import GroupState
from ottla.coordinator.group.config import GroupConfig
from ottla.coordinator.group.requests import LeavingMember, OffsetToCommit
from ottla.model.error_codes import ErrorCode

GROUPS = st.sampled_from(["g", "g", "h"])
PROTOCOLS = st.sampled_from(
    [
        (("range", b"a"), ("sticky", b"s")),
        (("range", b"b"), ("sticky", b"s")),
        (("sticky", b"s"), ("range", b"a")),
        (("range", b"a"),),
    ]
)
INSTANCES = st.sampled_from([None, None, "i0", "i1"])
WAITS = st.sampled_from([0, 1, 500, 1_500, 3_000, 3_000, 6_000, 10_000, 30_000])
LONG_WAITS = st.sampled_from([60_000, 300_000, 7 * 24 * 3_600_000])
ANY = st.integers(0, 1_000)


def machine(make_bench: Callable[..., Any]) -> type[RuleBasedStateMachine]:
    class Coordinator(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.known: list[tuple[str, str, str | None]] = []
            """(group id, member id, instance id) of every member there was; the first ones may be gone by now."""

        @initialize(max_size=st.sampled_from([3, 2**31 - 1]), delay_ms=st.sampled_from([0, 3_000]))
        def begin(self, max_size: int, delay_ms: int) -> None:
            self.bench = make_bench(GroupConfig(max_size=max_size, initial_rebalance_delay_ms=delay_ms))

        def pick(self, number: int) -> tuple[str, str, str | None]:
            # Mostly one of those that came last.
            return self.known[-1 - number % min(len(self.known), 4 if number % 5 else 1_000)]

        def note(self) -> None:
            for group_id, group in self.bench.groups.by_id.items():
                instances = {member_id: member.instance_id for member_id, member in group.members.items()}
                instances |= dict.fromkeys(group.pending_join)
                for member_id, instance in instances.items():
                    if (group_id, member_id, instance) not in self.known:
                        self.known.append((group_id, member_id, instance))

        @rule(
            group_id=GROUPS,
            instance=INSTANCES,
            protocols=PROTOCOLS,
            two_steps=st.booleans(),
            protocol_type=st.sampled_from(["consumer", "consumer", "consumer", "connect"]),
            session_timeout_ms=st.sampled_from([10_000, 60_000]),
            rebalance_timeout_ms=st.sampled_from([4_000, 20_000]),
        )
        def newcomer(
            self,
            group_id: str,
            instance: str | None,
            protocols: Any,
            two_steps: bool,
            protocol_type: str,
            session_timeout_ms: int,
            rebalance_timeout_ms: int,
        ) -> None:
            self.bench.join(
                group_id,
                instance_id=instance,
                protocols=protocols,
                requires_known_member_id=two_steps,
                protocol_type=protocol_type,
                session_timeout_ms=session_timeout_ms,
                rebalance_timeout_ms=rebalance_timeout_ms,
            )
            self.note()

        @rule(group_id=GROUPS, number=ANY, protocols=PROTOCOLS, skips=st.booleans())
        def static_member_returns(self, group_id: str, number: int, protocols: Any, skips: bool) -> None:
            group = self.bench.groups.by_id.get(group_id)
            instances = sorted(group.static_members) if group else []
            if instances:
                instance = instances[number % len(instances)]
                self.bench.join(group_id, instance_id=instance, protocols=protocols, supports_skipping_assignment=skips)
                self.note()

        @precondition(lambda self: self.known)
        @rule(number=ANY, protocols=PROTOCOLS)
        def rejoin(self, number: int, protocols: Any) -> None:
            group_id, member_id, instance = self.pick(number)
            self.bench.join(group_id, member_id, instance_id=instance, protocols=protocols, rebalance_timeout_ms=4_000)

        @rule(group_id=GROUPS, but=st.sampled_from([None, None, 0]))
        def everyone_joins(self, group_id: str, but: int | None) -> None:
            group = self.bench.groups.by_id.get(group_id)
            for index, member in enumerate(list(group.members.values()) if group else []):
                if index != but:
                    self.bench.join(
                        group_id, member.member_id, instance_id=member.instance_id, protocols=member.protocols
                    )

        @precondition(lambda self: self.known)
        @rule(number=ANY, offset=st.sampled_from([0, 0, 0, 1]), everyone=st.booleans())
        def sync(self, number: int, offset: int, everyone: bool) -> None:
            group_id, member_id, instance = self.pick(number)
            group = self.bench.groups.by_id.get(group_id)
            generation = (group.generation_id if group else 0) - offset
            assignments = [(name, name.encode()) for name in group.members] if group and everyone else []
            self.bench.sync(member_id, generation, group_id, instance_id=instance, assignments=assignments)

        @rule(group_id=GROUPS, but=st.sampled_from([None, None, 0]))
        def everyone_syncs(self, group_id: str, but: int | None) -> None:
            group = self.bench.groups.by_id.get(group_id)
            for index, member in enumerate(list(group.members.values()) if group else []):
                if index != but:
                    self.bench.sync(
                        member.member_id, group.generation_id, group_id, assignments=[(member.member_id, b"a")]
                    )

        @rule(group_id=GROUPS)
        def everyone_is_alive(self, group_id: str) -> None:
            group = self.bench.groups.by_id.get(group_id)
            for member_id in list(group.members) if group else []:
                self.bench.heartbeat(member_id, group.generation_id, group_id=group_id)
            self.bench.check()

        @precondition(lambda self: self.known)
        @rule(number=ANY)
        def heartbeat(self, number: int) -> None:
            group_id, member_id, instance = self.pick(number)
            group = self.bench.groups.by_id.get(group_id)
            error = self.bench.heartbeat(member_id, group.generation_id if group else 0, instance, group_id)
            if group is None or group.state is GroupState.EMPTY:
                assert error is ErrorCode.UNKNOWN_MEMBER_ID
            elif error is ErrorCode.NONE:
                assert group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE)
                assert member_id in group.members
            self.bench.check()

        @precondition(lambda self: self.known)
        @rule(number=ANY)
        def leave(self, number: int) -> None:
            group_id, member_id, instance = self.pick(number)
            self.bench.leave(LeavingMember(member_id=member_id, instance_id=instance), group_id=group_id)

        @precondition(lambda self: self.known)
        @rule(number=ANY, topic=st.sampled_from(["t", "u"]), offset=st.integers(0, 9))
        def commit(self, number: int, topic: str, offset: int) -> None:
            group_id, member_id, instance = self.pick(number)
            group = self.bench.groups.by_id.get(group_id)
            result = self.bench.commit(
                OffsetToCommit(topic, 0, offset),
                group_id=group_id,
                member_id=member_id,
                instance_id=instance,
                generation_id=group.generation_id if group else 0,
            )
            if result.error is ErrorCode.NONE:
                assert self.bench.groups.offsets.get(group_id, topic, 0).offset == offset

        @rule(group_id=GROUPS, retention_ms=st.sampled_from([-1, 1_000]))
        def simple_commit(self, group_id: str, retention_ms: int) -> None:
            self.bench.commit(OffsetToCommit("t", 1, 1), group_id=group_id, retention_ms=retention_ms)

        @rule(group_id=GROUPS)
        def delete_group(self, group_id: str) -> None:
            if self.bench.delete_group(group_id) is ErrorCode.NONE:
                assert group_id not in self.bench.groups.by_id
                assert not self.bench.groups.offsets.of_group(group_id)

        @rule(group_id=GROUPS)
        def delete_offsets(self, group_id: str) -> None:
            self.bench.delete_offsets(("t", [0, 1]), ("u", [0]), group_id=group_id)

        @rule()
        def expire(self) -> None:
            self.bench.expire()

        @rule(group_id=GROUPS)
        def settle(self, group_id: str) -> None:
            """Bring the rebalance to its end, if there is one, as clients that behave do."""
            for _ in range(4):
                group = self.bench.groups.by_id.get(group_id)
                if group is None or not group.members or group.state is GroupState.STABLE:
                    break
                if group.state is GroupState.PREPARING_REBALANCE:
                    self.everyone_joins(group_id, None)
                if self.bench.groups.by_id[group_id].state is GroupState.PREPARING_REBALANCE:
                    self.bench.advance(3_000)
                self.everyone_syncs(group_id, None)
            self.note()

        @rule(wait_ms=LONG_WAITS)
        def wait_long(self, wait_ms: int) -> None:
            self.bench.advance(wait_ms)
            self.note()

        @rule(wait_ms=WAITS)
        def wait(self, wait_ms: int) -> None:
            self.bench.advance(wait_ms)
            self.note()

        def teardown(self) -> None:
            """Nobody waits for ever: if no more requests come, all that are parked get an answer."""
            self.bench.advance(1_000_000)
            assert not self.bench.open_tokens
            assert all(
                group.state is GroupState.EMPTY and not group.pending_join for group in self.bench.groups.by_id.values()
            )

    return Coordinator


def test_any_sequence(make_bench: Callable[..., Any]) -> None:
    run_state_machine_as_test(
        machine(make_bench),
        settings=settings(
            max_examples=100,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )

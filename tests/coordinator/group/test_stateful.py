"""Any sequence of requests and waits: the bench asks the machines' questions after each step."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from ottla.coordinator.group.classic import GroupState
from ottla.coordinator.group.config import GroupConfig
from ottla.coordinator.group.requests import LeavingMember, OffsetToCommit
from ottla.model.error_codes import ErrorCode

GROUPS = st.sampled_from(["g", "h"])
PROTOCOLS = st.sampled_from(
    [
        (("range", b"a"),),
        (("range", b"b"),),
        (("range", b"a"), ("sticky", b"s")),
        (("sticky", b"s"), ("range", b"a")),
    ]
)
INSTANCES = st.sampled_from([None, None, "i0", "i1"])
WAITS = st.sampled_from([0, 1, 500, 2_999, 3_000, 6_000, 10_000, 30_000, 300_000, 7 * 24 * 3_600_000])


def machine(make_bench: Callable[..., Any]) -> type[RuleBasedStateMachine]:
    class Coordinator(RuleBasedStateMachine):
        members = Bundle("members")
        """(group id, member id, instance id), of members that may be gone by now."""

        @initialize(max_size=st.sampled_from([2, 2**31 - 1]), delay_ms=st.sampled_from([0, 3_000]))
        def begin(self, max_size: int, delay_ms: int) -> None:
            self.bench = make_bench(GroupConfig(max_size=max_size, initial_rebalance_delay_ms=delay_ms))

        @rule(
            target=members,
            group_id=GROUPS,
            instance=INSTANCES,
            protocols=PROTOCOLS,
            known=st.booleans(),
            protocol_type=st.sampled_from(["consumer", "consumer", "connect"]),
        )
        def newcomer(self, group_id: str, instance: str | None, protocols: Any, known: bool, protocol_type: str) -> Any:
            bench = self.bench
            before = set(bench.groups.by_id[group_id].members) if group_id in bench.groups.by_id else set()
            token = bench.join(
                group_id,
                instance_id=instance,
                protocols=protocols,
                requires_known_member_id=known,
                protocol_type=protocol_type,
                session_timeout_ms=10_000,
                rebalance_timeout_ms=20_000,
            )
            result = bench.replies.get(token)
            if result is not None and result.member_id:
                return group_id, result.member_id, instance
            after = set(bench.groups.by_id[group_id].members) if group_id in bench.groups.by_id else set()
            return multiple(*((group_id, member_id, instance) for member_id in after - before))

        @rule(member=members, protocols=PROTOCOLS)
        def rejoin(self, member: Any, protocols: Any) -> None:
            group_id, member_id, instance = member
            self.bench.join(group_id, member_id, instance_id=instance, protocols=protocols)

        @rule(member=members, offset=st.sampled_from([0, 0, 0, 1]), everyone=st.booleans())
        def sync(self, member: Any, offset: int, everyone: bool) -> None:
            group_id, member_id, instance = member
            group = self.bench.groups.by_id.get(group_id)
            generation = (group.generation_id if group else 0) - offset
            assignments = [(name, name.encode()) for name in group.members] if group and everyone else []
            self.bench.sync(member_id, generation, group_id, instance_id=instance, assignments=assignments)

        @rule(member=members)
        def heartbeat(self, member: Any) -> None:
            group_id, member_id, instance = member
            group = self.bench.groups.by_id.get(group_id)
            error = self.bench.heartbeat(member_id, group.generation_id if group else 0, instance, group_id)
            if group is None or group.state is GroupState.EMPTY:
                assert error is ErrorCode.UNKNOWN_MEMBER_ID
            self.bench.check()

        @rule(member=consumes(members))
        def leave(self, member: Any) -> None:
            group_id, member_id, instance = member
            self.bench.leave(LeavingMember(member_id=member_id, instance_id=instance), group_id=group_id)

        @rule(member=members, topic=st.sampled_from(["t", "u"]), offset=st.integers(0, 9))
        def commit(self, member: Any, topic: str, offset: int) -> None:
            group_id, member_id, instance = member
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
            error = self.bench.delete_group(group_id)
            if error is ErrorCode.NONE:
                assert group_id not in self.bench.groups.by_id
                assert not self.bench.groups.offsets.of_group(group_id)

        @rule(group_id=GROUPS)
        def delete_offsets(self, group_id: str) -> None:
            self.bench.delete_offsets(("t", [0, 1]), ("u", [0]), group_id=group_id)

        @rule()
        def expire(self) -> None:
            self.bench.expire()

        @rule(wait_ms=WAITS)
        def wait(self, wait_ms: int) -> None:
            self.bench.advance(wait_ms)

        def teardown(self) -> None:
            """Nobody waits for ever: if no more requests come, all that are parked get an answer."""
            if hasattr(self, "bench"):
                self.bench.advance(1_000_000)
                assert not self.bench.open_tokens
                assert all(
                    group.state is GroupState.EMPTY and not group.pending_join
                    for group in self.bench.groups.by_id.values()
                )

    return Coordinator


def test_any_sequence(make_bench: Callable[..., Any]) -> None:
    run_state_machine_as_test(
        machine(make_bench),
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )

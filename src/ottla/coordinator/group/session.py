"""Signs of life: heartbeats, and what happens when they or other requests stay away."""

from collections.abc import Mapping

from ottla.model.error_codes import ErrorCode

from . import rebalance
from .classic import ClassicGroup, GroupState
from .config import GroupConfig
from .decision import NOTHING, Decision, Draft, RebalanceReason, TimerKey, TimerKind


def check_heartbeat(
    group: ClassicGroup | None, member_id: str, instance_id: str | None, generation_id: int
) -> tuple[ErrorCode, int]:
    """Return the answer to a heartbeat, and the milliseconds that the member's session is renewed for (0: not at all).

    Straight-line, without a decision's objects: this is the request that groups make most. Its answer speaks of the
    volatile state only, so it need not wait for a commit.
    """
    if group is None or group.state is GroupState.EMPTY:
        return ErrorCode.UNKNOWN_MEMBER_ID, 0
    if group.state is GroupState.DEAD:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE, 0
    error = group.check_member(member_id, instance_id)
    if error is not ErrorCode.NONE:
        return error, 0
    if generation_id != group.generation_id:
        return ErrorCode.ILLEGAL_GENERATION, 0
    session_timeout_ms = group.members[member_id].session_timeout_ms
    if group.state is GroupState.PREPARING_REBALANCE:
        return ErrorCode.REBALANCE_IN_PROGRESS, session_timeout_ms
    return ErrorCode.NONE, session_timeout_ms


def decide_timer(groups: Mapping[str, ClassicGroup], key: TimerKey, *, now_ms: int, config: GroupConfig) -> Decision:
    """Decide what follows from a timer that has run out."""
    group = groups.get(key.group_id)
    if group is None or group.state is GroupState.DEAD:
        return NOTHING
    draft = Draft(group, now_ms=now_ms, config=config)
    if key.kind is TimerKind.JOIN:
        if group.state is not GroupState.PREPARING_REBALANCE:
            return NOTHING
        rebalance.join_time_is_up(draft)
    elif key.kind is TimerKind.SYNC:
        if not group.pending_sync or not group.can_rebalance():
            return NOTHING
        _drop_unsynced(draft)
    elif not _end_session(draft, key.member_id):
        return NOTHING
    return draft.decision()


def _drop_unsynced(draft: Draft) -> None:
    """Members that never asked for their assignment hold partitions that nobody reads: let them go and start over."""
    for member_id in sorted(draft.group.pending_sync):
        rebalance.let_go(draft, draft.group.members[member_id])
    rebalance.prepare(draft, RebalanceReason.SYNC_EXPIRED)


def _end_session(draft: Draft, member_id: str) -> bool:
    group = draft.group
    member = group.members.get(member_id)
    if member is not None:
        if member.satisfies_heartbeat:
            return False
        rebalance.let_go(draft, member)
        after_removal(draft)
        return True
    if member_id not in group.pending_join:
        return False
    group.remove(member_id)
    _complete_if_all_joined(draft)
    return True


def after_removal(draft: Draft) -> None:
    """A member's session has ended: rebalance without it, or go on if the others waited for it alone."""
    if draft.group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
        rebalance.prepare(draft, RebalanceReason.SESSION_EXPIRED)
    else:
        _complete_if_all_joined(draft)


def _complete_if_all_joined(draft: Draft) -> None:
    if draft.group.state is GroupState.PREPARING_REBALANCE and draft.group.all_joined:
        rebalance.complete_join(draft)


def decide_loaded(group: ClassicGroup, *, now_ms: int, config: GroupConfig) -> Decision:
    """Decide what a group needs that was just read from the log: its members have a whole session to report again.

    A group that has more members than ``group.max.size`` now allows begins a rebalance, in which the last ones are
    refused.
    """
    draft = Draft(group, now_ms=now_ms, config=config)
    for member in group.members.values():
        draft.renew_session(member)
    if len(group.members) > config.max_size:
        rebalance.prepare(draft, RebalanceReason.TOO_LARGE)
    return draft.decision()

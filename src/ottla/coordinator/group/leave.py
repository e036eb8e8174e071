"""LeaveGroup: members go, one or many at a time (``classicGroupLeave`` upstream, KIP-345)."""

from collections.abc import Mapping, Sequence

from ottla.model.error_codes import ErrorCode

from . import rebalance
from .classic import ClassicGroup, GroupState
from .config import GroupConfig
from .decision import Decision, Draft, RebalanceReason, TimerKind, refuse
from .member import Token
from .requests import UNKNOWN_MEMBER_ID, LeaveResult, LeavingMember


def decide_leave(
    groups: Mapping[str, ClassicGroup],
    group_id: str,
    leaving: Sequence[LeavingMember],
    token: Token,
    *,
    now_ms: int,
    config: GroupConfig,
) -> Decision:
    """Decide on a LeaveGroup; each that is named gets its own error code."""
    if not group_id:
        return refuse(token, LeaveResult(error=ErrorCode.INVALID_GROUP_ID))
    group = groups.get(group_id)
    if group is None:
        unknown = tuple((member, ErrorCode.UNKNOWN_MEMBER_ID) for member in leaving)
        return refuse(token, LeaveResult(members=unknown))
    if group.state is GroupState.DEAD:
        return refuse(token, LeaveResult(error=ErrorCode.COORDINATOR_NOT_AVAILABLE))
    draft = Draft(group, now_ms=now_ms, config=config)
    outcomes = tuple((member, _leave(draft, member)) for member in leaving)
    if any(error is ErrorCode.NONE for _, error in outcomes):
        if draft.group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
            rebalance.prepare(draft, RebalanceReason.MEMBER_LEFT)
        else:
            rebalance.maybe_complete_join(draft)
    draft.reply(token, LeaveResult(members=outcomes))
    return draft.decision()


def _leave(draft: Draft, leaving: LeavingMember) -> ErrorCode:
    group = draft.group
    member_id = leaving.member_id
    if member_id == UNKNOWN_MEMBER_ID:
        # An administrator names the instance, not whoever runs as it.
        holder = None if leaving.instance_id is None else group.static_members.get(leaving.instance_id)
        if holder is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        member_id = holder
    elif member_id in group.pending_join:
        group.remove(member_id)
        draft.cancel_timer(TimerKind.SESSION, member_id)
        return ErrorCode.NONE
    else:
        error = group.check_member(member_id, leaving.instance_id)
        if error is not ErrorCode.NONE:
            return error
    rebalance.let_go(draft, group.members[member_id])
    return ErrorCode.NONE

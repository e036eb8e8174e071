"""SyncGroup: the leader hands in the assignment, everyone gets its part (``classicGroupSync`` upstream)."""

from collections.abc import Mapping

from ottla.model.error_codes import ErrorCode

from . import rebalance
from .classic import ClassicGroup, GroupState
from .config import GroupConfig
from .decision import Decision, Draft, RebalanceReason, TimerKind, refuse
from .member import Token
from .requests import SyncRequest, SyncResult


def decide_sync(
    groups: Mapping[str, ClassicGroup], request: SyncRequest, token: Token, *, now_ms: int, config: GroupConfig
) -> Decision:
    """Decide on a SyncGroup.

    The leader's is the moment at which a generation is written to the log; the answers leave once it is committed
    there.
    """
    if not request.group_id:
        return refuse(token, SyncResult(error=ErrorCode.INVALID_GROUP_ID))
    group = groups.get(request.group_id)
    error = _check(group, request)
    if error is not ErrorCode.NONE:
        return refuse(token, SyncResult(error=error))
    assert group is not None
    draft = Draft(group, now_ms=now_ms, config=config)
    _synced(draft, request.member_id)
    if group.state is GroupState.STABLE:
        assignment = group.members[request.member_id].assignment
        draft.reply(
            token, SyncResult(protocol_type=group.protocol_type, protocol=group.protocol, assignment=assignment)
        )
        return draft.decision()
    member = group.members[request.member_id]
    if member.sync is not None:
        # The client gave up on its first request and asks again; the parked one is answered, not forgotten.
        draft.reply(member.sync, SyncResult(error=ErrorCode.REBALANCE_IN_PROGRESS))
    draft.group.put(member.but(sync=token))
    if group.leader == request.member_id:
        _settle(draft, request)
    return draft.decision()


def decide_store_failed(group: ClassicGroup, error: ErrorCode, *, now_ms: int, config: GroupConfig) -> Decision:
    """The generation cannot be written, because it is too large for the log, say: tell everyone and start over."""
    draft = Draft(group, now_ms=now_ms, config=config)
    assert group.state is GroupState.COMPLETING_REBALANCE
    rebalance.fail_syncs(draft, error)
    rebalance.prepare(draft, RebalanceReason.NOT_STORED)
    return draft.decision()


def _check(group: ClassicGroup | None, request: SyncRequest) -> ErrorCode:
    if group is None or group.state is GroupState.EMPTY:
        return ErrorCode.UNKNOWN_MEMBER_ID
    if group.state is GroupState.DEAD:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
    error = group.check_member(request.member_id, request.instance_id)
    if error is not ErrorCode.NONE:
        return error
    if request.generation_id != group.generation_id:
        return ErrorCode.ILLEGAL_GENERATION
    if _differs(request.protocol_type, group.protocol_type) or _differs(request.protocol, group.protocol):
        return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    if group.state is GroupState.PREPARING_REBALANCE:
        return ErrorCode.REBALANCE_IN_PROGRESS
    return ErrorCode.NONE


def _differs(said: str | None, known: str | None) -> bool:
    """Whether a client's idea of the protocol, where it has one (version 5 on), is another than the group's."""
    return said is not None and known is not None and said != known


def _synced(draft: Draft, member_id: str) -> None:
    draft.group.pending_sync.discard(member_id)
    if not draft.group.pending_sync:
        draft.cancel_timer(TimerKind.SYNC)


def _settle(draft: Draft, request: SyncRequest) -> None:
    """The leader has spoken: a member that it forgot gets nothing, one that is not there is ignored."""
    group = draft.group
    assignments = dict(request.assignments)
    group.move_to(GroupState.STABLE, draft.now_ms)
    draft.settles = True
    for member in list(group.members.values()):
        assignment = assignments.get(member.member_id, b"")
        group.put(member.but(sync=None, assignment=assignment))
        if member.sync is None:
            continue
        draft.reply(
            member.sync,
            SyncResult(protocol_type=group.protocol_type, protocol=group.protocol, assignment=assignment),
        )
        # Its session may have run out while it was parked, which had no consequence and set no new timer.
        draft.renew_session(member)
    draft.records.append(group.stored())

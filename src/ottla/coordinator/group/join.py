"""JoinGroup: who may join, and what a join sets off (``classicGroupJoin`` upstream, KIP-345, KIP-394, KIP-814)."""

from collections.abc import Mapping

from ottla.model.error_codes import ErrorCode

from . import rebalance
from .classic import ClassicGroup, GroupState
from .config import NEW_MEMBER_JOIN_TIMEOUT_MS, GroupConfig
from .decision import Decision, Draft, RebalanceReason, TimerKind, refuse
from .member import Member, Token
from .records import string_fits
from .requests import UNKNOWN_MEMBER_ID, JoinRequest, JoinResult, SyncResult


def decide_join(
    groups: Mapping[str, ClassicGroup], request: JoinRequest, token: Token, *, now_ms: int, config: GroupConfig
) -> Decision:
    """Decide on a JoinGroup.

    A group comes into being by the join of a newcomer, and is written to the log as an empty one, so that it is not
    forgotten while its first members gather.
    """
    if not request.group_id:
        return _refuse(token, request.member_id, ErrorCode.INVALID_GROUP_ID)
    if not _fits(request):
        return _refuse(token, request.member_id, ErrorCode.INVALID_REQUEST)
    if not config.min_session_timeout_ms <= request.session_timeout_ms <= config.max_session_timeout_ms:
        return _refuse(token, request.member_id, ErrorCode.INVALID_SESSION_TIMEOUT)
    known = groups.get(request.group_id)
    is_newcomer = request.member_id == UNKNOWN_MEMBER_ID
    if known is None and not is_newcomer:
        return _refuse(token, request.member_id, ErrorCode.UNKNOWN_MEMBER_ID)
    group = ClassicGroup(request.group_id, state_since_ms=now_ms) if known is None else known
    error = _check(group, request, config)
    if error is not ErrorCode.NONE and error is not ErrorCode.GROUP_MAX_SIZE_REACHED:
        is_stranger = error in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID)
        return refuse(token, JoinResult(member_id=request.member_id, error=error, protocol=None if is_stranger else ""))
    draft = Draft(group, now_ms=now_ms, config=config)
    if error is ErrorCode.GROUP_MAX_SIZE_REACHED:
        return _refuse_for_size(draft, request, token)
    if known is None:
        draft.records.append(group.stored())
    if is_newcomer:
        _join_newcomer(draft, request, token)
    elif request.member_id in group.pending_join:
        _add(draft, request, request.member_id, token)
    else:
        _rejoin(draft, request, token)
    return draft.decision()


def _fits(request: JoinRequest) -> bool:
    """Whether every name can be written to the log."""
    names = [request.group_id, request.protocol_type, request.new_member_id, *(name for name, _ in request.protocols)]
    return all(map(string_fits, names))


def _refuse(token: Token, member_id: str, error: ErrorCode) -> Decision:
    return refuse(token, JoinResult(member_id=member_id, error=error))


def _refuse_for_size(draft: Draft, request: JoinRequest, token: Token) -> Decision:
    member = draft.group.members.get(request.member_id)
    if member is not None:
        rebalance.let_go(draft, member)
    elif request.member_id in draft.group.pending_join:
        draft.group.remove(request.member_id)
        draft.cancel_timer(TimerKind.SESSION, request.member_id)
    draft.reply(token, JoinResult(error=ErrorCode.GROUP_MAX_SIZE_REACHED))
    rebalance.maybe_complete_join(draft)
    return draft.decision()


def _check(group: ClassicGroup, request: JoinRequest, config: GroupConfig) -> ErrorCode:
    if not _has_room(group, request.member_id, config.max_size):
        return ErrorCode.GROUP_MAX_SIZE_REACHED
    if group.state is GroupState.DEAD:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
    if not group.supports(request.protocol_type, [name for name, _ in request.protocols]):
        return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    if request.member_id == UNKNOWN_MEMBER_ID:
        return ErrorCode.NONE
    if request.member_id in group.pending_join:
        # Ids are handed out to dynamic members only.
        return ErrorCode.NONE if request.instance_id is None else ErrorCode.UNKNOWN_MEMBER_ID
    return group.check_member(request.member_id, request.instance_id)


def _has_room(group: ClassicGroup, member_id: str, max_size: int) -> bool:
    """While members join, those that have joined count: the limit may have been lowered below the number of members."""
    member = group.members.get(member_id)
    if group.state in (GroupState.EMPTY, GroupState.DEAD):
        return True
    if group.state is GroupState.PREPARING_REBALANCE:
        return (member is not None and member.join is not None) or group.awaiting_join < max_size
    return member is not None or len(group.members) < max_size


def _join_newcomer(draft: Draft, request: JoinRequest, token: Token) -> None:
    group = draft.group
    member_id = request.new_member_id
    if request.instance_id is not None:
        holder = group.static_members.get(request.instance_id)
        if holder is None:
            _add(draft, request, member_id, token)
        else:
            _replace_static(draft, request, group.members[holder], member_id, token)
    elif request.requires_known_member_id:
        group.pending_join.add(member_id)
        draft.set_timer(TimerKind.SESSION, request.session_timeout_ms, member_id)
        draft.reply(token, JoinResult(member_id=member_id, error=ErrorCode.MEMBER_ID_REQUIRED))
    else:
        _add(draft, request, member_id, token)


def _add(draft: Draft, request: JoinRequest, member_id: str, token: Token) -> None:
    group = draft.group
    if not group.members:
        group.protocol_type = request.protocol_type
    if group.state is GroupState.PREPARING_REBALANCE and group.initial:
        group.newcomers = True
    group.add(
        Member(
            member_id=member_id,
            instance_id=request.instance_id,
            client_id=request.client_id,
            client_host=request.client_host,
            rebalance_timeout_ms=request.rebalance_timeout_ms,
            session_timeout_ms=request.session_timeout_ms,
            protocols=request.protocols,
            join=token,
            is_new=True,
        )
    )
    # A newcomer cannot send heartbeats yet, and the end of its connection is not noticed while its request is parked.
    # So that members that gave up do not pile up during a long rebalance, it has this long; if still there, it joins
    # again.
    draft.set_timer(TimerKind.SESSION, NEW_MEMBER_JOIN_TIMEOUT_MS, member_id)
    rebalance.prepare_or_complete(draft, RebalanceReason.NEW_MEMBER)


def _rejoin(draft: Draft, request: JoinRequest, token: Token) -> None:
    group = draft.group
    member = group.members[request.member_id]
    unchanged = member.protocols == request.protocols
    if group.state is GroupState.COMPLETING_REBALANCE and unchanged:
        # It may have missed the answer to its first JoinGroup.
        draft.reply(token, rebalance.current_generation(group, member.member_id))
    elif group.state is GroupState.STABLE and unchanged and group.leader != member.member_id:
        draft.reply(token, rebalance.current_generation(group, member.member_id))
    else:
        # The leader's JoinGroup always rebalances: it saw a change that the members' metadata does not show, such as
        # new partitions.
        if member.join is not None:
            # The client gave up on its first request and asks again; the parked one is answered, not forgotten.
            draft.reply(member.join, JoinResult(member_id=member.member_id, error=ErrorCode.REBALANCE_IN_PROGRESS))
        is_leader = unchanged and group.leader == member.member_id
        group.put(_updated(member, request, token))
        reason = RebalanceReason.LEADER_REJOINED if is_leader else RebalanceReason.METADATA_CHANGED
        rebalance.prepare_or_complete(draft, reason)


def _updated(member: Member, request: JoinRequest, token: Token | None) -> Member:
    return member.but(
        protocols=request.protocols,
        rebalance_timeout_ms=request.rebalance_timeout_ms,
        session_timeout_ms=request.session_timeout_ms,
        join=token,
    )


def _replace_static(draft: Draft, request: JoinRequest, old: Member, member_id: str, token: Token) -> None:
    """A static member comes back under a new member id (KIP-345): it takes the old one's place."""
    group = draft.group
    if old.join is not None:
        draft.reply(old.join, JoinResult(member_id=old.member_id, error=ErrorCode.FENCED_INSTANCE_ID, protocol=None))
    if old.sync is not None:
        draft.reply(old.sync, SyncResult(error=ErrorCode.FENCED_INSTANCE_ID))
    draft.cancel_timer(TimerKind.SESSION, old.member_id)
    old_leader = group.leader
    member = _updated(old, request, token).but(
        member_id=member_id, sync=None, is_new=False, client_id=request.client_id, client_host=request.client_host
    )
    group.rename(old.member_id, member)
    draft.set_timer(TimerKind.SESSION, old.session_timeout_ms, member_id)
    if group.state is GroupState.STABLE and group.select_protocol() == group.protocol:
        group.put(member.but(join=None))
        draft.records.append(group.stored())
        draft.reply(token, _unchanged_generation(group, request, member_id, old_leader))
    elif group.state is GroupState.PREPARING_REBALANCE:
        rebalance.maybe_complete_join(draft)
    else:
        # In the sync phase as well: the leader may be assigning partitions to the old member id right now.
        rebalance.prepare(draft, RebalanceReason.MEMBER_REPLACED)


def _unchanged_generation(
    group: ClassicGroup, request: JoinRequest, member_id: str, old_leader: str | None
) -> JoinResult:
    """The answer to a static member that came back without disturbing anyone.

    A client that cannot be told to skip the assignment is told that the old leader leads, even if that was itself, so
    that it does not assign partitions of a generation that is settled (KIP-814).
    """
    is_leader = group.leader == member_id
    skips = request.supports_skipping_assignment
    return JoinResult(
        member_id=member_id,
        generation_id=group.generation_id,
        protocol_type=group.protocol_type,
        protocol=group.protocol,
        leader=(group.leader if skips else old_leader) or "",
        skip_assignment=skips and is_leader,
        members=rebalance.joined_members(group) if skips and is_leader else (),
    )

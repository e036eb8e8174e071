"""The phases of a rebalance, as steps on a draft: prepare, wait for joins, complete the join phase.

A rebalance of an empty group is *initial*: it ends by time alone (``group.initial.rebalance.delay.ms``, again and
again while members keep coming, up to the longest rebalance timeout), so that members that start together share one
generation. Any other ends as soon as every member has joined again, or after the longest rebalance timeout.
"""

from ottla.model.error_codes import ErrorCode

from .classic import ClassicGroup, GroupState
from .decision import Draft, RebalanceReason, TimerKind
from .member import Member
from .requests import JoinedMember, JoinResult, SyncResult


def prepare_or_complete(draft: Draft, reason: RebalanceReason) -> None:
    """Begin a rebalance where one may begin; where one is under way, end its join phase if that is due."""
    if draft.group.can_rebalance():
        prepare(draft, reason)
    else:
        maybe_complete_join(draft)


def prepare(draft: Draft, reason: RebalanceReason) -> None:
    """Begin a rebalance."""
    group = draft.group
    draft.rebalance = reason
    if group.state is GroupState.COMPLETING_REBALANCE:
        fail_syncs(draft, ErrorCode.REBALANCE_IN_PROGRESS)
    group.pending_sync.clear()
    draft.cancel_timer(TimerKind.SYNC)
    group.initial = group.state is GroupState.EMPTY
    group.newcomers = False
    if group.initial:
        delay_ms = draft.config.initial_rebalance_delay_ms
        group.extension = (delay_ms, max(group.rebalance_timeout_ms - delay_ms, 0))
        draft.set_timer(TimerKind.JOIN, delay_ms)
    group.move_to(GroupState.PREPARING_REBALANCE, draft.now_ms)
    if group.initial:
        return
    if group.all_joined:
        complete_join(draft)
    else:
        draft.set_timer(TimerKind.JOIN, group.rebalance_timeout_ms)


def maybe_complete_join(draft: Draft) -> None:
    """End the join phase if everyone has joined and this is not an initial rebalance."""
    group = draft.group
    if group.state is GroupState.PREPARING_REBALANCE and not group.initial and group.all_joined:
        complete_join(draft)


def join_time_is_up(draft: Draft) -> None:
    """The time for joining has passed: extend an initial rebalance to which members keep coming, or end the phase."""
    group = draft.group
    if group.extension is not None:
        delay_ms, remaining_ms = group.extension
        if group.newcomers and remaining_ms:
            group.newcomers = False
            next_delay_ms = min(draft.config.initial_rebalance_delay_ms, remaining_ms)
            group.extension = (next_delay_ms, max(remaining_ms - delay_ms, 0))
            draft.set_timer(TimerKind.JOIN, next_delay_ms)
            return
    complete_join(draft)


def complete_join(draft: Draft) -> None:
    """End the join phase: whoever has joined makes up the next generation.

    Dynamic members that did not join again are out; static ones stay until their session ends. If nobody joined
    again, the phase goes on. A group that nobody is left in becomes empty, which is written to the log.
    """
    group = draft.group
    draft.cancel_timer(TimerKind.JOIN)
    group.extension = None
    for member in list(group.members.values()):
        if member.join is None and member.instance_id is None:
            group.remove(member.member_id)
            draft.cancel_timer(TimerKind.SESSION, member.member_id)
    if group.members and not _elect_leader(group):
        draft.set_timer(TimerKind.JOIN, group.rebalance_timeout_ms)
        return
    group.generation_id += 1
    group.initial = False
    group.newcomers = False
    group.pending_sync.clear()
    if not group.members:
        group.protocol = None
        group.leader = None
        group.subscribed = group.compute_subscribed()
        group.move_to(GroupState.EMPTY, draft.now_ms)
        draft.records.append(group.stored())
        return
    group.protocol = group.select_protocol()
    group.subscribed = group.compute_subscribed()
    group.move_to(GroupState.COMPLETING_REBALANCE, draft.now_ms)
    _answer_joins(draft)
    draft.set_timer(TimerKind.SYNC, group.rebalance_timeout_ms)


def _elect_leader(group: ClassicGroup) -> bool:
    """Leave the lead where it is if the leader has joined again, else give it to who has; False if nobody has."""
    leader = None if group.leader is None else group.members.get(group.leader)
    if leader is not None and leader.join is not None:
        return True
    group.leader = next(
        (member.member_id for member in group.members.values() if member.join is not None), group.leader
    )
    return group.awaiting_join > 0


def _answer_joins(draft: Draft) -> None:
    group = draft.group
    for member in list(group.members.values()):
        if member.join is not None:
            draft.reply(member.join, current_generation(group, member.member_id))
        if member.join is not None or member.is_new:
            group.put(member.but(join=None, is_new=False))
        draft.renew_session(member)
        group.pending_sync.add(member.member_id)


def current_generation(group: ClassicGroup, member_id: str) -> JoinResult:
    """Return the answer to a JoinGroup of a member of the current generation."""
    return JoinResult(
        member_id=member_id,
        generation_id=group.generation_id,
        protocol_type=group.protocol_type,
        protocol=group.protocol,
        leader=group.leader or "",
        members=joined_members(group) if group.leader == member_id else (),
    )


def joined_members(group: ClassicGroup) -> tuple[JoinedMember, ...]:
    """Return what the leader is told of the members."""
    return tuple(
        JoinedMember(
            member_id=member.member_id, instance_id=member.instance_id, metadata=member.metadata(group.protocol)
        )
        for member in group.members.values()
    )


def fail_syncs(draft: Draft, error: ErrorCode) -> None:
    """Take all assignments back and answer every parked SyncGroup with ``error``."""
    group = draft.group
    for member in list(group.members.values()):
        if member.sync is not None:
            draft.reply(member.sync, SyncResult(error=error))
            draft.renew_session(member)
        if member.sync is not None or member.assignment:
            group.put(member.but(sync=None, assignment=b""))


def let_go(draft: Draft, member: Member, error: ErrorCode = ErrorCode.UNKNOWN_MEMBER_ID) -> None:
    """Remove a member; a JoinGroup it has parked is answered so that a client that is still there joins anew."""
    if member.join is not None:
        draft.reply(member.join, JoinResult(error=error))
    if member.sync is not None:
        draft.reply(member.sync, SyncResult(error=error))
    draft.cancel_timer(TimerKind.SESSION, member.member_id)
    draft.group.remove(member.member_id)

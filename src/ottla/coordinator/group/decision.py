"""What a decision of the group coordinator is.

Two kinds of state, told apart on purpose:

- *Replicated*: what the log says (committed offsets; groups that are empty or stable). It changes by records alone,
  which are appended and replayed.
- *Volatile*: who has joined an unfinished rebalance, which requests are parked, which member ids are out. Kafka logs
  none of it, and neither do we: after a restart the members find out by their next request. A decision that changes
  it carries the group's whole next state in ``volatile``, computed on a copy.

A decision itself changes nothing. Its records are appended and replayed, then ``volatile`` takes the group's place,
timers are set at once, and replies leave when every record that the decision could see is committed.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple

from .classic import ClassicGroup
from .config import GroupConfig
from .member import Member, Token
from .records import Record
from .requests import Result


class RebalanceReason(Enum):
    """What sets a rebalance off."""

    NEW_MEMBER = "new_member"
    LEADER_REJOINED = "leader_rejoined"
    """the leader may have seen what the members' metadata does not show, such as new partitions"""
    METADATA_CHANGED = "metadata_changed"
    """a member joined again with other topics or protocols, or while a rebalance was being settled"""
    MEMBER_REPLACED = "member_replaced"
    """a static member came back, and the group could not go on as it was"""
    MEMBER_LEFT = "member_left"
    SESSION_EXPIRED = "session_expired"
    """no sign of life of a member within its session timeout"""
    SYNC_EXPIRED = "sync_expired"
    """members did not ask for their assignment in time"""
    NOT_STORED = "not_stored"
    """the assignment could not be written to the log"""
    TOO_LARGE = "too_large"
    """read from the log with more members than ``group.max.size`` allows now"""


class TimerKind(IntEnum):
    """What is waited for."""

    JOIN = 0
    """the end of the join phase"""
    SYNC = 1
    """the SyncGroup of every member of the new generation"""
    SESSION = 2
    """a sign of life of one member, or the use of a member id"""


class TimerKey(NamedTuple):
    """The name of a timer; ``member_id`` is empty unless it is a session's."""

    kind: TimerKind
    group_id: str
    member_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer the request that ``token`` stands for."""

    token: Token
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Come back in ``delay_ms`` milliseconds, instead of when it was said before.

    A delay, not a point in time: waits are measured by the monotonic clock, while a decision's ``now_ms`` stamps
    records.
    """

    key: TimerKey
    delay_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTimer:
    """Do not come back for this; harmless when nothing was set."""

    key: TimerKey


Effect = Reply | SetTimer | CancelTimer


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Records to append, the group's next volatile state, and what to do."""

    records: tuple[Record, ...] = ()
    volatile: ClassicGroup | None = None
    effects: tuple[Effect, ...] = ()
    rebalance: RebalanceReason | None = None
    """Set if a rebalance begins: why."""
    settles: bool = False
    """Whether a rebalance ends: the leader has handed in the assignment."""


NOTHING = Decision()
"""The decision to leave everything as it is."""


def refuse(token: Token, result: Result) -> Decision:
    """Answer at once and leave everything as it is."""
    return Decision(effects=(Reply(token=token, result=result),))


class Draft:
    """A decision in the making: a copy of the group to change, and what is to follow."""

    __slots__ = ("config", "effects", "group", "now_ms", "rebalance", "records", "settles")

    def __init__(self, group: ClassicGroup, *, now_ms: int, config: GroupConfig) -> None:
        self.group = group.copy()
        self.now_ms = now_ms
        self.config = config
        self.records: list[Record] = []
        self.effects: list[Effect] = []
        self.rebalance: RebalanceReason | None = None
        self.settles = False

    def reply(self, token: Token, result: Result) -> None:
        """Answer a request."""
        self.effects.append(Reply(token=token, result=result))

    def set_timer(self, kind: TimerKind, delay_ms: int, member_id: str = "") -> None:
        """Come back later for this group."""
        key = TimerKey(kind, self.group.group_id, member_id)
        self.effects.append(SetTimer(key=key, delay_ms=max(delay_ms, 0)))

    def cancel_timer(self, kind: TimerKind, member_id: str = "") -> None:
        """Do not come back for this."""
        self.effects.append(CancelTimer(key=TimerKey(kind, self.group.group_id, member_id)))

    def renew_session(self, member: Member) -> None:
        """Give a member the whole of its session timeout again."""
        self.set_timer(TimerKind.SESSION, member.session_timeout_ms, member.member_id)

    def decision(self) -> Decision:
        """Return what has been decided."""
        return Decision(
            records=tuple(self.records),
            volatile=self.group,
            effects=tuple(self.effects),
            rebalance=self.rebalance,
            settles=self.settles,
        )

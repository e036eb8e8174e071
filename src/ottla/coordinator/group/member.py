"""One member of a classic group.

A member is never changed once it is part of a group: a change makes a new one (:meth:`Member.but`). A group can then be
copied by copying its table of members, which is how a decision looks ahead without touching the state.
"""

from collections.abc import Iterable

Protocols = tuple[tuple[str, bytes], ...]
"""What a member supports, the one it likes best first: (name, the client's opaque metadata)."""

Token = object
"""Stands for a parked request; the driver gave it, and answers it when a ``Reply`` names it."""


class Member:
    """What the coordinator knows of one member.

    ``join`` and ``sync`` are the tokens of its parked JoinGroup and SyncGroup; ``is_new`` holds from its first join to
    the end of the join phase, while it has no session of its own yet.
    """

    __slots__ = (
        "assignment",
        "client_host",
        "client_id",
        "instance_id",
        "is_new",
        "join",
        "member_id",
        "protocols",
        "rebalance_timeout_ms",
        "session_timeout_ms",
        "sync",
    )

    def __init__(
        self,
        *,
        member_id: str,
        instance_id: str | None,
        client_id: str,
        client_host: str,
        rebalance_timeout_ms: int,
        session_timeout_ms: int,
        protocols: Protocols,
        assignment: bytes = b"",
        join: Token | None = None,
        sync: Token | None = None,
        is_new: bool = False,
    ) -> None:
        self.member_id = member_id
        self.instance_id = instance_id
        self.client_id = client_id
        self.client_host = client_host
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.session_timeout_ms = session_timeout_ms
        self.protocols = protocols
        self.assignment = assignment
        self.join = join
        self.sync = sync
        self.is_new = is_new

    def but(self, **changes: object) -> "Member":
        """Return a member that differs from this one by ``changes``."""
        fields: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        fields.update(changes)
        return Member(**fields)  # type: ignore[arg-type]  # the slots are the arguments

    def metadata(self, protocol: str | None) -> bytes:
        """Return the metadata for ``protocol``, which this member must support."""
        for name, metadata in self.protocols:
            if name == protocol:
                return metadata
        raise AssertionError(f"member {self.member_id} does not support protocol {protocol}")

    def vote(self, candidates: Iterable[str]) -> str:
        """Return the candidate that this member likes best; it must support one of them."""
        for name, _ in self.protocols:
            if name in candidates:
                return name
        raise AssertionError(f"member {self.member_id} supports none of {sorted(candidates)}")

    @property
    def satisfies_heartbeat(self) -> bool:
        """Whether its session may run out without consequence: a parked request is as good as a heartbeat."""
        return not self.is_new and (self.join is not None or self.sync is not None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Member):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key

    def __repr__(self) -> str:
        return f"Member({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

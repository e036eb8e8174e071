"""The classic protocol (11-14): a group's life, by raw requests of one and of several members."""

import time
from typing import Any

from tests.twin.peer import Client, Peer

SETTINGS = {"group.min.session.timeout.ms": 100, "group.max.size": 3}


def _join(group: str, member: str = "", version: int = 5, **more: Any) -> dict[str, Any]:
    timeout = {"rebalance_timeout_ms": 60_000} if version >= 1 else {}
    return {
        "api": "JoinGroup",
        "version": version,
        "group_id": group,
        "session_timeout_ms": 30_000,
        "member_id": member,
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": b"meta"}],
        **timeout,
        **more,
    }


def _sync(group: str, generation: int, member: str, version: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "api": "SyncGroup",
        "version": version,
        "group_id": group,
        "generation_id": generation,
        "member_id": member,
        **more,
    }


def _beat(group: str, generation: int, member: str, version: int = 3, **more: Any) -> dict[str, Any]:
    return {**_sync(group, generation, member, version, **more), "api": "Heartbeat"}


def _give(*members: str) -> list[dict[str, Any]]:
    return [{"member_id": member, "assignment": b"part %d" % number} for number, member in enumerate(members)]


def _member(client: Client, group: str, **more: Any) -> Any:
    """Join as a new member the modern way: ask for an id, then join with it."""
    first = client.call(**_join(group, note="wants an id", **more))
    return client.call(**_join(group, first.member_id, note="joins with its id", **more))


def _stable(peer: Peer, group: str, client: Client | None = None, **more: Any) -> Any:
    """A group of one member in Stable; its join's answer."""
    who = client or peer
    peer.settle_coordinator(group)
    first = who.ask(**_join(group, **more))
    joined = who.ask(**_join(group, first.member_id, **more))
    who.ask(**_sync(group, joined.generation_id, joined.member_id, assignments=_give(joined.member_id)))
    return joined


def join_in_every_version(peer: Peer) -> None:
    peer.settle_coordinator("join")
    for version in range(10):
        group = f"join-{version}"
        answer = peer.call(**_join(group, version=version))
        if answer.error_code == 79:
            answer = peer.call(**_join(group, answer.member_id, version=version))
        sync = {"protocol_type": "consumer", "protocol_name": "range"} if version >= 8 else {}
        peer.call(
            **_sync(
                group,
                answer.generation_id,
                answer.member_id,
                min(max(version - 3, 0), 5),
                assignments=_give(answer.member_id),
                **sync,
            )
        )
        peer.call(**_beat(group, answer.generation_id, answer.member_id, min(version, 4)))


def leave_in_every_version(peer: Peer) -> None:
    for version in range(6):
        group = f"leave-{version}"
        joined = _stable(peer, group)
        who: dict[str, Any] = {"member_id": joined.member_id}
        if version >= 3:
            who = {"members": [{"member_id": joined.member_id, "group_instance_id": None}]}
        peer.call("LeaveGroup", version, group_id=group, **who)
        peer.call("DescribeGroups", 4, groups=[group], note="is empty")
        peer.call("LeaveGroup", version, group_id=group, **who, note="again")


def join_refused(peer: Peer) -> None:
    peer.settle_coordinator("refused")
    peer.call(**_join("", note="no group"))
    peer.call(**_join("refused", "somebody", note="unknown member"))
    peer.call(**_join("refused", session_timeout_ms=99, note="session too short"))
    peer.call(**_join("refused", session_timeout_ms=1_800_001, note="session too long"))
    peer.call(**_join("refused", protocols=[], note="no protocols"))
    peer.call(**_join("refused", protocol_type="", note="no protocol type"))
    _stable(peer, "refused-2")
    peer.call(**_join("refused-2", protocol_type="connect", note="another type"))
    peer.call(**_join("refused-2", protocols=[{"name": "sticky"}], note="no protocol in common"))
    peer.call(**_join("refused-2", protocols=[], note="no protocols for a group that has some"))
    peer.call(**_join("refused-2", "somebody", note="unknown member of a stable group"))
    peer.call(**_join("refused-2", version=9, group_instance_id="", note="empty instance"))
    for version in (0, 3):
        peer.call(**_join("refused", "somebody", version, note="unknown member"))
    lying = [{"name": "range", "metadata": b"a count of topics that lies"}]
    peer.call(**_join("refused-3", version=3, protocols=lying, note="subscription with a count that lies"))


def sync_and_heartbeat_refused(peer: Peer) -> None:
    peer.settle_coordinator("sync")
    peer.call(**_sync("sync-none", 1, "m", note="no such group"))
    peer.call(**_beat("sync-none", 1, "m", note="no such group"))
    peer.call(**_sync("", 1, "m", note="no group"))
    peer.call(**_beat("", 1, "m", note="no group"))
    joined = _stable(peer, "sync")
    member, generation = joined.member_id, joined.generation_id
    for api in (_sync, _beat):
        peer.call(**api("sync", generation, "somebody", note="unknown member"))
        peer.call(**api("sync", generation + 1, member, note="later generation"))
        peer.call(**api("sync", generation - 1, member, note="earlier generation"))
        peer.call(**api("sync", generation, member, note="right"))
        peer.call(**api("sync", generation, "", note="empty member"))
        peer.call(**api("sync", generation, member, group_instance_id="i", note="with an unknown instance"))
    peer.call(**_sync("sync", generation, member, 5, protocol_type="connect", note="another type"))
    peer.call(**_sync("sync", generation, member, 5, protocol_name="sticky", protocol_type="consumer", note="another"))
    peer.call(**_sync("sync", generation, member, 5, protocol_type="consumer", protocol_name="range", note="right"))
    peer.call(**_sync("sync", generation, member, 5, note="no protocol told"))
    peer.ask("LeaveGroup", 3, group_id="sync", members=[{"member_id": member}])
    peer.call(**_sync("sync", generation, member, note="after leaving"))
    peer.call(**_beat("sync", generation, member, note="after leaving"))
    peer.call("LeaveGroup", 3, group_id="", members=[{"member_id": "m"}], note="no group")
    peer.call("LeaveGroup", 3, group_id="sync-none", members=[{"member_id": "m"}], note="no such group")
    peer.call("LeaveGroup", 2, group_id="sync-none", member_id="m", note="no such group")
    peer.call("LeaveGroup", 3, group_id="sync", members=[], note="nobody")


def two_members(peer: Peer) -> None:
    one, two = peer.client("one"), peer.client("two")
    peer.settle_coordinator("pair")
    leader = _member(one, "pair")
    one.call(**_sync("pair", 1, leader.member_id, assignments=_give(leader.member_id)))
    second = two.call(**_join("pair", note="wants an id"))
    peer.call("DescribeGroups", 5, groups=["pair"], note="a pending member")
    two.send(**_join("pair", second.member_id, note="parks"))
    peer.settle_group("pair", "PreparingRebalance")
    one.call(**_beat("pair", 1, leader.member_id, note="is told to join again"))
    one.call(**_sync("pair", 1, leader.member_id, note="is told as well"))
    peer.call("DescribeGroups", 5, groups=["pair"], note="preparing")
    one.call(**_join("pair", leader.member_id, note="joins again"))
    two.receive()
    peer.call("DescribeGroups", 5, groups=["pair"], note="completing")
    two.call(**_beat("pair", 2, second.member_id, note="while completing"))
    two.send(**_sync("pair", 2, second.member_id, note="waits for the leader"))
    one.call(**_sync("pair", 2, leader.member_id, assignments=_give(leader.member_id, second.member_id)))
    two.receive()
    peer.call("DescribeGroups", 5, groups=["pair"], note="stable")
    two.call(**_join("pair", second.member_id, note="the same member, the same metadata: no rebalance"))
    one.call("LeaveGroup", 4, group_id="pair", members=[{"member_id": leader.member_id}])
    two.call(**_beat("pair", 2, second.member_id, note="after the leader left"))
    two.call(**_join("pair", second.member_id, note="is the leader now"))
    two.call(**_sync("pair", 3, second.member_id, assignments=[], note="assigns nothing"))
    two.call("LeaveGroup", 4, group_id="pair", members=[{"member_id": second.member_id}])
    peer.call("DescribeGroups", 5, groups=["pair"], note="empty")


def protocols(peer: Peer) -> None:
    one, two = peer.client("one"), peer.client("two")
    peer.settle_coordinator("votes")
    three = [{"name": name, "metadata": name[:2].encode()} for name in ("sticky", "range", "rr")]
    first = _member(one, "votes", protocols=three)
    second = two.ask(**_join("votes", protocols=three[1:]))
    two.send(**_join("votes", second.member_id, protocols=three[1:], note="chosen among what both know"))
    peer.settle_group("votes", "PreparingRebalance")
    one.call(**_join("votes", first.member_id, protocols=three))
    two.receive()
    peer.call("DescribeGroups", 5, groups=["votes"])


def other_types(peer: Peer) -> None:
    peer.settle_coordinator("connect")
    for kind in ("connect", "sr", "share"):
        joined = _member(peer, f"type-{kind}", protocol_type=kind, version=7)
        peer.call(**_sync(f"type-{kind}", 1, joined.member_id, 3, assignments=_give(joined.member_id)))
        peer.call("DescribeGroups", 5, groups=[f"type-{kind}"])


def static_members(peer: Peer) -> None:
    peer.settle_coordinator("static")
    one, two = peer.client("one"), peer.client("two")
    join = _join("static", group_instance_id="i1", note="first")
    first = one.call(**join)
    one.call(**_sync("static", 1, first.member_id, group_instance_id="i1", assignments=_give(first.member_id)))
    one.call(**_beat("static", 1, first.member_id, group_instance_id="i1"))
    again = two.call(**_join("static", group_instance_id="i1", note="the same instance from elsewhere"))
    one.call(**_beat("static", 1, first.member_id, group_instance_id="i1", note="is fenced"))
    one.call(**_sync("static", 1, first.member_id, group_instance_id="i1", note="is fenced"))
    one.call(**_join("static", first.member_id, group_instance_id="i1", note="is fenced"))
    two.call(**_sync("static", 1, again.member_id, group_instance_id="i1", note="keeps the assignment"))
    two.call(**_beat("static", 1, again.member_id, group_instance_id="i1"))
    two.call(**_beat("static", 1, again.member_id, note="without its instance"))
    for version in (6, 9):
        found = two.call(**_join("static", version=version, group_instance_id="i1", note="leader comes back"))
    two.call(
        **_join("static", found.member_id, 9, group_instance_id="i1", protocols=[{"name": "range", "metadata": b"x"}])
    )
    peer.call("DescribeGroups", 5, groups=["static"])
    peer.call(
        "LeaveGroup", 3, group_id="static", members=[{"member_id": "x", "group_instance_id": "i1"}], note="wrong id"
    )
    unknown = [{"member_id": "", "group_instance_id": "i9"}, {"member_id": "", "group_instance_id": "i1"}]
    peer.call("LeaveGroup", 5, group_id="static", members=unknown, note="one unknown, one by its instance")
    peer.call("DescribeGroups", 5, groups=["static"])


def full_group(peer: Peer) -> None:
    peer.settle_coordinator("full")
    clients = [peer.client(f"c{number}") for number in range(3)]
    for number, client in enumerate(clients):
        client.send(**_join("full", version=3))
        peer.settle_group("full", "CompletingRebalance" if number == 0 else "PreparingRebalance", number + 1)
    peer.call(**_join("full", version=3, note="one too many"))
    peer.call(**_join("full", version=5, note="one too many"))


def sessions_end(peer: Peer) -> None:
    peer.settle_coordinator("ends")
    joined = _stable(peer, "ends", session_timeout_ms=150)
    peer.settle_group("ends", "Empty", 0)
    peer.call(**_beat("ends", joined.generation_id, joined.member_id, note="after its session"))
    first = peer.call(**_join("ends", session_timeout_ms=150, note="a pending member"))
    over_s = time.monotonic() + 0.6
    peer.settle(lambda: time.monotonic() > over_s, "its end")
    peer.call(**_join("ends", first.member_id, session_timeout_ms=150, note="after its session"))
    peer.call("DescribeGroups", 5, groups=["ends"])


def rebalance_ends(peer: Peer) -> None:
    one, two = peer.client("one"), peer.client("two")
    first = _stable(peer, "slow", one, rebalance_timeout_ms=300)
    second = two.ask(**_join("slow", rebalance_timeout_ms=300))
    two.call(**_join("slow", second.member_id, rebalance_timeout_ms=300, note="the other never joins again"))
    one.call(**_beat("slow", first.generation_id, first.member_id, note="was removed"))
    peer.settle_group("slow", "Empty", 0)
    two.call(**_sync("slow", 2, second.member_id, note="too late"))

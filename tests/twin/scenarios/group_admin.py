"""FindCoordinator (10), DescribeGroups (15), ListGroups (16), DeleteGroups (42)."""

from typing import Any

from tests.twin.peer import Peer


def find(peer: Peer) -> None:
    peer.settle_coordinator("any")
    for version in range(4):
        kind: dict[str, Any] = {"key_type": 0} if version >= 1 else {}
        peer.call("FindCoordinator", version, key="any", **kind)
    for version in (4, 5, 6):
        peer.call("FindCoordinator", version, coordinator_keys=["any", "other"])
    peer.call("FindCoordinator", 4, coordinator_keys=[], note="nothing")
    peer.call("FindCoordinator", 1, key="", key_type=0, note="empty group")
    peer.call("FindCoordinator", 4, coordinator_keys=["any", "any"], note="twice")
    peer.call("FindCoordinator", 1, key="any", key_type=7, note="no such type")
    peer.call("FindCoordinator", 4, coordinator_keys=["any"], key_type=7, note="no such type")
    peer.call("FindCoordinator", 1, key="any", key_type=2, note="share group before its version")
    peer.call("FindCoordinator", 6, coordinator_keys=["nonsense"], key_type=2, note="share key that is none")


def _member(peer: Peer, group: str, kind: str = "consumer") -> Any:
    more: dict[str, Any] = {
        "group_id": group,
        "session_timeout_ms": 30_000,
        "rebalance_timeout_ms": 30_000,
        "protocol_type": kind,
        "protocols": [{"name": "range", "metadata": b"meta"}],
    }
    joined = peer.ask("JoinGroup", 3, **more)
    peer.ask("SyncGroup", 1, group_id=group, generation_id=1, member_id=joined.member_id)
    return joined


def _commit(peer: Peer, group: str) -> None:
    parts = [{"name": "orders", "partitions": [{"partition_index": 0, "committed_offset": 5}]}]
    peer.ask("OffsetCommit", 7, group_id=group, topics=parts)


def describe(peer: Peer) -> None:
    peer.settle_coordinator("described")
    peer.create_topic("orders")
    _member(peer, "described")
    _commit(peer, "simple")
    for version in range(7):
        peer.call("DescribeGroups", version, groups=["described", "simple", "unknown"])
    peer.call("DescribeGroups", 4, groups=["described"], include_authorized_operations=True)
    peer.call("DescribeGroups", 4, groups=["unknown"], include_authorized_operations=True)
    peer.call("DescribeGroups", 4, groups=[], note="nothing")
    peer.call("DescribeGroups", 4, groups=["", "described"], note="empty name")
    peer.call("DescribeGroups", 4, groups=["described", "described"], note="twice")


def list_groups(peer: Peer) -> None:
    joined = _member(peer, "left-empty")
    peer.ask("LeaveGroup", 1, group_id="left-empty", member_id=joined.member_id)
    _member(peer, "connected", "connect")
    for version in range(6):
        peer.call("ListGroups", version)
    for states in (["Stable"], ["Empty"], ["stable"], ["Nonsense"], ["Stable", "Empty"], ["Dead"], [""]):
        peer.call("ListGroups", 4, states_filter=states)
    for types in (["classic"], ["consumer"], ["Classic"], ["share"], ["nonsense"], [""], ["classic", "consumer"]):
        peer.call("ListGroups", 5, types_filter=types)
    peer.call("ListGroups", 5, types_filter=["classic"], states_filter=["Empty"])


def delete(peer: Peer) -> None:
    for version in range(3):
        _commit(peer, f"gone-{version}")
        peer.call("DeleteGroups", version, groups_names=[f"gone-{version}"])
    peer.call("DeleteGroups", 2, groups_names=["gone-2"], note="again")
    peer.call("OffsetFetch", 5, group_id="gone-2", topics=None, note="its offsets are gone")
    peer.call("DeleteGroups", 2, groups_names=["described"], note="has members")
    peer.call("DeleteGroups", 2, groups_names=["left-empty"], note="is empty")
    peer.call("DeleteGroups", 2, groups_names=[""], note="empty name")
    peer.call("DeleteGroups", 2, groups_names=[], note="nothing")
    peer.call("DeleteGroups", 2, groups_names=["simple", "simple"], note="twice")
    peer.call("DeleteGroups", 2, groups_names=["connected", "unknown"], note="two refusals")
    peer.call("ListGroups", 4, note="what is left")

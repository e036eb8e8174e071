"""ApiVersions (18), and what happens to keys and versions that nobody serves."""

import struct

from tests.twin.peer import Peer


def every_version(peer: Peer) -> None:
    for version in range(5):
        peer.call("ApiVersions", version, client_software_name="twin", client_software_version="1.0")


def names_of_software(peer: Peer) -> None:
    for name, version in [("", "1"), ("a b", "1"), ("-a", "1"), ("a", ""), ("a", "1_0"), ("a.b-c", "1-2.x")]:
        peer.call("ApiVersions", 3, client_software_name=name, client_software_version=version)


def _head(key: int, version: int, client_id: str | None = "twin") -> bytes:
    raw = None if client_id is None else client_id.encode()
    return struct.pack(">hhih", key, version, 7, -1 if raw is None else len(raw)) + (raw or b"")


def unknown_versions(peer: Peer) -> None:
    peer.raw(_head(18, 5) + b"\0\1a\1b\0", note="ApiVersions 5")
    peer.raw(_head(18, 32767) + b"\0", note="ApiVersions 32767 without a body")
    peer.raw(_head(18, -1), note="ApiVersions -1")
    peer.raw(_head(3, 14) + b"\0\0\0\0\0", note="Metadata 14")
    peer.raw(_head(3, -1), note="Metadata -1")
    peer.raw(_head(1, 3), note="Fetch 3")
    peer.raw(_head(0, 2) + struct.pack(">hii", 1, 1, 0), note="Produce 2")
    peer.raw(_head(4, 0), note="LeaderAndIsr")
    peer.raw(_head(1000, 0), note="unknown key")
    peer.raw(_head(-1, 0), note="negative key")
    peer.raw(_head(58, 0), note="Envelope")


def broken_frames(peer: Peer) -> None:
    peer.raw(b"", note="empty frame")
    peer.raw(b"\0\x12\0\0", note="half a header")
    peer.raw(_head(18, 0, None), note="null client id")
    peer.raw(_head(18, 0, ""), note="empty client id")
    peer.raw(_head(18, 0) + b"more", note="bytes behind the request")
    peer.raw(struct.pack(">hhih", 18, 0, 7, 100), note="client id beyond the frame")
    peer.raw(struct.pack(">hhih", 18, 0, 7, 2) + b"\xff\xfe", note="client id that is no UTF-8")
    peer.raw(_head(18, 3) + b"\0\1a", note="truncated request", version=3)
    peer.raw(_head(3, 1) + struct.pack(">i", 1 << 30), note="array count that lies", api="Metadata", version=1)
    peer.raw(_head(3, 1) + struct.pack(">i", -2), note="negative array count", api="Metadata", version=1)
    peer.raw(_head(18, 3) + b"\2\5\1x\2a\2b\0", note="tagged fields of the header, cut short", version=3)
    peer.raw(_head(18, 3) + b"\1\5\1x\1\1\0", note="unknown tag in the header", version=3)


def pipelined(peer: Peer) -> None:
    """Answers come in the order of their requests, whatever each of them costs."""
    peer.create_topic("pipelined")
    part = [{"fetch_offset": 0, "partition_max_bytes": 1}]
    peer.send("Fetch", 11, max_wait_ms=200, min_bytes=1, topics=[{"topic": "pipelined", "partitions": part}])
    peer.send("Metadata", 1, topics=[], note="behind a fetch that waits")
    peer.send("ListOffsets", 5, replica_id=-1, topics=[])
    for _ in range(3):
        peer.receive()

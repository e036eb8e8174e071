"""Feeds made-up frames to the header reader and every request decoder until something else than a PeerError comes out.

``python -m tools.fuzz.requests [--seconds N] [libFuzzer options and corpus folders]`` (``make fuzz``).
"""

import random
import struct
import sys

from tools.fuzz.search import search

from ottla.model.errors import PeerError
from ottla.protocol import api, header
from ottla.protocol.message import Message


def one_frame(frame: bytes) -> None:
    """Read a frame as the broker does; a request that can be read can be written and read again."""
    try:
        head = header.decode_request_header(frame)
        message = api.decode_request(head.api_key, head.api_version, frame, head.body_pos)
    except PeerError:
        return
    written = encoded(head.api_key, head.api_version, message)
    again = api.decode_request(head.api_key, head.api_version, written, 0)
    assert encoded(head.api_key, head.api_version, again) == written


def encoded(key: int, version: int, message: Message) -> bytes:
    """Return the body of a request."""
    out = bytearray()
    api.codec(key).encode_request(message, version, out)
    return bytes(out)


def seeds() -> list[bytes]:
    """Return one frame for each API and version: its header and an empty request."""
    frames = []
    for each in api.apis():
        request = getattr(api.codec(each.key), f"{each.name}Request")
        for version in range(each.request_versions[0], each.request_versions[1] + 1):
            frame = bytearray()
            header.encode_request_header(frame, each.key, version, 1, "fuzz")
            try:
                api.codec(each.key).encode_request(request(), version, frame)
            except AssertionError:
                frame += bytes(64)
            frames.append(bytes(frame))
    return frames


FRAMES = seeds()


def guided(data: bytes) -> None:
    """Take the first two bytes for the choice of a header, the rest for the body."""
    if len(data) > 2:
        frame = FRAMES[struct.unpack_from(">H", data)[0] % len(FRAMES)]
        one_frame(frame[: header.decode_request_header(frame).body_pos] + data[2:])
        one_frame(data)


def by_chance(chance: random.Random) -> None:
    """Damage a frame."""
    frame = bytearray(chance.choice(FRAMES))
    frame += chance.randbytes(chance.randrange(40))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(4, len(frame))
        frame[at : at + chance.randrange(2)] = bytes((chance.choice((0, 1, 2, 127, 128, 255)),))
    one_frame(bytes(frame))


if __name__ == "__main__":
    sys.exit(search(sys.argv[1:], guided=guided, by_chance=by_chance))

"""Feeds made-up frames to the header reader and every request decoder until something else than a PeerError comes out.

``python tools/fuzz/fuzz_requests.py [--seconds N] [libFuzzer options and corpus folders]`` (``make fuzz``). With
atheris the search follows the branches of the decoders; where there is no atheris for the interpreter (it has wheels
for CPython 3.12 to 3.14 on Linux), frames are damaged at random for the given time instead.
"""

import random
import struct
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec

from ottla.model.errors import PeerError
from ottla.protocol import api, header
from ottla.protocol.message import Message

SECONDS = 60


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


def with_atheris(arguments: list[str]) -> None:
    """Search with atheris; it ends the process by itself."""
    import atheris

    frames = seeds()

    def guided(data: bytes) -> None:
        """Take the first two bytes for the choice of a header, the rest for the body."""
        if len(data) > 2:
            frame = frames[struct.unpack_from(">H", data)[0] % len(frames)]
            one_frame(frame[: header.decode_request_header(frame).body_pos] + data[2:])
            one_frame(data)

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *arguments], guided)
    atheris.Fuzz()


def at_random(seconds: float) -> int:
    """Damage frames for some time; return how many were tried."""
    frames = seeds()
    seed = random.SystemRandom().randrange(2**32)
    print(f"no atheris here: random damage for {seconds:g} s, seed {seed}")
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:
        for _ in range(500):
            frame = bytearray(chance.choice(frames))
            frame += chance.randbytes(chance.randrange(40))
            for _ in range(chance.randint(1, 6)):
                at = chance.randrange(4, len(frame))
                frame[at : at + chance.randrange(2)] = bytes((chance.choice((0, 1, 2, 127, 128, 255)),))
            one_frame(bytes(frame))
            tried += 1
    return tried


def main(arguments: Sequence[str]) -> int:
    """Run the search; return the exit code."""
    rest = list(arguments)
    seconds = float(SECONDS)
    if "--seconds" in rest:
        at = rest.index("--seconds")
        seconds = float(rest[at + 1])
        del rest[at : at + 2]
    if find_spec("atheris") is not None:
        with_atheris([f"-max_total_time={seconds:.0f}", *rest])
        return 0
    print(f"{at_random(seconds)} frames, nothing but PeerError")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

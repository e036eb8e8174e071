"""Load for a node, made before the clock starts: the same request frames go to Ottla and to the raw floor.

``python bench/load.py HOST:PORT FRAMES_FILE SECONDS_OR_COUNT`` is a process of its own, so that the sender does not
share an interpreter with anything else. It keeps ``IN_FLIGHT`` requests under way and prints one JSON line.
"""

import json
import socket
import struct
import sys
import time

IN_FLIGHT = 5
SIZE = struct.Struct(">i")


def send_all(address: tuple[str, int], frames: list[bytes], total: int) -> float:
    """Send ``total`` frames, taken in turn from ``frames``, and return the seconds until the last was answered."""
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answers = bytearray()
    sent = answered = 0
    begin = time.perf_counter()
    while answered < total:
        while sent < total and sent - answered < IN_FLIGHT:
            connection.sendall(frames[sent % len(frames)])
            sent += 1
        received = connection.recv(1 << 16)
        if not received:
            raise ConnectionError(f"the server closed the connection after {answered} answers")
        answers += received
        position = 0
        while len(answers) - position >= 4:
            size = SIZE.unpack_from(answers, position)[0]
            if len(answers) - position < 4 + size:
                break
            position += 4 + size
            answered += 1
        del answers[:position]
    seconds = time.perf_counter() - begin
    connection.close()
    return seconds


def main() -> None:
    """Read the frames, send them, say how long it took."""
    host, _, port = sys.argv[1].rpartition(":")
    data = memoryview(open(sys.argv[2], "rb").read())  # noqa: SIM115, PTH123 - read whole, the process ends soon
    frames = []
    position = 0
    while position < len(data):
        size = SIZE.unpack_from(data, position)[0]
        frames.append(bytes(data[position : position + 4 + size]))
        position += 4 + size
    total = int(sys.argv[3])
    seconds = send_all((host, int(port)), frames, total)
    print(json.dumps({"seconds": seconds, "requests": total, "bytes": sum(map(len, frames)) * total // len(frames)}))


if __name__ == "__main__":
    main()

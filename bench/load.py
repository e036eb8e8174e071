"""Load for a node, made before the clock starts: the same request frames go to Ottla and to the raw floor.

``python bench/load.py HOST:PORT FRAMES_FILE COUNT IN_FLIGHT`` is a process of its own, so that the sender does not
share an interpreter with anything else. It keeps ``IN_FLIGHT`` requests under way and prints one JSON object.
"""

import json
import socket
import struct
import sys
import time

SIZE = struct.Struct(">i")


def send_all(address: tuple[str, int], frames: list[bytes], total: int, in_flight: int) -> tuple[float, int]:
    """Send ``total`` frames, taken in turn from ``frames``; return the seconds until the last answer, and its bytes."""
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = memoryview(bytearray(4 << 20))
    have = skip = sent = answered = received_bytes = 0
    begin = time.perf_counter()
    while answered < total:
        while sent < total and sent - answered < in_flight:
            connection.sendall(frames[sent % len(frames)])
            sent += 1
        received = connection.recv_into(buffer[have:])
        if not received:
            raise ConnectionError(f"the server closed the connection after {answered} answers")
        received_bytes += received
        # Only sizes are looked at: what is inside an answer is passed over.
        position, end = 0, have + received
        if skip >= end:
            skip, have = skip - end, 0
            answered += skip == 0
            continue
        if skip:
            position, skip = skip, 0
            answered += 1
        while end - position >= 4:
            size = SIZE.unpack_from(buffer, position)[0] + 4
            if end - position < size:
                skip = size - (end - position)
                position = end
                break
            position += size
            answered += 1
        have = end - position
        buffer[:have] = bytes(buffer[position:end])
    seconds = time.perf_counter() - begin
    connection.close()
    return seconds, received_bytes


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
    seconds, received_bytes = send_all((host, int(port)), frames, total, int(sys.argv[4]))
    sent_bytes = sum(map(len, frames)) * total // len(frames)
    print(json.dumps({"seconds": seconds, "requests": total, "sent": sent_bytes, "received": received_bytes}))


if __name__ == "__main__":
    main()

"""The raw floor: the least that a Python process can do with the bytes that a broker gets and gives.

``floor.py write FILE ANSWER_BYTES`` receives frames from a socket into one buffer, writes them to a file, and answers
each with a few bytes, so that the sender works as it does with a broker. ``floor.py read FILE ANSWER_BYTES`` answers
each frame with that many bytes from the file, the next ones every time, and begins anew at its end.
"""

import os
import socket
import struct
import sys

SIZE = struct.Struct(">i")


def receive_exactly(connection: socket.socket, view: memoryview) -> bool:
    """Fill ``view`` from the socket; return False when the peer is done."""
    filled = 0
    while filled < len(view):
        received = connection.recv_into(view[filled:])
        if received == 0:
            return False
        filled += received
    return True


def serve(mode: str, path: str, answer_bytes: int) -> None:
    """Take connections one after the other until the process is killed."""
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"ready {listening.getsockname()[1]}", flush=True)
    answer = bytearray(SIZE.pack(answer_bytes) + bytes(answer_bytes))
    records_view = memoryview(answer)[4:]
    size_view = memoryview(bytearray(4))
    body_view = memoryview(bytearray(2 << 20))
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = os.open(path, os.O_RDWR | os.O_CREAT | (os.O_TRUNC if mode == "write" else 0), 0o644)
        end = os.fstat(file).st_size
        position = 0
        with connection:
            while receive_exactly(connection, size_view):
                body = body_view[: SIZE.unpack(size_view)[0]]
                if not receive_exactly(connection, body):
                    break
                if mode == "write":
                    os.write(file, body)
                else:
                    position = position if position + answer_bytes <= end else 0
                    os.preadv(file, [records_view], position)
                    position += answer_bytes
                connection.sendall(answer)
        os.close(file)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))

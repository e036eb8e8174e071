"""CRC-32C (Castagnoli), the checksum of record batches.

One function, :func:`crc32c`, bound at import time to the best implementation that is installed: fastcrc, crc32c,
google_crc32c, or a table in plain Python (right, and some thousand times slower). All of them take any buffer
without copying it, except google_crc32c, which copies what is not ``bytes``.
"""

from collections.abc import Callable
from typing import Protocol

Buffer = bytes | bytearray | memoryview
"""What bytes come in; see :func:`crc32c`."""


class Crc(Protocol):
    """A CRC-32C function."""

    def __call__(self, data: Buffer, value: int = 0, /) -> int:
        """Return the CRC of ``data``, going on from ``value``."""


_POLYNOMIAL = 0x82F63B78


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


def plain_crc32c() -> Crc:
    """Return the implementation that needs nothing but Python."""
    table = _table()

    def crc32c(data: Buffer, value: int = 0, /) -> int:
        crc = value ^ 0xFFFFFFFF
        for byte in memoryview(data).cast("B"):
            crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
        return crc ^ 0xFFFFFFFF

    return crc32c


def fastcrc_crc32c() -> Crc:
    """Return fastcrc's implementation, or raise ImportError."""
    from fastcrc.crc32 import iscsi

    function: Crc = iscsi
    return function


def crc32c_crc32c() -> Crc:
    """Return the implementation of the package crc32c, or raise ImportError."""
    from crc32c import crc32c

    function: Crc = crc32c
    return function


def google_crc32c() -> Crc:
    """Return google_crc32c's implementation, or raise ImportError."""
    import importlib

    extend = importlib.import_module("google_crc32c").extend

    def crc32c(data: Buffer, value: int = 0, /) -> int:
        crc: int = extend(value, bytes(data))
        return crc

    return crc32c


IMPLEMENTATIONS: tuple[Callable[[], Crc], ...] = (fastcrc_crc32c, crc32c_crc32c, google_crc32c, plain_crc32c)
"""In the order in which they are tried."""


def _best() -> Crc:
    for implementation in IMPLEMENTATIONS:
        try:
            return implementation()
        except ImportError:
            continue
    raise AssertionError("the last implementation needs no import")


crc32c: Crc = _best()
"""``crc32c(data, value=0)``: the CRC-32C of ``data``, going on from ``value``, the CRC of the bytes before it."""

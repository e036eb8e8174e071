"""The four codecs of record batches, in the framing that Java's readers and writers use, with bounded output.

- gzip: RFC 1952, by zlib.
- snappy: xerial's stream (a head of 16 bytes, then blocks, each with its length), by cramjam. Raw snappy, as
  librdkafka writes it, is read as well.
- lz4: an LZ4 frame of independent 64 KiB blocks (Java refuses linked ones), by lz4, else by cramjam.
- zstd: a zstd frame, by compression.zstd (Python 3.14), else by backports.zstd.

A library is imported when its codec is first used. Levels and their defaults are those of Kafka's settings
``compression.gzip.level``, ``compression.lz4.level`` and ``compression.zstd.level``.

Whoever decompresses says how much may come out. More than that raises ``ApiError(MESSAGE_TOO_LARGE)``: Kafka has no
such limit, so it has no code for it either, and this is the one that makes a producer split its batch and go on.
Bytes that do not decompress raise ``ApiError(INVALID_RECORD)`` (Kafka says UNKNOWN_SERVER_ERROR).
"""

import importlib
import zlib
from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from typing import Any

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from .batch import invalid
from .crc import Buffer


class Codec(IntEnum):
    """A codec by its number in a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


DEFAULT_LEVELS = {Codec.GZIP: -1, Codec.LZ4: 9, Codec.ZSTD: 3}
"""Kafka's defaults; snappy has no levels."""

_XERIAL_HEAD = b"\x82SNAPPY\x00"
_XERIAL_START = _XERIAL_HEAD + b"\x00\x00\x00\x01\x00\x00\x00\x01"
_XERIAL_BLOCK_BYTES = 32 * 1024
_INT = Struct(">i")
_GZIP_WINDOW_BITS = 31
_LZ4_INT = Struct("<I")
_LZ4_START = b"\x04\x22\x4d\x18\x60\x40\x82"
"""Magic, version 1 with independent blocks and no checksums, blocks of 64 KiB, and the checksum of these two."""
_LZ4_END = bytes(4)
_LZ4_STORED = 0x80000000
_LZ4_BLOCK_BYTES = 64 * 1024
_LZ4_FAST_LEVEL = 9
_LZ4_LEAST_HIGH_LEVEL = 3


def compress(codec: Codec | int, data: Buffer, level: int | None = None) -> bytes:
    """Return ``data`` in the codec's framing; ``level`` None means Kafka's default."""
    return _COMPRESS[codec](data, DEFAULT_LEVELS.get(Codec(codec), 0) if level is None else level)


def decompress(codec: Codec | int, data: Buffer, max_bytes: int) -> bytes:
    """Return what ``data`` was before.

    Raises ``ApiError``: MESSAGE_TOO_LARGE if it is more than ``max_bytes``, INVALID_RECORD if it is rubbish.
    """
    function = _DECOMPRESS.get(codec)
    if function is None:
        raise invalid(f"there is no codec {codec}")
    return function(data, max_bytes)


def _too_large(max_bytes: int) -> ApiError:
    return ApiError(ErrorCode.MESSAGE_TOO_LARGE, f"a batch of more than {max_bytes} bytes when decompressed")


def _copy(data: Buffer, _level: int) -> bytes:
    return bytes(data)


def _copy_bounded(data: Buffer, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    return bytes(data)


def _gzip(data: Buffer, level: int) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, _GZIP_WINDOW_BITS)
    return compressor.compress(data) + compressor.flush()


def _gunzip(data: Buffer, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    left = max_bytes
    while True:
        member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        try:
            part = member.decompress(data, left + 1)
        except zlib.error as error:
            if parts:
                break  # Java's reader ignores what follows a member and is none
            raise invalid(f"not gzip: {error}") from None
        if len(part) > left:
            raise _too_large(max_bytes)
        if not member.eof:
            raise invalid("gzip data is cut off")
        parts.append(part)
        left -= len(part)
        data = member.unused_data
        if not data:
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _snappy(data: Buffer, _level: int) -> bytes:
    from cramjam import snappy

    view = memoryview(data)
    out = bytearray(_XERIAL_START)
    for start in range(0, len(view), _XERIAL_BLOCK_BYTES):
        block = bytes(snappy.compress_raw(view[start : start + _XERIAL_BLOCK_BYTES]))
        out += _INT.pack(len(block))
        out += block
    return bytes(out)


def _unsnappy(data: Buffer, max_bytes: int) -> bytes:
    if bytes(data[:8]) != _XERIAL_HEAD:
        return _unsnappy_block(data, max_bytes)
    view = memoryview(data)
    parts: list[bytes] = []
    left = max_bytes
    pos = len(_XERIAL_START)
    if len(view) < pos:
        raise invalid("snappy data is cut off")
    while pos + 4 <= len(view):
        if bytes(view[pos : pos + 8]) == _XERIAL_HEAD:  # streams may follow one another
            pos += len(_XERIAL_START)
            continue
        (length,) = _INT.unpack_from(view, pos)
        pos += 4
        if length < 0 or length > len(view) - pos:
            raise invalid("a snappy block is cut off")
        part = _unsnappy_block(view[pos : pos + length], left, max_bytes)
        parts.append(part)
        left -= len(part)
        pos += length
    if pos < len(view):
        raise invalid("snappy data is cut off")
    return b"".join(parts)


def _unsnappy_block(block: Buffer, left: int, max_bytes: int | None = None) -> bytes:
    from cramjam import DecompressionError, snappy

    try:
        if snappy.decompress_raw_len(block) > left:
            raise _too_large(left if max_bytes is None else max_bytes)
        return bytes(snappy.decompress_raw(block))
    except DecompressionError as error:
        raise invalid(f"not snappy: {error}") from None


def _lz4(data: Buffer, level: int) -> bytes:
    # Kafka's default, 9, stands for the fast compressor and every other level for the high one.
    high_level = 0 if level == _LZ4_FAST_LEVEL else max(level, _LZ4_LEAST_HIGH_LEVEL)
    try:
        import lz4.frame as lz4_frame
    except ImportError:
        return _lz4_by_cramjam(data, high_level)
    frame: bytes = lz4_frame.compress(
        data,
        compression_level=high_level,
        block_size=lz4_frame.BLOCKSIZE_MAX64KB,
        block_linked=False,
        store_size=False,
    )
    return frame


def _lz4_by_cramjam(data: Buffer, high_level: int) -> bytes:
    """Compress by blocks and frame them here: cramjam's own frames have linked blocks, which Java refuses."""
    from cramjam import lz4

    view = memoryview(data)
    out = bytearray(_LZ4_START)
    for start in range(0, len(view), _LZ4_BLOCK_BYTES):
        raw = view[start : start + _LZ4_BLOCK_BYTES]
        if high_level:
            block = bytes(lz4.compress_block(raw, mode="high_compression", compression=high_level, store_size=False))
        else:
            block = bytes(lz4.compress_block(raw, store_size=False))
        if len(block) < len(raw):
            out += _LZ4_INT.pack(len(block))
            out += block
        else:
            out += _LZ4_INT.pack(len(raw) | _LZ4_STORED)
            out += raw
    out += _LZ4_END
    return bytes(out)


def _unlz4(data: Buffer, max_bytes: int) -> bytes:
    try:
        import lz4.frame as lz4_frame
    except ImportError:
        return _unlz4_by_cramjam(data, max_bytes)
    decompressor = lz4_frame.LZ4FrameDecompressor()
    try:
        out: bytes = decompressor.decompress(data, max_bytes + 1)
    except (RuntimeError, ValueError) as error:
        raise invalid(f"not lz4: {error}") from None
    if len(out) > max_bytes:
        raise _too_large(max_bytes)
    if not decompressor.eof:
        raise invalid("lz4 data is cut off")
    return out


def _unlz4_by_cramjam(data: Buffer, max_bytes: int) -> bytes:
    from cramjam import DecompressionError, lz4

    out = bytearray(max_bytes)
    try:
        written: int = lz4.decompress_into(data, out)
    except DecompressionError as error:
        raise invalid(f"not lz4, or more than {max_bytes} bytes of it: {error}") from None
    return bytes(memoryview(out)[:written])


def _zstd_module() -> Any:
    """Return the module that has ZstdCompressor; the same on every Python."""
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return importlib.import_module("backports.zstd")


def _zstd(data: Buffer, level: int) -> bytes:
    # One object a call: sharing one between threads crashes some implementations.
    frame: bytes = _zstd_module().compress(data, level=level)
    return frame


def _unzstd(data: Buffer, max_bytes: int) -> bytes:
    zstd = _zstd_module()
    parts: list[bytes] = []
    left = max_bytes
    while True:
        frame = zstd.ZstdDecompressor()
        try:
            part: bytes = frame.decompress(data, left + 1)
        except zstd.ZstdError as error:
            raise invalid(f"not zstd: {error}") from None
        if len(part) > left:
            raise _too_large(max_bytes)
        if not frame.eof:
            raise invalid("zstd data is cut off")
        parts.append(part)
        left -= len(part)
        data = frame.unused_data
        if not data:
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


_COMPRESS: dict[int, Callable[[Buffer, int], bytes]] = {
    Codec.NONE: _copy,
    Codec.GZIP: _gzip,
    Codec.SNAPPY: _snappy,
    Codec.LZ4: _lz4,
    Codec.ZSTD: _zstd,
}

_DECOMPRESS: dict[int, Callable[[Buffer, int], bytes]] = {
    Codec.NONE: _copy_bounded,
    Codec.GZIP: _gunzip,
    Codec.SNAPPY: _unsnappy,
    Codec.LZ4: _unlz4,
    Codec.ZSTD: _unzstd,
}

"""Variable-length integers as records use them: zigzag, seven bits a byte, the lowest first.

The readers here are for the rare long ones; loops that are hot read one and two bytes by themselves. They take what
Kafka's ByteUtils takes: up to five bytes for an int and ten for a long, bits beyond 32 and 64 dropped.
"""

_SHORT = tuple(bytes((number << 1,)) for number in range(64))
"""The encodings of 0 to 63."""


def read_unsigned(data: bytes | memoryview, pos: int) -> tuple[int, int]:
    """Return the raw 32 bits at ``pos`` and the position behind; IndexError at the end, ValueError if too long."""
    value = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFF, pos
        shift += 7
        if shift > 28:
            raise ValueError("a varint of more than five bytes")


def read_unsigned_long(data: bytes, pos: int) -> tuple[int, int]:
    """Return the raw 64 bits at ``pos`` and the position behind; IndexError at the end, ValueError if too long."""
    value = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, pos
        shift += 7
        if shift > 63:
            raise ValueError("a varlong of more than ten bytes")


def read_varint(data: bytes, pos: int) -> tuple[int, int]:
    """Return the int at ``pos`` and the position behind; errors as :func:`read_unsigned`."""
    raw, pos = read_unsigned(data, pos)
    return raw >> 1 ^ -(raw & 1), pos


def read_varlong(data: bytes, pos: int) -> tuple[int, int]:
    """Return the long at ``pos`` and the position behind; errors as :func:`read_unsigned_long`."""
    raw, pos = read_unsigned_long(data, pos)
    return raw >> 1 ^ -(raw & 1), pos


def varint(value: int) -> bytes:
    """Return the encoding of an int or long: for both it is the same."""
    if 0 <= value < 64:
        return _SHORT[value]
    raw = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)

"""Questions about how a struct lies on the wire: its least size, and which versions look alike."""

from .schema import Field, Message, Struct, Versions
from .source import CHARS, SIZES


def element_bytes(field: Field, versions: Versions, flexible: Versions) -> int:
    """Return the least number of bytes that one element of an array takes in any of the versions."""
    return max(1, min(_value_bytes(field, version, version in flexible) for version in versions))


def _value_bytes(field: Field, version: int, flexible: bool) -> int:
    if field.struct is not None:
        return _struct_bytes(field.struct, version, flexible)
    if field.type in CHARS:
        return SIZES[CHARS[field.type]]
    if flexible:
        return 1
    return 2 if field.type == "string" else 4


def _struct_bytes(struct: Struct, version: int, flexible: bool) -> int:
    total = 1 if flexible else 0
    for field in struct.fields:
        if version not in field.versions or version in field.tagged:
            continue
        if field.is_array:
            total += 1 if flexible else 4
        elif field.struct is not None and version in field.nullable:
            total += 1
        else:
            total += _value_bytes(field, version, flexible)
    return total


def signature(struct: Struct, version: int, flexible: bool) -> object:
    """Return something that is equal for versions in which the struct is written and read by the same steps."""
    return tuple(
        (
            version in field.versions,
            version in field.nullable,
            version in field.tagged,
            flexible,
            signature(field.struct, version, flexible) if field.struct and version in field.versions else None,
        )
        for field in struct.fields
    )


def alike(message: Message) -> list[Versions]:
    """Return the versions in groups of the same layout, lowest first."""
    groups: dict[object, set[int]] = {}
    for version in sorted(message.versions):
        groups.setdefault(signature(message.root, version, version in message.flexible), set()).add(version)
    return [frozenset(group) for group in groups.values()]

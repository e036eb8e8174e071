"""Versions that Kafka 4 dropped, put back from the schemas of the last release that had them.

In a version that both releases have, the newer one's definition holds. A version that only the older one has takes
every field from there: a field that both know is widened by the older versions it is in, one that was dropped comes
back behind the field that it stood behind.
"""

from dataclasses import replace

from .schema import Field, Message, Struct, Versions, restrict


def merge(newer: Message, older: Message, wanted: Versions) -> Message:
    """Return ``newer`` with those versions of ``older`` that are ``wanted`` and that it lacks."""
    added = (wanted & older.versions) - newer.versions
    if not added:
        return newer
    return replace(
        newer,
        versions=newer.versions | added,
        flexible=newer.flexible | (older.flexible & added),
        root=_merge_struct(newer.root, restrict(older.root, added)),
    )


def _merge_struct(newer: Struct, older: Struct) -> Struct:
    fields = list(newer.fields)
    behind = 0
    for old in older.fields:
        index = next((index for index, field in enumerate(fields) if field.name == old.name), None)
        if index is None:
            fields.insert(behind, old)
            behind += 1
        else:
            assert index >= behind, f"{newer.name}.{old.name} moved between the releases"
            fields[index] = _merge_field(fields[index], old)
            behind = index + 1
    return replace(newer, fields=tuple(fields))


def _merge_field(newer: Field, older: Field) -> Field:
    assert (newer.type, newer.is_array) == (older.type, older.is_array), f"{newer.name} changed its type"
    assert newer.default == older.default or newer.struct, f"{newer.name} changed its default"
    struct = newer.struct
    if struct is not None and older.struct is not None:
        struct = _merge_struct(struct, older.struct)
    return replace(
        newer,
        struct=struct,
        versions=newer.versions | older.versions,
        nullable=newer.nullable | older.nullable,
        tagged=newer.tagged | older.tagged,
    )

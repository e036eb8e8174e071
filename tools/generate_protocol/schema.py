"""Kafka's message schemas as a tree of messages, structs and fields, each with the set of versions it is in.

The rules are those of Kafka's own generator: a field is in the versions it names, may be null in
``nullableVersions``, and is a tagged field in ``taggedVersions``. A JSON ``null`` as a default stands for the default
of the type; only the word ``"null"`` makes null the default.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Versions = frozenset[int]
ANY_VERSION = range(64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field; ``struct`` is set for those of a struct type."""

    name: str
    type: str
    is_array: bool
    struct: "Struct | None"
    versions: Versions
    nullable: Versions
    tagged: Versions
    tag: int | None
    default: object
    ignorable: bool

    @property
    def attribute(self) -> str:
        """The name in Python."""
        return snake_case(self.name)

    @property
    def is_optional_struct(self) -> bool:
        """Whether None stands for "all fields have their defaults", which is how Python leaves a tagged struct out."""
        return self.struct is not None and not self.is_array and bool(self.tagged) and not self.nullable


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """A struct; the name is that of its Python class."""

    name: str
    fields: tuple[Field, ...]

    def walk(self) -> Iterator["Struct"]:
        """Yield the structs inside, innermost first, and this one last."""
        for field in self.fields:
            if field.struct is not None:
                yield from field.struct.walk()
        yield self


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request, a response, or a message that is stored in a record."""

    name: str
    kind: str
    api_key: int | None
    listeners: tuple[str, ...]
    versions: Versions
    flexible: Versions
    root: Struct

    @property
    def has_records(self) -> bool:
        """Whether record batches are among the fields."""
        return any(field.type == "records" for struct in self.root.walk() for field in struct.fields)


def snake_case(name: str) -> str:
    """Return ``CamelCase`` as ``snake_case``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def parse_versions(text: str | None, within: Versions) -> Versions:
    """Return the versions that ``3``, ``3-5``, ``3+`` or ``none`` means, as far as they are in ``within``."""
    if text is None or text == "none":
        return frozenset()
    if text.endswith("+"):
        return frozenset(version for version in within if version >= int(text[:-1]))
    first, _, last = text.partition("-")
    return frozenset(version for version in within if int(first) <= version <= int(last or first))


def message(schema: Mapping[str, Any]) -> Message:
    """Return the message that a schema describes, with all the versions it calls valid."""
    versions = parse_versions(schema["validVersions"], frozenset(ANY_VERSION))
    common = {struct["name"]: struct for struct in schema.get("commonStructs", [])}
    return Message(
        name=schema["name"],
        kind=schema["type"],
        api_key=schema.get("apiKey"),
        listeners=tuple(schema.get("listeners", ())),
        versions=versions,
        flexible=parse_versions(schema.get("flexibleVersions"), versions),
        root=_struct(schema["name"], schema.get("fields", []), versions, common),
    )


def _struct(name: str, fields: list[dict[str, Any]], within: Versions, common: Mapping[str, Any]) -> Struct:
    return Struct(name=name, fields=tuple(_field(field, within, common) for field in fields))


def _field(field: Mapping[str, Any], within: Versions, common: Mapping[str, Any]) -> Field:
    is_array = field["type"].startswith("[]")
    type_name = field["type"].removeprefix("[]")
    versions = parse_versions(field.get("versions", field.get("taggedVersions")), within)
    struct = None
    if type_name[0].isupper():
        inner = field.get("fields") or common[type_name]["fields"]
        struct = _struct(type_name, inner, versions, common)
    nullable = parse_versions(field.get("nullableVersions"), versions)
    return Field(
        name=field["name"],
        type="struct" if struct else type_name,
        is_array=is_array,
        struct=struct,
        versions=versions,
        nullable=nullable,
        tagged=parse_versions(field.get("taggedVersions"), versions),
        tag=int(field["tag"]) if "tag" in field else None,
        default=_default(field.get("default"), type_name, is_array),
        ignorable=str(field.get("ignorable", False)).lower() == "true",
    )


class EmptyStruct:
    """The default of a struct: one whose fields all have their defaults."""


class EmptyList:
    """The default of an array."""


EMPTY_STRUCT = EmptyStruct()
EMPTY_LIST = EmptyList()


def _default(text: object, type_name: str, is_array: bool) -> object:
    if text == "null":
        return None
    if is_array:
        return EMPTY_LIST
    if type_name[0].isupper():
        return EMPTY_STRUCT
    given = "" if text is None else str(text)
    if type_name == "string":
        return given
    if type_name == "bytes":
        return b""
    if type_name == "uuid":
        return bytes(16)
    if type_name == "records":
        return None
    if type_name == "bool":
        return given.lower() == "true"
    if type_name == "float64":
        return float(given or 0)
    return int(given or "0", 0)


def restrict(struct: Struct, versions: Versions) -> Struct:
    """Return the struct as it is in ``versions`` only, without the fields that are in none of them."""
    fields = []
    for field in struct.fields:
        kept = field.versions & versions
        if kept:
            fields.append(
                replace(
                    field,
                    versions=kept,
                    nullable=field.nullable & kept,
                    tagged=field.tagged & kept,
                    struct=restrict(field.struct, kept) if field.struct else None,
                )
            )
    return replace(struct, fields=tuple(fields))

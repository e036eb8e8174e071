"""Generates the classes of a module: slots, and a constructor that knows Kafka's defaults."""

from .schema import EMPTY_LIST, EMPTY_STRUCT, Field, Message, Struct, Versions
from .source import Lines, spell_versions

PYTHON_TYPES = {
    "bool": "bool",
    "int8": "int",
    "int16": "int",
    "uint16": "int",
    "int32": "int",
    "uint32": "int",
    "int64": "int",
    "float64": "float",
    "string": "str",
    "uuid": "bytes",
    "bytes": "bytes",
}


def element_type(field: Field) -> str:
    """Return the annotation of one value."""
    if field.struct is not None:
        return field.struct.name
    return PYTHON_TYPES[field.type]


def annotation(field: Field, kind: str) -> str:
    """Return the annotation of a field."""
    if field.type == "records":
        return "Records | None" if kind == "response" else "Buffer | None"
    base = f"list[{element_type(field)}]" if field.is_array else element_type(field)
    return f"{base} | None" if field.nullable or field.is_optional_struct else base


def literal(value: object) -> str:
    """Return the source of a scalar default."""
    if value == bytes(16):
        return "ZERO_UUID"
    return '""' if value == "" else repr(value)


def default(field: Field) -> str:
    """Return an expression for a fresh default value."""
    if field.default is EMPTY_LIST:
        return "[]"
    if field.default is EMPTY_STRUCT:
        assert field.struct is not None
        return "None" if field.is_optional_struct else f"{field.struct.name}()"
    return literal(field.default)


def structs_of(message: Message) -> list[Struct]:
    """Return the structs of a message, each once, innermost first."""
    by_name: dict[str, Struct] = {}
    for struct in message.root.walk():
        by_name.setdefault(struct.name, struct)
    return list(by_name.values())


def emit_class(lines: Lines, struct: Struct, message: Message) -> None:
    """Add the class of one struct."""
    flexible = bool(message.flexible)
    versions = _versions_by_field(struct, message)
    names = [field.attribute for field in struct.fields]
    slots = names + (["unknown_tags"] if flexible else [])
    with lines.block(f"class {struct.name}(Message):"):
        _emit_slots(lines, slots)
        if not slots:
            lines.add("")
            return
        lines.add("")
        _emit_constructor(lines, struct, message, versions, flexible)
    lines.add("")


def _emit_slots(lines: Lines, slots: list[str]) -> None:
    line = ", ".join(f'"{name}"' for name in slots) + ("," if len(slots) == 1 else "")
    if len(line) < 90:
        lines.add(f"__slots__ = ({line})")
    else:
        lines.add("__slots__ = (", *(f'    "{name}",' for name in slots), ")")


def _emit_constructor(
    lines: Lines, struct: Struct, message: Message, versions: dict[str, Versions], flexible: bool
) -> None:
    parameters = [f"{field.attribute}: {_parameter(field, message.kind)}" for field in struct.fields]
    if flexible:
        parameters.append("unknown_tags: dict[int, bytes] | None = None")
    lines.add("def __init__(", "    self,", "    *,", *(f"    {parameter}," for parameter in parameters))
    with lines.block(") -> None:"):
        for field in struct.fields:
            where = versions[field.name]
            note = f"  # {spell_versions(where)}" if where and where != message.versions else ""
            lines.add(_assignment(field, message.kind) + note)
        if flexible:
            lines.add("self.unknown_tags = unknown_tags")


def _parameter(field: Field, kind: str) -> str:
    kind_of = annotation(field, kind)
    optional = kind_of.endswith(" | None")
    if field.default is EMPTY_LIST:
        return f"{kind_of} | tuple[()] = ()" if optional else f"{kind_of} | None = None"
    if field.default is EMPTY_STRUCT and not field.is_optional_struct:
        return f"{kind_of} | tuple[()] = ()" if optional else f"{kind_of} | None = None"
    return f"{kind_of} = {default(field)}"


def _assignment(field: Field, kind: str) -> str:
    name = field.attribute
    kind_of = annotation(field, kind)
    fresh = field.default is EMPTY_LIST or (field.default is EMPTY_STRUCT and not field.is_optional_struct)
    if not fresh:
        return f"self.{name} = {name}"
    given = f"isinstance({name}, tuple)" if kind_of.endswith(" | None") else f"{name} is None"
    return f"self.{name}: {kind_of} = {default(field)} if {given} else {name}"


def _versions_by_field(struct: Struct, message: Message) -> dict[str, Versions]:
    versions: dict[str, Versions] = {}
    for twin in message.root.walk():
        if twin.name == struct.name:
            for field in twin.fields:
                versions[field.name] = versions.get(field.name, frozenset()) | field.versions
    return versions

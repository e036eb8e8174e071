"""Python source under construction: lines with their depth, and what a module has to import and define for them."""

import dataclasses
import keyword
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .schema import Field, Versions, snake_case

CHARS = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "float64": "d",
    "uuid": "16s",
}
"""The ``struct`` code of each fixed type."""

SIZES = {"?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "d": 8, "16s": 16}


class Lines:
    """Lines of source, indented as they are added."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self._depth = 0

    def add(self, *lines: str) -> None:
        """Add lines at the present depth."""
        self.text += ["    " * self._depth + line if line else "" for line in lines]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add ``head`` and what is added inside one level deeper."""
        self.add(head)
        self._depth += 1
        yield
        self._depth -= 1


@dataclass(slots=True)
class Module:
    """What the functions of a module have asked for so far."""

    wire: set[str] = dataclasses.field(default_factory=set)
    structs: dict[str, str] = dataclasses.field(default_factory=dict)

    def helper(self, name: str) -> str:
        """Import ``name`` from the primitives; return it."""
        self.wire.add(name)
        return name

    def unpack(self, chars: list[str]) -> str:
        """Return the name of a function that reads a run of fixed fields."""
        return self._struct("u", chars, "unpack_from")

    def pack(self, chars: list[str]) -> str:
        """Return the name of a function that returns a run of fixed fields."""
        return self._struct("p", chars, "pack")

    def _struct(self, prefix: str, chars: list[str], method: str) -> str:
        name = f"{prefix}_" + "".join({"?": "t", "16s": "u"}.get(char, char) for char in chars)
        self.structs[name] = f'Struct(">{"".join(chars)}").{method}'
        return name


class Names:
    """Local names of one function, each given once."""

    RESERVED = frozenset(
        {"data", "pos", "end", "n", "k", "stop", "tag", "version", "flexible", "message", "out", "parts", "raw"}
        | {"len", "range", "list", "dict", "bytes", "str", "sorted"}
    )

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def give(self, name: str) -> str:
        """Return ``name``, or something like it if that is taken."""
        if name in self.RESERVED or keyword.iskeyword(name):
            name += "_"
        count = self._given[name] = self._given.get(name, 0) + 1
        return name if count == 1 else f"{name}_{count}"


def item_name(field: Field) -> str:
    """Return what one struct of a field is called: ``topic`` for ``topics``."""
    assert field.struct is not None
    name = field.attribute
    if not field.is_array:
        return name
    if name.endswith("ies"):
        return name[:-3] + "y"
    return name[:-1] if name.endswith("s") else snake_case(field.struct.name)


def condition(versions: Versions, within: Versions) -> str:
    """Return an expression that is true of those ``within`` that are among ``versions``."""
    inside = sorted(versions & within)
    outside = within - versions
    first, last = inside[0], inside[-1]
    if not any(version > first for version in outside):
        return f"version >= {first}"
    if not any(version < last for version in outside):
        return f"version <= {last}"
    if not any(first < version < last for version in outside):
        return f"version == {first}" if first == last else f"{first} <= version <= {last}"
    return f"version in {tuple(inside)}"


def spell_versions(versions: Versions) -> str:
    """Return a set of versions as people write it."""
    ordered = sorted(versions)
    if len(ordered) == 1:
        return str(ordered[0])
    if ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]}-{ordered[-1]}"
    return ", ".join(map(str, ordered))


def uses(lines: list[str], name: str) -> bool:
    """Whether a name occurs in lines."""
    pattern = re.compile(rf"\b{name}\b")
    return any(pattern.search(line) for line in lines)

"""Test vectors made by Apache Kafka's own classes, and messages of ours built from the same values.

``tools/generate_protocol --vectors`` writes them: two for each message and version, the second with unknown tagged
fields where the version can carry them.
"""

import ast
import gzip
import json
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from ottla.protocol.message import Message

FILE = Path(__file__).parent / "data" / "kafka-vectors.jsonl.gz"


class Vector(NamedTuple):
    """One message in one version: values, and the bytes that Kafka makes of them."""

    module: str
    name: str
    version: int
    tags: list[tuple[int, str]]
    values: dict[str, Any]
    raw: bytes

    @property
    def label(self) -> str:
        return f"{self.name} version {self.version}"

    def codec(self) -> ModuleType:
        return import_module(f"ottla.protocol.messages.{self.module}")

    def _suffix(self) -> str:
        codec = self.codec()
        if hasattr(codec, "decode"):
            return ""
        return "_request" if self.name.endswith("Request") else "_response"

    def decode(self, raw: bytes | bytearray | memoryview, pos: int = 0) -> Message:
        function: Callable[..., Message] = getattr(self.codec(), "decode" + self._suffix())
        return function(raw, pos, self.version)

    def encode(self, message: Message) -> bytes:
        out = bytearray()
        getattr(self.codec(), "encode" + self._suffix())(message, self.version, out)
        return bytes(out)

    def message(self) -> Message:
        """Return our message with the vector's values, made by the constructors."""
        message = build(getattr(self.codec(), self.name), self.values)
        if self.tags:
            message.unknown_tags = {tag: bytes.fromhex(content) for tag, content in self.tags}  # type: ignore[attr-defined]  # flexible messages have it
        return message


@cache
def all_vectors() -> tuple[Vector, ...]:
    """Return all vectors of the file."""
    lines = gzip.decompress(FILE.read_bytes()).decode().splitlines()
    return tuple(_vector(json.loads(line)) for line in lines)


def _vector(row: list[Any]) -> Vector:
    module, name, version, tags, values, raw = row
    return Vector(module, name, version, tags, values, bytes.fromhex(raw))


_types: dict[type[Message], dict[str, Any]] = {}


def field_types(cls: type[Message]) -> dict[str, Any]:
    """Return the annotations of a message's constructor, without the field for unknown tags."""
    if cls not in _types:
        hints = get_type_hints(cls.__init__) or hints_in_source(cls)
        _types[cls] = {name: hint for name, hint in hints.items() if name not in {"return", "unknown_tags"}}
    return _types[cls]


def hints_in_source(cls: type[Message]) -> dict[str, Any]:
    """Return the same of a class that was compiled, which has lost its annotations, from the source beside it."""
    module = import_module(cls.__module__)
    source = Path(str(module.__file__)).parent / f"{cls.__module__.rpartition('.')[2]}.py"
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            constructor = next(inner for inner in node.body if isinstance(inner, ast.FunctionDef))
            arguments = constructor.args.kwonlyargs
            return {each.arg: eval(ast.unparse(each.annotation or each), vars(module)) for each in arguments}
    raise AssertionError(f"{source} has no {cls.__name__}")


def struct_in(hint: Any) -> type[Message] | None:
    """Return the message class inside an annotation like ``list[X] | None``."""
    if isinstance(hint, type) and not get_origin(hint):
        return hint if issubclass(hint, Message) else None
    if isinstance(hint, UnionType) or get_origin(hint) is list:
        return next((found for part in get_args(hint) if (found := struct_in(part))), None)
    return None


def build(cls: Any, values: dict[str, Any]) -> Message:
    """Return a message of a class with the values of a vector."""
    types = field_types(cls)
    message: Message = cls(**{name: _value(types[name], value) for name, value in values.items()})
    return message


def _value(hint: Any, value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"hex"}:
        return bytes.fromhex(value["hex"])
    if isinstance(value, list):
        return [_value(hint, element) for element in value]
    if isinstance(value, dict):
        struct = struct_in(hint)
        assert struct is not None
        return build(struct, value)
    return value

"""What all generated message classes have in common: equality and a readable form, both by their slots."""

from typing import Any

from ottla.model.compiling import mypyc_attr

Buffer = bytes | bytearray | memoryview
"""Bytes of any kind, contiguous, of one-byte items."""

Records = bytes | bytearray | memoryview | list[bytes | bytearray | memoryview]
"""Record batches as they leave a broker: one buffer, or several that follow one another."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Message:
    """A message or a part of one; the fields are the slots, in the order of Kafka's schema. Not hashable."""

    __slots__: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {name: getattr(self, name) for name in _field_names(type(self))}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _field_names(type(self)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.fields().items() if name != "unknown_tags")
        return f"{type(self).__name__}({shown})"


def _field_names(cls: type) -> tuple[str, ...]:
    # A class that mypyc compiled has no slots but lists its attributes.
    names: tuple[str, ...] = getattr(cls, "__slots__", ()) or getattr(cls, "__mypyc_attrs__", ())
    return names

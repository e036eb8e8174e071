"""Generates functions that write a message; the two forms are those of the decoders.

A value that the version has no place for is dropped if Kafka calls its field ignorable, and refused otherwise unless
it is the default.
"""

from dataclasses import replace
from itertools import groupby

from .classes import literal
from .schema import EMPTY_LIST, EMPTY_STRUCT, Field, Message, Struct, Versions
from .source import CHARS, Lines, Module, Names, condition, item_name, spell_versions, uses


class Encoder:
    """Writes one function, for some versions of a message.

    With ``parts`` the function appends buffers to a list and leaves records where they are.
    """

    def __init__(
        self, module: Module, message: Message, versions: Versions, *, flat: bool, parts: bool = False
    ) -> None:
        self._module = module
        self._message = message
        self._versions = versions
        self._flat = flat
        self._parts = parts
        self._lines = Lines()
        self._names = Names()
        self._run: list[tuple[str, str]] = []
        self._out = "out"

    def function(self, name: str) -> list[str]:
        """Return the lines of the function."""
        root = self._message.root
        body = self._lines
        self._struct("message", root, self._versions)
        whole = Lines()
        target = "parts: list[Buffer]" if self._parts else "out: bytearray"
        with whole.block(f"def {name}(message: {root.name}, {target}, version: int) -> None:"):
            if self._flat:
                whole.add(f"# {spell_versions(self._versions)}")
            if self._parts:
                whole.add("out = bytearray()")
            if uses(body.text, "flexible"):
                whole.add(f"flexible = {condition(self._message.flexible, self._versions)}")
            whole.add(*(body.text or ["pass"]))
            if self._parts:
                whole.add("parts.append(out)")
        return whole.text

    # A run of fixed fields

    def _flush(self) -> None:
        if self._run:
            pack = self._module.pack([char for char, _ in self._run])
            self._lines.add(f"{self._out} += {pack}({', '.join(value for _, value in self._run)})")
            self._run = []

    # Structs

    def _struct(self, name: str, struct: Struct, versions: Versions) -> None:
        plain = [(field, (field.versions - field.tagged) & versions) for field in struct.fields]
        for where, pairs in groupby(plain, key=lambda pair: pair[1]):
            group = [field for field, _ in pairs if where or not field.tagged & versions]
            if where == versions:
                for field in group:
                    self._field(name, field, versions)
            elif where:
                self._flush()
                with self._lines.block(f"if {condition(where, versions)}:"):
                    for field in group:
                        self._field(name, field, where)
                    self._flush()
                self._refuse(name, group, "elif")
            else:
                self._refuse(name, group, "if")
        flexible = self._message.flexible & versions
        self._flush()
        if flexible == versions:
            self._tags(name, struct, versions)
        elif flexible:
            with self._lines.block("if flexible:"):
                self._tags(name, struct, flexible)
            tagged = [field for field in struct.fields if field.tagged and not field.ignorable]
            for field in tagged:
                with self._lines.block(f"elif {is_set(name, field)}:"):
                    self._misplaced(name, field)

    def _refuse(self, name: str, group: list[Field], word: str) -> None:
        for field in group:
            if not field.ignorable and is_set(name, field):
                with self._lines.block(f"{word} {is_set(name, field)}:"):
                    self._misplaced(name, field)

    def _misplaced(self, name: str, field: Field) -> None:
        self._lines.add(f'raise {self._module.helper("misplaced")}("{name}.{field.attribute}")')

    def _tags(self, name: str, struct: Struct, versions: Versions) -> None:
        lines = self._lines
        known = [field for field in struct.fields if field.tagged & versions]
        write = self._module.helper("write_tags")
        if not known:
            with lines.block(f"if {name}.unknown_tags:"):
                lines.add(f"{write}({self._out}, {{}}, {name}.unknown_tags)")
            with lines.block("else:"):
                lines.add(f"{self._out}.append(0)")
            return
        conditions = []
        for field in known:
            where = field.tagged & versions
            given = is_set(name, field)
            if where != versions:
                given = f"{condition(where, versions)} and {given}"
                if not field.ignorable:
                    with lines.block(f"if {is_set(name, field)} and not ({condition(where, versions)}):"):
                        self._misplaced(name, field)
            conditions.append(given)
        tagged = self._names.give("tags")
        grouped = " or ".join(f"({given})" if " and " in given else given for given in conditions)
        with lines.block(f"if {grouped} or {name}.unknown_tags:"):
            lines.add(f"{tagged}: dict[int, Buffer] = {{}}")
            for field, given in zip(known, conditions, strict=True):
                with lines.block(f"if {given}:"):
                    self._tagged_field(name, field, field.tagged & versions, tagged)
            lines.add(f"{write}({self._out}, {tagged}, {name}.unknown_tags)")
        with lines.block("else:"):
            lines.add(f"{self._out}.append(0)")

    def _tagged_field(self, name: str, field: Field, versions: Versions, tagged: str) -> None:
        outer, self._out = self._out, self._names.give("content")
        self._lines.add(f"{self._out} = bytearray()")
        never_null = field.default is None and field.struct is None
        self._field(name, replace(field, nullable=frozenset()) if never_null else field, versions)
        self._flush()
        self._lines.add(f"{tagged}[{field.tag}] = {self._out}")
        self._out = outer

    # Fields

    def _field(self, name: str, field: Field, versions: Versions) -> None:
        source = f"{name}.{field.attribute}"
        if field.is_array:
            self._array(source, field, versions)
        elif field.struct is not None:
            self._struct_field(source, field, versions)
        elif field.type in CHARS:
            self._run.append((CHARS[field.type], source))
        elif field.type == "records":
            self._records(source, field, versions)
        elif self._flat:
            self._flat_bytes(source, field, versions)
        else:
            self._called_bytes(source, field, versions)

    def _struct_field(self, source: str, field: Field, versions: Versions) -> None:
        assert field.struct is not None
        lines = self._lines
        item = self._names.give(item_name(field))
        if not field.nullable & versions:
            lines.add(f"{item} = {source}")
            self._struct(item, field.struct, versions)
            return
        self._flush()
        lines.add(f"{item} = {source}")
        with lines.block(f"if {item} is None:"):
            null = "\\x00" if field.tagged & versions else "\\xff"
            lines.add(f'{self._out} += b"{null}"')
        with lines.block("else:"):
            lines.add(f'{self._out} += b"\\x01"')
            self._struct(item, field.struct, versions)
            self._flush()

    def _records(self, source: str, field: Field, versions: Versions) -> None:
        lines = self._lines
        flexible = self._flexible(versions)
        self._flush()
        if not field.nullable & versions:
            lines.add(f"assert {source} is not None")
        if not self._parts:
            lines.add(f"{self._module.helper('write_nullable_records')}({self._out}, {source}, {flexible})")
            return
        assert self._out == "out", "records inside a tagged field"
        with lines.block(f"if {source} is None:"):
            lines.add(f"out += {self._null(flexible == 'True', 4)}")
        with lines.block("else:"):
            size = f"{self._module.helper('records_size')}({source})"
            if flexible == "True":
                lines.add(f"out += {self._module.helper('uvarint')}({size} + 1)")
            else:
                lines.add(f"out += {self._module.pack(['i'])}({size})")
            lines.add("parts.append(out)")
            with lines.block(f"if isinstance({source}, list):"):
                lines.add(f"parts += {source}")
            with lines.block("else:"):
                lines.add(f"parts.append({source})")
            lines.add("out = bytearray()")

    def _flat_bytes(self, source: str, field: Field, versions: Versions) -> None:
        lines = self._lines
        flexible = versions <= self._message.flexible
        is_string = field.type == "string"
        encoded = f"{source}.encode()" if is_string else source
        if field.nullable & versions:
            with lines.block(f"if {source} is None:"):
                lines.add('raw = b""', "n = 0" if flexible else "n = -1")
            with lines.block("else:"):
                lines.add(f"raw = {encoded}", "n = len(raw) + 1" if flexible else "n = len(raw)")
        else:
            if field.nullable:
                lines.add(f"assert {source} is not None")
            lines.add(f"raw = {encoded}")
            if flexible:
                lines.add("n = len(raw) + 1")
        if flexible:
            self._flush()
            long = f"{self._module.helper('string_length')}(n - 1)" if is_string else self._long()
            lines.add(f"{self._out} += {self._module.helper('VARINT')}[n] if n < 128 else {long}")
        else:
            self._run.append(("h" if is_string else "i", "n" if field.nullable & versions else "len(raw)"))
            self._flush()
        lines.add(f"{self._out} += raw")

    def _long(self) -> str:
        return f"{self._module.helper('uvarint')}(n)"

    def _called_bytes(self, source: str, field: Field, versions: Versions) -> None:
        self._flush()
        nullable = field.nullable & versions
        if field.nullable and nullable != versions:
            only = f"{condition(nullable, versions)} or " if nullable else ""
            self._lines.add(f"assert {only}{source} is not None")
        maybe = "nullable_" if nullable else ""
        write = self._module.helper(f"write_{maybe}{field.type}")
        self._lines.add(f"{write}({self._out}, {source}, {self._flexible(versions)})")

    def _flexible(self, versions: Versions) -> str:
        flexible = versions & self._message.flexible
        return "True" if flexible == versions else "flexible" if flexible else "False"

    @staticmethod
    def _null(flexible: bool, size: int) -> str:
        return 'b"\\0"' if flexible else 'b"' + "\\xff" * size + '"'

    # Arrays

    def _array(self, source: str, field: Field, versions: Versions) -> None:
        lines = self._lines
        nullable = field.nullable & versions
        if field.nullable and nullable != versions:
            only = f"{condition(nullable, versions)} or " if nullable else ""
            lines.add(f"assert {only}{source} is not None")
        if not nullable:
            self._counted(source, field, versions)
            return
        self._flush()
        with lines.block(f"if {source} is None:"):
            if self._flat:
                lines.add(f"{self._out} += {self._null(versions <= self._message.flexible, 4)}")
            else:
                self._count("-1", versions)
        with lines.block("else:"):
            self._counted(source, field, versions)
            self._flush()

    def _counted(self, source: str, field: Field, versions: Versions) -> None:
        flexible = versions <= self._message.flexible
        if not self._flat:
            self._flush()
            self._count(f"len({source})", versions)
        elif flexible:
            self._flush()
            self._lines.add(f"n = len({source}) + 1")
            self._lines.add(f"{self._out} += {self._module.helper('VARINT')}[n] if n < 128 else {self._long()}")
        else:
            self._run.append(("i", f"len({source})"))
            self._flush()
        self._elements(source, field, versions)

    def _count(self, count: str, versions: Versions) -> None:
        write = self._module.helper("write_count")
        self._lines.add(f"{write}({self._out}, {count}, {self._flexible(versions)})")

    def _elements(self, source: str, field: Field, versions: Versions) -> None:
        lines = self._lines
        if field.struct is not None:
            item = self._names.give(item_name(field))
            with lines.block(f"for {item} in {source}:"):
                self._struct(item, field.struct, versions)
        elif field.type == "string":
            item = self._names.give("text")
            with lines.block(f"for {item} in {source}:"):
                write = self._module.helper("write_string")
                lines.add(f"{write}({self._out}, {item}, {self._flexible(versions)})")
        elif field.type == "uuid":
            lines.add(f'{self._out} += b"".join({source})')
        else:
            lines.add(f'{self._out} += pack(f">{{len({source})}}{CHARS[field.type]}", *{source})')


def is_set(name: str, field: Field) -> str:
    """Return an expression for "the field has another value than its default"."""
    value = f"{name}.{field.attribute}"
    if field.is_optional_struct:
        assert field.struct is not None
        return f"{value} is not None and {value} != {field.struct.name}()"
    if field.default is EMPTY_STRUCT:
        assert field.struct is not None
        return f"{value} != {field.struct.name}()"
    if field.default is None:
        return f"{value} is not None"
    if field.default is EMPTY_LIST:
        return f"{value} != []" if field.nullable else value
    if field.default is True:
        return f"not {value}"
    if not field.default and not field.nullable:
        return value
    return f"{value} != {literal(field.default)}"

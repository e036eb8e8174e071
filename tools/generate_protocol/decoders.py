"""Generates functions that read a message.

In line (``flat``): everything is written out, a run of fixed fields is one ``unpack_from`` that also takes the length
that follows it, objects are made without their constructor. Else: lengths go through the primitives, what depends on
the version is in branches, objects get their defaults from their constructors.
"""

from itertools import groupby

from .classes import default
from .layout import element_bytes
from .schema import Field, Message, Struct, Versions
from .source import CHARS, SIZES, Lines, Module, Names, condition, item_name, spell_versions, uses


class Decoder:
    """Writes one function, for some versions of a message."""

    def __init__(self, module: Module, message: Message, versions: Versions, *, flat: bool) -> None:
        self._module = module
        self._message = message
        self._versions = versions
        self._flat = flat
        self._view = message.has_records
        self._lines = Lines()
        self._names = Names()
        self._run: list[tuple[str, str]] = []
        self._tag_depth = 0

    def function(self, name: str) -> list[str]:
        """Return the lines of the function."""
        root = self._message.root
        body = self._lines
        self._new("message", root, self._versions)
        self._struct("message", root, self._versions)
        body.add("return message")
        whole = Lines()
        data = "memoryview" if self._view else "bytes"
        with whole.block(f"def {name}(data: {data}, pos: int, version: int) -> {root.name}:"):
            if self._flat:
                whole.add(f"# {spell_versions(self._versions)}")
            if uses(body.text, "end"):
                whole.add("end = len(data)")
            if uses(body.text, "flexible"):
                whole.add(f"flexible = {condition(self._message.flexible, self._versions)}")
            whole.add(*body.text)
        return whole.text

    # A run of fixed fields

    def _flush(self) -> None:
        if not self._run:
            return
        chars = [char for char, _ in self._run]
        targets = [target for _, target in self._run]
        if chars == ["B"]:
            self._lines.add(f"{targets[0]} = data[pos]")
        elif len(chars) == 1:
            self._lines.add(f"{targets[0]} = {self._module.unpack(chars)}(data, pos)[0]")
        else:
            self._lines.add(f"{', '.join(targets)} = {self._module.unpack(chars)}(data, pos)")
        self._lines.add(f"pos += {sum(SIZES[char] for char in chars)}")
        self._run = []

    # Structs

    def _new(self, name: str, struct: Struct, versions: Versions) -> None:
        if not self._flat:
            self._lines.add(f"{name} = {struct.name}()")
            return
        self._lines.add(f"{name} = {struct.name}.__new__({struct.name})")
        for field in struct.fields:
            if not (field.versions - field.tagged) & versions:
                self._lines.add(f"{name}.{field.attribute} = {default(field)}")
        if self._message.flexible:
            self._lines.add(f"{name}.unknown_tags = None")

    def _struct(self, name: str, struct: Struct, versions: Versions) -> None:
        plain = [(field, (field.versions - field.tagged) & versions) for field in struct.fields]
        present = [(field, where) for field, where in plain if where]
        for where, group in groupby(present, key=lambda pair: pair[1]):
            if where == versions:
                for field, _ in group:
                    self._field(name, field, versions)
            else:
                self._flush()
                with self._lines.block(f"if {condition(where, versions)}:"):
                    for field, _ in group:
                        self._field(name, field, where)
                    self._flush()
        flexible = self._message.flexible & versions
        if flexible == versions:
            self._run.append(("B", "k"))
            self._flush()
            self._tags(name, struct, versions)
        else:
            self._flush()
            if flexible:
                with self._lines.block("if flexible:"):
                    self._lines.add("k = data[pos]", "pos += 1")
                    self._tags(name, struct, flexible)

    def _tags(self, name: str, struct: Struct, versions: Versions) -> None:
        known = [field for field in struct.fields if field.tagged & versions]
        with self._lines.block("if k:"):
            if not known:
                self._lines.add(f"{name}.unknown_tags, pos = {self._module.helper('read_tags')}(data, pos, k)")
                return
            with self._lines.block("if k > 127:"):
                self._lines.add(f"k, pos = {self._module.helper('more_uvarint')}(data, pos, k)")
            count = self._names.give("tag_count")
            self._lines.add(f"{count} = k")
            with self._lines.block(f"for _ in range({count}):"):
                self._known_tags(name, known, versions)

    def _known_tags(self, name: str, known: list[Field], versions: Versions) -> None:
        lines = self._lines
        self._tag_depth += 1
        end = "tag_end" if self._tag_depth == 1 else f"tag_end_{self._tag_depth}"
        lines.add(f"tag, pos, {end} = {self._module.helper('read_tag')}(data, pos)")
        for index, field in enumerate(known):
            where = field.tagged & versions
            only = "" if where == versions else f" and {condition(where, versions)}"
            with lines.block(f"{'elif' if index else 'if'} tag == {field.tag}{only}:"):
                self._field(name, field, where)
                self._flush()
        with lines.block("else:"):
            lines.add(
                f"{name}.unknown_tags = {name}.unknown_tags or {{}}",
                f"{name}.unknown_tags[tag] = {self._bytes(f'data[pos:{end}]')}",
                f"pos = {end}",
            )
        with lines.block(f"if pos != {end}:"):
            lines.add(f'raise MalformedMessage("{name} has a tagged field of a wrong size")')
        self._tag_depth -= 1

    # Fields

    def _field(self, name: str, field: Field, versions: Versions) -> None:
        target = f"{name}.{field.attribute}"
        if field.is_array:
            self._array(target, field, versions)
        elif field.struct is not None:
            self._struct_field(target, field, versions)
        elif field.type in CHARS:
            self._run.append((CHARS[field.type], target))
        elif self._flat:
            self._flat_bytes(target, field, versions)
        else:
            self._called_bytes(target, field, versions)

    def _struct_field(self, target: str, field: Field, versions: Versions) -> None:
        assert field.struct is not None
        nullable = field.nullable & versions
        assert nullable in (frozenset(), versions), target
        item = self._names.give(item_name(field))
        if not nullable:
            self._new(item, field.struct, versions)
            self._struct(item, field.struct, versions)
            self._lines.add(f"{target} = {item}")
            return
        self._run.append(("b", "n"))
        self._flush()
        # Null is -1, but 0 in a tagged field (MessageDataGenerator upstream).
        with self._lines.block("if n <= 0:" if field.tagged & versions else "if n < 0:"):
            self._lines.add(f"{target} = None")
        with self._lines.block("else:"):
            self._new(item, field.struct, versions)
            self._struct(item, field.struct, versions)
            self._lines.add(f"{target} = {item}")

    def _flat_bytes(self, target: str, field: Field, versions: Versions) -> None:
        lines = self._lines
        flexible = versions <= self._message.flexible
        is_string = field.type == "string"
        self._run.append(("B" if flexible else "h" if is_string else "i", "n"))
        self._flush()
        if flexible:
            with lines.block("if n > 127:"):
                more = self._module.helper("more_length" if is_string else "more_uvarint")
                lines.add(f"n, pos = {more}(data, pos, n)")
        stop = "stop = pos + n - 1" if flexible else "stop = pos + n"
        wrong = f'raise MalformedMessage("{target} has a wrong length")'
        if field.nullable & versions:
            with lines.block("if n == 0:" if flexible else "if n < 0:"):
                lines.add(f"{target} = None")
            with lines.block("else:"):
                lines.add(stop)
                with lines.block("if stop > end:"):
                    lines.add(wrong)
                lines.add(f"{target} = {self._slice(field)}", "pos = stop")
        else:
            lines.add(stop)
            with lines.block("if not pos <= stop <= end:"):
                lines.add(wrong)
            lines.add(f"{target} = {self._slice(field)}", "pos = stop")

    def _slice(self, field: Field) -> str:
        piece = "data[pos:stop]"
        if field.type == "string":
            return f'str({piece}, "utf-8")' if self._view else f"{piece}.decode()"
        return piece if field.type == "records" else self._bytes(piece)

    def _bytes(self, piece: str) -> str:
        return f"bytes({piece})" if self._view else piece

    def _called_bytes(self, target: str, field: Field, versions: Versions) -> None:
        self._flush()
        nullable = field.nullable & versions
        maybe = "nullable_" if nullable or field.type == "records" else ""
        read = self._module.helper(f"read_{maybe}{field.type}")
        self._lines.add(f"{target}, pos = {read}(data, pos, {self._flexible(versions)})")
        if maybe and nullable != versions:
            only = f" and not ({condition(nullable, versions)})" if nullable else ""
            with self._lines.block(f"if {target} is None{only}:"):
                self._lines.add(f'raise MalformedMessage("{target} is null")')

    def _flexible(self, versions: Versions) -> str:
        flexible = versions & self._message.flexible
        return "True" if flexible == versions else "flexible" if flexible else "False"

    # Arrays

    def _array(self, target: str, field: Field, versions: Versions) -> None:
        least = element_bytes(field, versions, self._message.flexible)
        nullable = field.nullable & versions
        # What a loop goes by is not assigned to in it: code that mypyc compiled looks at it anew each time.
        n = self._names.give("count") if field.struct is not None else "n"
        if self._flat:
            self._flat_count(n, target, versions, least, bool(nullable))
        else:
            self._flush()
            maybe = ""
            if nullable:
                maybe = ", True" if nullable == versions else f", {condition(nullable, versions)}"
            read = self._module.helper("read_count")
            self._lines.add(f"{n}, pos = {read}(data, pos, {self._flexible(versions)}, {least}{maybe})")
        if not nullable:
            self._elements(n, target, field, versions)
            return
        with self._lines.block(f"if {n} < 0:"):
            self._lines.add(f"{target} = None")
        with self._lines.block("else:"):
            self._elements(n, target, field, versions)

    def _flat_count(self, n: str, target: str, versions: Versions, least: int, nullable: bool) -> None:
        lines = self._lines
        flexible = versions <= self._message.flexible
        self._run.append(("B" if flexible else "i", n))
        self._flush()
        if flexible:
            with lines.block(f"if {n} > 127:"):
                lines.add(f"{n}, pos = {self._module.helper('more_uvarint')}(data, pos, {n})")
            lines.add(f"{n} -= 1")
        size = n if least == 1 else f"{n} * {least}"
        too_many = f"{size} > end - pos"
        with lines.block(f"if {too_many}:" if nullable else f"if {n} < 0 or {too_many}:"):
            lines.add(f'raise MalformedMessage("{target} has a wrong count")')

    def _elements(self, n: str, target: str, field: Field, versions: Versions) -> None:
        lines = self._lines
        if field.struct is not None:
            listed = self._names.give(field.attribute)
            item = self._names.give(item_name(field))
            lines.add(f"{listed}: list[{field.struct.name}] = []", f"{target} = {listed}")
            with lines.block(f"for _ in range({n}):"):
                self._new(item, field.struct, versions)
                self._struct(item, field.struct, versions)
                lines.add(f"{listed}.append({item})")
        elif field.type == "string":
            read = self._module.helper("read_strings")
            lines.add(f"{target}, pos = {read}(data, pos, n, {self._flexible(versions)})")
        elif field.type == "uuid":
            lines.add(f"{target} = {self._module.helper('read_uuids')}(data, pos, n)", "pos += n * 16")
        else:
            char = CHARS[field.type]
            lines.add(f'{target} = list(unpack_from(f">{{n}}{char}", data, pos))')
            lines.add(f"pos += n * {SIZES[char]}" if SIZES[char] > 1 else "pos += n")

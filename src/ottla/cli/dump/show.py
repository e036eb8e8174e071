"""Entries for people: a heading for each file, a table of its entries, records below their batches.

A segment may have millions of batches, so a table is sized by its first rows and then written as it is read; a later
row that needs more room takes it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from ottla.model.ids import ZERO_UUID, uuid_to_text

from ..output import terminal
from ..output.json_text import json_line
from ..output.table import Column, Row, show_table
from ..output.terminal import painted
from ..output.text import safe_text
from ..output.times import iso_text
from .found import PROBLEM, Entry
from .kinds import Kind

_TABLE_ROWS = 200
"""Rows of one piece of a table."""

_NO_TOPIC_ID = uuid_to_text(ZERO_UUID)

Cells = Callable[[Entry], Row]

_BATCH_COLUMNS = [
    Column("OFFSETS", style=terminal.CYAN),
    Column("RECORDS", right=True),
    Column("POSITION", right=True),
    Column("BYTES", right=True),
    Column("CODEC"),
    Column("LAST TIME"),
    Column("EPOCH", right=True),
    Column("PRODUCER"),
    Column("FLAGS"),
]


def _offsets(entry: Entry) -> str:
    first, last = entry["base_offset"], entry["last_offset"]
    return f"{first}" if first == last else f"{first}-{last}"


def _producer(entry: Entry) -> str | None:
    if entry["producer_id"] < 0:
        return None
    sequences = "" if entry["base_sequence"] < 0 else f" seq {entry['base_sequence']}-{entry['last_sequence']}"
    return f"{entry['producer_id']} epoch {entry['producer_epoch']}{sequences}"


def _flags(entry: Entry) -> str | None:
    flags = [
        "transactional" if entry["is_transactional"] else "",
        "control" if entry["is_control"] else "",
        "append-time" if entry["timestamp_type"] == "log_append_time" else "",
        "" if entry["delete_horizon_ms"] is None else f"horizon {iso_text(entry['delete_horizon_ms'])}",
        "" if entry["magic"] == 2 else f"magic {entry['magic']}",
        "" if entry["crc_ok"] else "CRC WRONG",
    ]
    return ", ".join(filter(None, flags)) or None


def _batch_row(entry: Entry) -> Row:
    return [
        _offsets(entry),
        entry["count"],
        entry["position"],
        entry["size_bytes"],
        entry["codec"],
        iso_text(entry["max_timestamp_ms"]),
        entry["leader_epoch"],
        _producer(entry),
        _flags(entry),
    ]


def _plain(*columns: Column, names: str) -> tuple[list[Column], Cells]:
    fields = names.split()

    def cells(entry: Entry) -> Row:
        return [iso_text(entry[name]) if name.endswith("timestamp_ms") else entry[name] for name in fields]

    return list(columns), cells


def _number(title: str) -> Column:
    return Column(title, right=True)


_TABLES: dict[str, tuple[list[Column], Cells]] = {
    "batch": (_BATCH_COLUMNS, _batch_row),
    "index_entry": _plain(_number("OFFSET"), _number("POSITION"), names="offset position"),
    "time_index_entry": _plain(Column("TIME"), _number("OFFSET"), names="timestamp_ms offset"),
    "aborted_transaction": _plain(
        _number("PRODUCER"),
        _number("FIRST"),
        _number("LAST"),
        _number("STABLE"),
        names="producer_id first_offset last_offset last_stable_offset",
    ),
    "producer": _plain(
        _number("PRODUCER"),
        _number("EPOCH"),
        _number("LAST SEQUENCE"),
        _number("LAST OFFSET"),
        Column("LAST TIME"),
        _number("COORDINATOR EPOCH"),
        _number("OPEN SINCE"),
        names="producer_id producer_epoch last_sequence last_offset last_timestamp_ms coordinator_epoch "
        "current_txn_first_offset",
    ),
    "leader_epoch": _plain(_number("EPOCH"), _number("START OFFSET"), names="epoch start_offset"),
    "offset": _plain(Column("TOPIC"), _number("PARTITION"), _number("OFFSET"), names="topic partition offset"),
    "property": _plain(Column("NAME"), Column("VALUE"), names="name value"),
}


def heading(path: str, kind: Kind, size: str) -> None:
    """Print the line above what a file holds."""
    sys.stdout.write(f"{painted(path, terminal.BOLD)}: {kind.value}, {size}\n")


def show_entries(entries: Iterable[Entry], on_problem: Callable[[Entry], None], *, with_records: bool) -> None:
    """Print the entries; what is wrong goes to ``on_problem``, below what it is about."""
    for kind, run in _runs(iter(entries)):
        if kind == PROBLEM:
            sys.stdout.flush()
            for entry in run:
                on_problem(entry)
        elif kind == "note":
            for entry in run:
                sys.stdout.write(f"at {entry['position']}: {entry['message']}\n")
        elif kind == "record":
            for entry in run:
                sys.stdout.write(_record_line(entry) + "\n")
        elif kind == "batch" and with_records:
            for entry in run:
                sys.stdout.write(_batch_line(entry) + "\n")
        else:
            columns, cells = _TABLES[kind]
            while rows := [cells(entry) for entry in islice(run, _TABLE_ROWS)]:
                show_table(columns, rows)


def _runs(entries: Iterator[Entry]) -> Iterator[tuple[str, Iterator[Entry]]]:
    """Group what follows one another with one type, without holding more than an entry."""
    from itertools import groupby

    return groupby(entries, lambda entry: str(entry["type"]))


def _batch_line(entry: Entry) -> str:
    count = entry["count"]
    parts = [
        f"at {entry['position']}",
        "records: ?" if count is None else f"records: {count}",
        f"{entry['size_bytes']} bytes",
        entry["codec"],
        f"epoch {entry['leader_epoch']}",
    ]
    producer, flags = _producer(entry), _flags(entry)
    if producer is not None:
        parts.append(f"producer {producer}")
    if flags is not None:
        parts.append(flags)
    return painted(f"batch {_offsets(entry)}", terminal.CYAN) + f"  {', '.join(parts)}"


def _record_line(entry: Entry) -> str:
    parts = [f"  {entry['offset']:>8}  {iso_text(entry['timestamp_ms'])}"]
    if "control" in entry:
        parts.append("control " + " ".join(f"{name}={value}" for name, value in entry["control"].items()))
    elif "decoded" in entry:
        parts.append(_decoded(entry["decoded"]))
    else:
        parts += [f"key={_bytes(entry, 'key')}", f"value={_bytes(entry, 'value')}"]
    if entry["headers"]:
        headers = (f"{_bytes(header, 'key')}={_bytes(header, 'value')}" for header in entry["headers"])
        parts.append(f"headers=[{', '.join(headers)}]")
    return "  ".join(parts)


def _decoded(decoded: Entry) -> str:
    name = painted(str(decoded["name"]), terminal.GREEN)
    if "error" in decoded:
        return f"{name} cannot be read: {decoded['error']}"
    value = "deleted" if decoded["value"] is None else _words(decoded["value"])
    return f"{name}  {_words(decoded['key'])}  {value}"


def _words(message: Entry) -> str:
    """Return a message's fields as words; what says "none" or "not set" is left out."""
    shown = (f"{name}={_word(name, value)}" for name, value in message.items() if not _is_nothing(name, value))
    return " ".join(shown)


def _is_nothing(name: str, value: Any) -> bool:
    return value is None or value == [] or value == _NO_TOPIC_ID or (name.endswith("timestamp") and value == -1)


def _word(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{_words(value)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_word(name, one) for one in value)}]"
    if name.endswith("timestamp") and isinstance(value, int):
        return iso_text(value)
    if isinstance(value, str) and value and " " not in value and value.isprintable():
        return value
    return json_line(value)


def _bytes(entry: Entry, name: str) -> str:
    if f"{name}_base64" in entry:
        import base64

        return safe_text(base64.b64decode(entry[f"{name}_base64"]))
    text = entry[name]
    return painted("null", terminal.DIM) if text is None else safe_text(text.encode())

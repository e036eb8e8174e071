"""Makes two brokers' answers comparable: what may differ becomes a symbol, what has no order is sorted.

Ids (of topics, producers, members, sessions, clusters) become ``topic_id#1``, ``#2`` in the order in which a scenario
meets them, so that it still shows which is the same as which. Times of the scenario's own clock become ``T0+n``, times
that the broker read from its clock ``now``. Texts for people become ``text``: that there is one counts.
"""

import json
import re
import time
from typing import Any

UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
OTHER_PORT = re.compile(r"127\.0\.0\.1:\d+")
TIME_IN_BYTES = re.compile(r"000001[0-9a-f]{10}")
SYMBOL_FIELDS = frozenset({"topic_id", "replica_directory_id", "producer_id", "session_id", "cluster_id", "log_dir"})
TEXT_FIELDS = ("error_message", "documentation")
SIZE_FIELDS = frozenset({"total_bytes", "usable_bytes", "finalized_features_epoch"})
ORDERED_FIELDS = frozenset({"synonyms", "records", "record_errors", "replica_nodes", "broker_ids"})
IDENTITY_FIELDS = (
    "name",
    "topic",
    "topic_name",
    "topic_id",
    "group_id",
    "partition_index",
    "index",
    "partition",
    "api_key",
    "resource_type",
    "resource_name",
    "group_instance_id",
    "client_id",
    "last_sequence",
    "error_code",
)
SCRIPT_TIME_MS = 1_800_000
DAY_MS = 86_400_000


class Normaliser:
    """Keeps the symbols of one scenario on one node."""

    def __init__(self, *, t0_ms: int, port: int, folder: str) -> None:
        self.t0_ms = t0_ms
        self._replacements = ((folder, "FOLDER"), (f":{port}", ":PORT"))
        self._port = port
        self._symbols: dict[tuple[str, Any], str] = {}
        self._counts: dict[str, int] = {}

    def normal(self, value: Any) -> Any:
        """The comparable form of a plain request or answer."""
        return self._walk("", self._sorted("", value), self._symbol)

    def _sorted(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._sorted(key, item) for key, item in value.items()}
        if isinstance(value, list):
            items = [self._sorted(name, item) for item in value]
            if name not in ORDERED_FIELDS:
                items.sort(key=lambda item: _order(self._walk(name, item, self._known)))
            return items
        return value

    def _walk(self, name: str, value: Any, symbol: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._walk(key, item, symbol) for key, item in value.items()}
        if isinstance(value, list):
            return [self._walk(name, item, symbol) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return self._number(name, value, symbol)
        if name.endswith(TEXT_FIELDS):
            return "text" if value else value
        if name in SYMBOL_FIELDS:
            return symbol(name, value)
        return self._text(value, symbol)

    def _number(self, name: str, value: int, symbol: Any) -> Any:
        if name in SYMBOL_FIELDS and value >= 0:
            return symbol(name, value)
        if name in SIZE_FIELDS and value >= 0:
            return "size"
        if name == "port" and value == self._port:
            return "PORT"
        if abs(value - self.t0_ms) <= SCRIPT_TIME_MS:
            return f"T0{value - self.t0_ms:+}"
        if abs(value - self.t0_ms) <= DAY_MS / 4:
            return "now"
        return value

    def _text(self, value: str, symbol: Any) -> str:
        for text, replacement in self._replacements:
            value = value.replace(text, replacement)
        if value.startswith("0x"):
            return TIME_IN_BYTES.sub(self._time_in_bytes, value)
        value = OTHER_PORT.sub("127.0.0.1:PORT2", value)
        return UUID_TEXT.sub(lambda match: symbol("uuid", match[0]), value)

    def _time_in_bytes(self, match: re.Match[str]) -> str:
        return "<now>" if abs(int(match[0], 16) - self.t0_ms) <= DAY_MS / 4 else match[0]

    def _known(self, name: str, value: Any) -> str:
        return self._symbols.get((name, value), name)

    def _symbol(self, name: str, value: Any) -> str:
        known = self._symbols.get((name, value))
        if known is None:
            self._counts[name] = self._counts.get(name, 0) + 1
            known = self._symbols[name, value] = f"{name}#{self._counts[name]}"
        return known


def _order(item: Any) -> tuple[str, str]:
    identity = [item.get(name) for name in IDENTITY_FIELDS] if isinstance(item, dict) else []
    return json.dumps(identity), json.dumps(item, sort_keys=True)


def script_clock_ms() -> int:
    """The T0 of a run: two hours ago, so that scripted times and the broker's own cannot be mistaken."""
    return time.time_ns() // 1_000_000 - 2 * 3_600_000

"""Writes test vectors: messages filled with random values, and the bytes that Apache Kafka's own classes make of them.

Each line of the file is ``[module, class, version, unknown tags, values, bytes]`` in JSON; bytes and uuids among the
values are ``{"hex": ...}``. Java and Kafka's jars are needed to write the file, not to use it.
"""

import base64
import gzip
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import jars
from .catalogue import OLDER_VERSIONS, Catalogue
from .schema import Field, Message, Struct, snake_case

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "tests" / "protocol" / "data" / "kafka-vectors.jsonl.gz"
PROGRAM = Path(__file__).with_name("WriteVectors.java")
SEED = 42

PACKAGES = {
    "Share": "org.apache.kafka.coordinator.share.generated",
    "Transaction": "org.apache.kafka.coordinator.transaction.generated",
}
RANGES = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
}
WORDS = ("", "a", "orders", "größe-ключ-鍵", "x" * 127, "consumer-group-1", "127.0.0.1")
LONG = "y" * 300


def write(catalogue: Catalogue, folder: Path | None) -> int:
    """Write the file; return the number of vectors."""
    rows = list(_rows(catalogue))
    encoded: dict[int, str] = {}
    for old in (False, True):
        indexes = [index for index, row in enumerate(rows) if row["old"] == old]
        lines = _ask_kafka([rows[index] for index in indexes], folder, old=old)
        encoded.update(zip(indexes, lines, strict=True))
    text = "".join(
        json.dumps([*row["row"], encoded[index]], separators=(",", ":"), ensure_ascii=False) + "\n"
        for index, row in enumerate(rows)
    )
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    return len(rows)


def _ask_kafka(rows: list[dict[str, Any]], folder: Path | None, *, old: bool) -> list[str]:
    names = [jars.OLDER_CLIENTS] if old else [jars.CLIENTS, jars.GROUP_COORDINATOR]
    names += [] if old else [jars.TRANSACTION_COORDINATOR, jars.SHARE_COORDINATOR]
    paths = [str(jars.find(jar, folder)) for jar in names]
    paths += [str(path) for path in jars.beside(("jackson-", "slf4j-api"), folder)]
    given = "".join(json.dumps(row["kafka"]) + "\n" for row in rows)
    command = ["java", "-Dfile.encoding=UTF-8", "-cp", ":".join(paths), str(PROGRAM)]
    done = subprocess.run(command, input=given.encode(), stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().splitlines()


def _rows(catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    chance = random.Random(SEED)
    for api in catalogue.apis:
        for message in (api.request, api.response):
            kept = OLDER_VERSIONS.get(api.name)
            dropped = {int(part) for part in kept.split("-")} if kept else set()
            java = f"org.apache.kafka.common.message.{message.name}Data"
            for version in sorted(message.versions):
                yield from _versions_rows(message, version, api.module, java, version in dropped, chance)
    for message in catalogue.data:
        java = f"{_package(message)}.{message.name}"
        for version in sorted(message.versions):
            yield from _versions_rows(message, version, snake_case(message.name), java, False, chance)


def _package(message: Message) -> str:
    if message.kind == "data":
        return "org.apache.kafka.common.message"
    if message.name.startswith("TransactionLog"):
        return PACKAGES["Transaction"]
    if message.name.startswith(("ShareSnapshot", "ShareUpdate")):
        return PACKAGES["Share"]
    return "org.apache.kafka.coordinator.group.generated"


def _versions_rows(
    message: Message, version: int, module: str, java: str, old: bool, chance: random.Random
) -> Iterator[dict[str, Any]]:
    for round_ in range(2):
        kafka, ours = _values(message.root, version, chance)
        tags: list[tuple[int, str]] = []
        if round_ and version in message.flexible:
            tags = [(100, "00ff"), (20000, "")]
        yield {
            "old": old,
            "kafka": {"class": java, "version": version, "tags": tags, "values": kafka},
            "row": [module, message.name, version, tags, ours],
        }


def _values(struct: Struct, version: int, chance: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    kafka: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    for field in struct.fields:
        if version not in field.versions:
            continue
        if version in field.tagged and chance.random() < 0.3:
            continue
        json_name = field.name[0].lower() + field.name[1:]
        kafka[json_name], ours[field.attribute] = _value(field, version, chance)
    return kafka, ours


def _value(field: Field, version: int, chance: random.Random) -> tuple[Any, Any]:
    if version in field.nullable and chance.random() < 0.25:
        return None, None
    if not field.is_array:
        return _one(field, version, chance)
    count = chance.choice((0, 1, 1, 2, 3)) if field.struct else chance.choice((0, 1, 3, 130))
    pairs = [_one(field, version, chance) for _ in range(count)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _one(field: Field, version: int, chance: random.Random) -> tuple[Any, Any]:
    if field.struct is not None:
        kafka, ours = _values(field.struct, version, chance)
        return kafka, ours
    if field.type == "bool":
        value: Any = chance.random() < 0.5
        return value, value
    if field.type in RANGES:
        low, high = RANGES[field.type]
        value = chance.choice((low, high, 0, 1, chance.randint(low, high), chance.randint(max(low, -9), 99)))
        return value, value
    if field.type == "float64":
        value = chance.choice((0.0, -1.5, 1e300))
        return value, value
    if field.type == "string":
        value = LONG if not field.is_array and chance.random() < 0.03 else chance.choice(WORDS)
        return value, value
    raw = chance.randbytes(16 if field.type == "uuid" else chance.choice((0, 1, 5, 130)))
    if field.type == "uuid":
        return base64.urlsafe_b64encode(raw).decode().rstrip("="), {"hex": raw.hex()}
    return base64.b64encode(raw).decode(), {"hex": raw.hex()}

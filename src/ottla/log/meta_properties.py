"""The small files that say whose a folder is: ``meta.properties``, ``.kafka_cleanshutdown``,
``partition.metadata``.

Formats: reference sections 4.1 and 4.2 (``MetaProperties``, ``CleanShutdownFileHandler``,
``PartitionMetadataFile``).
"""

import json
import time
from dataclasses import dataclass, field

from ..model.errors import CorruptData
from ..model.ids import Uuid, uuid_from_text, uuid_to_text
from ..runtime.files import Files
from . import names

_KNOWN_VERSIONS = ("0", "1")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNKNOWN_BROKER_EPOCH = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaProperties:
    """Which cluster, node and folder a log directory belongs to; None where the file does not say."""

    cluster_id: str | None = None
    node_id: int | None = None
    directory_id: Uuid | None = None
    others: dict[str, str] = field(default_factory=dict)
    """Properties that are not known here; kept when the file is written again."""


def read_meta_properties(files: Files, directory: str) -> MetaProperties | None:
    """Return what ``meta.properties`` says; None if there is no such file. Raises CorruptData."""
    path = names.join(directory, names.META_PROPERTIES)
    try:
        properties = parse_properties(files.read_bytes(path))
    except FileNotFoundError:
        return None
    version = properties.pop("version", None)
    if version not in _KNOWN_VERSIONS:
        raise CorruptData(f"{path} has version {version}; {' and '.join(_KNOWN_VERSIONS)} are known")
    node_id = properties.pop("node.id", None)
    broker_id = properties.pop("broker.id", None)
    cluster_id = properties.pop("cluster.id", None)
    directory_id = properties.pop("directory.id", None)
    number = node_id if node_id is not None else broker_id
    try:
        return MetaProperties(
            cluster_id=cluster_id,
            node_id=int(number) if number is not None else None,
            directory_id=uuid_from_text(directory_id) if directory_id is not None else None,
            others=properties,
        )
    except ValueError as error:
        raise CorruptData(f"{path}: {error}") from error


def write_meta_properties(files: Files, directory: str, properties: MetaProperties, *, now_ms: int) -> None:
    """Write version 1, as Kafka does; blocks."""
    lines = ["#", f"#{_java_date(now_ms)}"]
    values = dict(properties.others)
    if properties.node_id is not None:
        values["node.id"] = str(properties.node_id)
    if properties.directory_id is not None:
        values["directory.id"] = uuid_to_text(properties.directory_id)
    values["version"] = "1"
    if properties.cluster_id is not None:
        values["cluster.id"] = properties.cluster_id
    lines += [f"{_escape(key, is_key=True)}={_escape(value)}" for key, value in values.items()]
    data = "\n".join([*lines, ""]).encode("latin-1", "replace")
    files.write_atomic(names.join(directory, names.META_PROPERTIES), data)


def _java_date(now_ms: int) -> str:
    at = time.gmtime(now_ms // 1000)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    return f"{day} {month} {at.tm_mday:02} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} UTC {at.tm_year}"


def parse_properties(data: bytes) -> dict[str, str]:
    """Read the text form of ``java.util.Properties``: comments, separators, escapes; no continued lines."""
    properties: dict[str, str] = {}
    for raw in data.decode("latin-1").splitlines():
        line = raw.lstrip()
        if not line or line[0] in "#!":
            continue
        key: list[str] = []
        characters = iter(line)
        for character in characters:
            if character == "\\":
                key.append(next(characters, ""))
            elif character in "=: \t":
                break
            else:
                key.append(character)
        rest = "".join(characters).lstrip(" \t")
        if rest[:1] in ("=", ":"):
            rest = rest[1:].lstrip(" \t")
        properties["".join(key)] = _unescape(rest)
    return properties


def _unescape(text: str) -> str:
    return text.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")


def _escape(text: str, *, is_key: bool = False) -> str:
    special = "\\=:#! " if is_key else "\\=:#!"
    return "".join("\\" + character if character in special else character for character in text)


def read_clean_shutdown(files: Files, directory: str) -> int | None:
    """Return the broker epoch of the last clean stop (-1 if it does not say).

    None if the last stop was not clean.
    """
    try:
        data = files.read_bytes(names.join(directory, names.CLEAN_SHUTDOWN))
    except FileNotFoundError:
        return None
    try:
        content = json.loads(data)
        return int(content["brokerEpoch"])
    except (ValueError, KeyError, TypeError):
        return UNKNOWN_BROKER_EPOCH


def write_clean_shutdown(files: Files, directory: str, broker_epoch: int) -> None:
    """Say that the logs need no recovery; blocks."""
    data = json.dumps({"version": 0, "brokerEpoch": broker_epoch}, separators=(",", ":")).encode()
    files.write_atomic(names.join(directory, names.CLEAN_SHUTDOWN), data)


def remove_clean_shutdown(files: Files, directory: str) -> None:
    """Say that the node is running; blocks until that is durable, or a crash would look like a clean stop."""
    files.remove(names.join(directory, names.CLEAN_SHUTDOWN))
    files.fsync_dir(directory)


def encode_partition_metadata(topic_id: Uuid) -> bytes:
    """Return the content of ``partition.metadata``; no newline at its end."""
    return f"version: 0\ntopic_id: {uuid_to_text(topic_id)}".encode()


def read_partition_metadata(files: Files, directory: str) -> Uuid | None:
    """Return the topic id that ``partition.metadata`` names.

    None if there is none or a crash left it empty.
    """
    path = names.join(directory, names.PARTITION_METADATA)
    try:
        data = files.read_bytes(path)
    except FileNotFoundError:
        return None
    if not data.strip(b"\0"):
        return None
    head, _, text = data.decode("latin-1").partition("\ntopic_id: ")
    if head != "version: 0":
        raise CorruptData(f"{path} is not what Kafka writes")
    try:
        return uuid_from_text(text.strip())
    except ValueError as error:
        raise CorruptData(f"{path}: {error}") from error

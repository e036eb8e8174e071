"""What the values in the metastore hold, and their form: JSON objects with a version.

Each record is immutable. ``v`` in the JSON is the version of its form, raised only if older nodes would misread the
value; a value of a version that is not known is refused as a whole. Fields that are not known are kept in ``extra``
and written back, so that an older node may change a value that a newer one wrote.

A thousand partitions often have the same value, byte for byte: what was read last is remembered.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ottla.model.errors import CorruptData, OperatorError
from ottla.model.ids import Uuid, uuid_from_text, uuid_to_text

VERSION = 1
NO_LEADER = -1
REMEMBERED_VALUES = 1024

Extra = Mapping[str, Any]
NOTHING: Extra = {}

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class TopicRecord(NamedTuple):
    """``topics/<name>``: partitions from ``partition_count`` on do not exist yet, whatever their keys say."""

    id: Uuid
    partition_count: int
    extra: Extra = NOTHING


class PartitionRecord(NamedTuple):
    """``partitions/<topic id>/<index>``; the fields are those of Kafka's PartitionRecord."""

    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader: int
    leader_epoch: int = 0
    partition_epoch: int = 0
    leader_recovery_state: int = 0
    elr: tuple[int, ...] = ()
    last_known_elr: tuple[int, ...] = ()
    adding_replicas: tuple[int, ...] = ()
    removing_replicas: tuple[int, ...] = ()
    extra: Extra = NOTHING


class Endpoint(NamedTuple):
    """Where a broker's listener is to be dialled."""

    listener: str
    host: str
    port: int
    security_protocol: str


class BrokerRecord(NamedTuple):
    """``brokers/<id>``: a registration; ``epoch`` grows with each."""

    id: int
    epoch: int
    incarnation_id: Uuid
    endpoints: tuple[Endpoint, ...] = ()
    rack: str | None = None
    fenced: bool = False
    in_controlled_shutdown: bool = False
    extra: Extra = NOTHING

    def endpoint(self, listener: str) -> Endpoint | None:
        """Return the endpoint of a listener, or None."""
        return next((endpoint for endpoint in self.endpoints if endpoint.listener == listener), None)


class ControllerRecord(NamedTuple):
    """``controller``."""

    id: int
    epoch: int


_PARTITION_TUPLES = ("replicas", "isr", "elr", "last_known_elr", "adding_replicas", "removing_replicas")
_PARTITION_NUMBERS = ("leader", "leader_epoch", "partition_epoch", "leader_recovery_state")
_ALWAYS_WRITTEN = frozenset({"replicas", "isr", "leader", "leader_epoch", "partition_epoch"})


def encode_topic(record: TopicRecord) -> bytes:
    """Return the value of a topic's key."""
    return _value({"id": uuid_to_text(record.id), "partitions": record.partition_count}, record.extra)


def decode_topic(key: str, value: bytes) -> TopicRecord:
    """Read the value of a topic's key."""
    fields = _fields(key, value)
    try:
        topic_id = uuid_from_text(fields.pop("id"))
        return TopicRecord(topic_id, int(fields.pop("partitions")), fields or NOTHING)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _corrupt(key, error) from error


def encode_partition(record: PartitionRecord) -> bytes:
    """Return the value of a partition's key."""
    fields: dict[str, Any] = {}
    for name in (*_PARTITION_TUPLES, *_PARTITION_NUMBERS):
        field = getattr(record, name)
        if field or name in _ALWAYS_WRITTEN:
            fields[name] = field
    return _value(fields, record.extra)


_partitions_read: dict[bytes, PartitionRecord] = {}


def decode_partition(key: str, value: bytes) -> PartitionRecord:
    """Read the value of a partition's key."""
    known = _partitions_read.get(value)
    if known is not None:
        return known
    fields = _fields(key, value)
    try:
        arguments: dict[str, Any] = {}
        for name in _PARTITION_TUPLES:
            arguments[name] = tuple(map(int, fields.pop(name, ())))
        for name in _PARTITION_NUMBERS:
            arguments[name] = int(fields.pop(name, 0))
        record = PartitionRecord(**arguments, extra=fields or NOTHING)
    except (ValueError, TypeError) as error:
        raise _corrupt(key, error) from error
    if not record.replicas:
        raise _corrupt(key, "no replicas")
    if len(_partitions_read) >= REMEMBERED_VALUES:
        _partitions_read.clear()
    _partitions_read[value] = record
    return record


def encode_broker(record: BrokerRecord) -> bytes:
    """Return the value of a broker's key."""
    fields = {
        "epoch": record.epoch,
        "incarnation_id": uuid_to_text(record.incarnation_id),
        "endpoints": [endpoint._asdict() for endpoint in record.endpoints],
        "rack": record.rack,
        "fenced": record.fenced,
        "in_controlled_shutdown": record.in_controlled_shutdown,
    }
    return _value(fields, record.extra)


def decode_broker(key: str, value: bytes) -> BrokerRecord:
    """Read the value of a broker's key."""
    fields = _fields(key, value)
    try:
        return BrokerRecord(
            id=int(key.rpartition("/")[2]),
            epoch=int(fields.pop("epoch")),
            incarnation_id=uuid_from_text(fields.pop("incarnation_id")),
            endpoints=tuple(
                Endpoint(str(one["listener"]), str(one["host"]), int(one["port"]), str(one["security_protocol"]))
                for one in fields.pop("endpoints", ())
            ),
            rack=fields.pop("rack", None),
            fenced=bool(fields.pop("fenced", False)),
            in_controlled_shutdown=bool(fields.pop("in_controlled_shutdown", False)),
            extra=fields or NOTHING,
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _corrupt(key, error) from error


def encode_config(values: Mapping[str, str]) -> bytes:
    """Return the value of a resource's settings."""
    return _value({"values": dict(values)}, NOTHING)


def decode_config(key: str, value: bytes) -> dict[str, str]:
    """Read the settings of a resource."""
    values = _fields(key, value).get("values")
    if not isinstance(values, dict) or not all(isinstance(one, str) for one in values.values()):
        raise _corrupt(key, "no settings in it")
    return values


def encode_controller(record: ControllerRecord) -> bytes:
    """Return the value of the controller's key."""
    return _value({"id": record.id, "epoch": record.epoch}, NOTHING)


def decode_controller(key: str, value: bytes) -> ControllerRecord:
    """Read the value of the controller's key."""
    fields = _fields(key, value)
    return ControllerRecord(_number(key, fields, "id"), _number(key, fields, "epoch"))


def encode_cluster(cluster_id: str) -> bytes:
    """Return the value of the cluster's key."""
    return _value({"id": cluster_id}, NOTHING)


def decode_cluster(key: str, value: bytes) -> str:
    """Read the cluster's id."""
    cluster_id = _fields(key, value).get("id")
    if not isinstance(cluster_id, str):
        raise _corrupt(key, "no id in it")
    return cluster_id


def encode_producer_ids(next_id: int) -> bytes:
    """Return the value that says which producer id is next."""
    return _value({"next": next_id}, NOTHING)


def decode_producer_ids(key: str, value: bytes) -> int:
    """Read which producer id is next."""
    return _number(key, _fields(key, value), "next")


def encode_features(levels: Mapping[str, int]) -> bytes:
    """Return the value that holds the finalized feature levels."""
    return _value({"levels": dict(levels)}, NOTHING)


def decode_features(key: str, value: bytes) -> dict[str, int]:
    """Read the finalized feature levels."""
    levels = _fields(key, value).get("levels")
    if not isinstance(levels, dict) or not all(isinstance(level, int) for level in levels.values()):
        raise _corrupt(key, "no levels in it")
    return levels


def _value(fields: Mapping[str, Any], extra: Extra) -> bytes:
    return _encode({"v": VERSION, **fields, **extra}).encode("utf-8", "surrogatepass")


def _fields(key: str, value: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(value.decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise _corrupt(key, error) from error
    if not isinstance(fields, dict):
        raise _corrupt(key, "no JSON object")
    version = fields.pop("v", None)
    if not isinstance(version, int) or version < 1:
        raise _corrupt(key, "no version")
    if version > VERSION:
        raise OperatorError(f"the cluster's metadata ({key}) was written by a newer Ottla: start that one")
    return fields


def _number(key: str, fields: Mapping[str, Any], name: str) -> int:
    number = fields.get(name)
    if not isinstance(number, int):
        raise _corrupt(key, f"no {name} in it")
    return number


def _corrupt(key: str, reason: object) -> CorruptData:
    return CorruptData(f"the cluster's metadata is damaged at {key}: {reason}")

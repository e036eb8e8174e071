"""Records of the internal topics, decoded: which message a key and a value are, and what they say.

A key begins with the int16 record type, a value with the int16 version. The types of a topic are those that its
coordinator writes (``CoordinatorRecordType`` upstream); the generated messages say which is which.
"""

import base64
import struct
from importlib import import_module
from typing import Any

from ottla.model.errors import OttlaError
from ottla.model.ids import uuid_to_text
from ottla.protocol.message import Message

from .found import Entry
from .segment import RecordDecoder

_INT16 = struct.Struct(">h")
_CODEC_ERRORS = (OttlaError, struct.error, ValueError, IndexError, OverflowError)

_OFFSETS = {
    0: "legacy_offset_commit",
    1: "offset_commit",
    2: "group_metadata",
    3: "consumer_group_metadata",
    4: "consumer_group_partition_metadata",
    5: "consumer_group_member_metadata",
    6: "consumer_group_target_assignment_metadata",
    7: "consumer_group_target_assignment_member",
    8: "consumer_group_current_member_assignment",
    10: "share_group_member_metadata",
    11: "share_group_metadata",
    12: "share_group_target_assignment_metadata",
    13: "share_group_target_assignment_member",
    14: "share_group_current_member_assignment",
    15: "share_group_state_partition_metadata",
    16: "consumer_group_regular_expression",
    17: "streams_group_metadata",
    19: "streams_group_member_metadata",
    20: "streams_group_target_assignment_metadata",
    21: "streams_group_target_assignment_member",
    22: "streams_group_current_member_assignment",
    23: "streams_group_topology",
}
_TRANSACTIONS = {0: "transaction_log"}
_SHARES = {0: "share_snapshot", 1: "share_update"}

TOPICS = {
    "__consumer_offsets": _OFFSETS,
    "__transaction_state": _TRANSACTIONS,
    "__share_group_state": _SHARES,
}
"""The internal topics whose records are decoded, with the messages by record type."""


def decoder_for(topic: str) -> RecordDecoder | None:
    """Return what decodes the records of a topic, None for one of users."""
    messages = TOPICS.get(topic)
    if messages is None:
        return None
    return lambda key, value: _decode(messages, key, value)


def _decode(messages: dict[int, str], key: bytes, value: bytes | None) -> Entry | None:
    if len(key) < _INT16.size:
        return None
    record_type: int = _INT16.unpack_from(key)[0]
    name = messages.get(record_type)
    if name is None:
        return None
    try:
        key_message = import_module(f"ottla.protocol.messages.{name}_key").decode(key, _INT16.size, 0)
        decoded: Entry = {"type": record_type, "name": name, "key": _json(key_message), "version": None, "value": None}
        if value is not None:
            version = _INT16.unpack_from(value)[0]
            message = import_module(f"ottla.protocol.messages.{name}_value").decode(value, _INT16.size, version)
            decoded["version"] = version
            decoded["value"] = _json(message)
            if name == "group_metadata" and message.protocol_type == "consumer":
                _open_members(decoded["value"], message)
    except _CODEC_ERRORS as error:
        return {"type": record_type, "name": name, "error": str(error)}
    return decoded


def _open_members(value: Entry, message: Any) -> None:
    """Put in place of their bytes what members of Kafka's consumers subscribe to and are assigned."""
    from ottla.protocol.messages import consumer_protocol_assignment, consumer_protocol_subscription

    for shown, member in zip(value["members"], message.members, strict=True):
        for field, module in (
            ("subscription", consumer_protocol_subscription),
            ("assignment", consumer_protocol_assignment),
        ):
            data = bytes(getattr(member, field))
            if not data:
                continue
            version = min(_INT16.unpack_from(data)[0], 3)
            try:
                shown[field] = {"version": version} | _json(module.decode(data, _INT16.size, version))
            except _CODEC_ERRORS:
                continue  # some other client's own format: the bytes stay


def _json(value: Any, name: str = "") -> Any:
    if isinstance(value, Message):
        return {field: _json(inner, field) for field, inner in value.fields().items() if field != "unknown_tags"}
    if isinstance(value, list):
        return [_json(one, name) for one in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        if name.endswith(("topic_id", "uuid")) and len(data) == 16:
            return uuid_to_text(data)
        return base64.b64encode(data).decode("ascii")
    return value

"""The small files of a log directory: producer snapshots, checkpoints, identities.

Their readers are the broker's own (``ottla.log``), so that what the broker would refuse is a problem here.
"""

import json
from pathlib import Path

from ottla.log.checkpoints import decode
from ottla.log.meta_properties import parse_properties
from ottla.log.producers import decode_snapshot
from ottla.model.errors import CorruptData
from ottla.model.ids import uuid_from_text

from .found import Entries, problem


def snapshot_entries(path: Path) -> Entries:
    """Yield the producers that a snapshot knows."""
    try:
        producers = decode_snapshot(path.read_bytes())
    except CorruptData as error:
        yield problem(0, str(error))
        return
    for producer in producers:
        yield {
            "type": "producer",
            "producer_id": producer.producer_id,
            "producer_epoch": producer.epoch,
            "last_sequence": producer.last_sequence,
            "last_offset": producer.last_offset,
            "offset_delta": producer.batches[-1].offset_delta if producer.batches else 0,
            "last_timestamp_ms": producer.last_timestamp,
            "coordinator_epoch": None if producer.coordinator_epoch < 0 else producer.coordinator_epoch,
            "current_txn_first_offset": (
                None if producer.current_txn_first_offset < 0 else producer.current_txn_first_offset
            ),
        }


def leader_epoch_entries(path: Path) -> Entries:
    """Yield the leader epochs and where each began."""
    try:
        for epoch, offset in decode(path.read_bytes(), path.name, 2):
            yield {"type": "leader_epoch", "epoch": int(epoch), "start_offset": int(offset)}
    except (CorruptData, ValueError) as error:
        yield problem(0, str(error))


def offset_entries(path: Path) -> Entries:
    """Yield the partitions of a checkpoint and the offset of each."""
    try:
        for topic, partition, offset in decode(path.read_bytes(), path.name, 3):
            yield {"type": "offset", "topic": topic, "partition": int(partition), "offset": int(offset)}
    except (CorruptData, ValueError) as error:
        yield problem(0, str(error))


def properties_entries(path: Path) -> Entries:
    """Yield what ``meta.properties`` says."""
    properties = parse_properties(path.read_bytes())
    for name, value in properties.items():
        yield {"type": "property", "name": name, "value": value}
    if "version" not in properties:
        yield problem(0, "it does not say which version it has")


def partition_metadata_entries(path: Path) -> Entries:
    """Yield what ``partition.metadata`` says."""
    text = path.read_bytes().decode("latin-1")
    pairs = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    for name, value in pairs.items():
        yield {"type": "property", "name": name, "value": value}
    try:
        uuid_from_text(pairs["topic_id"])
    except (KeyError, ValueError):
        yield problem(0, "it names no topic id")


def clean_shutdown_entries(path: Path) -> Entries:
    """Yield what ``.kafka_cleanshutdown`` says; an empty one is Kafka's before 3.7."""
    data = path.read_bytes()
    try:
        for name, value in json.loads(data or b"{}").items():
            yield {"type": "property", "name": name, "value": str(value)}
    except (ValueError, AttributeError):
        yield problem(0, "it is no JSON")

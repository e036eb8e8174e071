"""How the broker and its worker process speak: JSON, one message a line.

To the worker: ``{"job": ...}`` and ``{"rate": bytes per second}``; the end of its input ends it at once. From the
worker: ``{"group": ...}`` for each finished segment, then ``{"done": ...}`` or ``{"failed": [kind, message]}``.
"""

import json
from dataclasses import fields
from typing import Any

from .job import CleanedGroup, CleanJob, CleanStats
from .retention import LastRecord
from .selection import SegmentSummary

Message = dict[str, Any]


def encode(kind: str, content: object) -> bytes:
    """Return the line that says ``content``."""
    return json.dumps({kind: content}).encode("ascii") + b"\n"


def decode(line: bytes) -> tuple[str, Any]:
    """Return what :func:`encode` was given."""
    ((kind, content),) = json.loads(line).items()
    return kind, content


def job_content(job: CleanJob) -> Message:
    """Return a job as JSON has it."""
    return _plain(job)


def job_from(content: Message) -> CleanJob:
    """Return the job that :func:`job_content` was given."""
    content["segments"] = [SegmentSummary(*segment) for segment in content["segments"]]
    content["last_records"] = {
        int(producer_id): LastRecord(*last) for producer_id, last in content["last_records"].items()
    }
    return CleanJob(**content)


def group_content(group: CleanedGroup) -> Message:
    """Return a finished group as JSON has it."""
    return _plain(group)


def group_from(content: Message) -> CleanedGroup:
    """Return the group that :func:`group_content` was given."""
    return CleanedGroup(**content)


def stats_content(stats: CleanStats) -> Message:
    """Return the figures of a round as JSON has them."""
    return _plain(stats)


def stats_from(content: Message) -> CleanStats:
    """Return the figures that :func:`stats_content` was given."""
    return CleanStats(**content)


def _plain(value: CleanJob | CleanedGroup | CleanStats) -> Message:
    return {field.name: getattr(value, field.name) for field in fields(value)}

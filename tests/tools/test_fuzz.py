"""The searches of ``make fuzz``: what they ask of inputs holds, so that whatever they find is a fault."""

import random

import pytest
from tools.fuzz import records, requests

from ottla.record.build import build_batch
from ottla.record.compress import Codec
from ottla.record.validate import Depth


@pytest.mark.parametrize("part", [requests, records])
def test_a_short_search_by_chance_finds_nothing(part: object) -> None:
    chance = random.Random(1)
    for _ in range(300):
        part.by_chance(chance)  # type: ignore[attr-defined]
        part.guided(chance.randbytes(chance.randrange(80)))  # type: ignore[attr-defined]


@pytest.mark.parametrize("codec", Codec)
def test_good_batches_pass_every_question(codec: Codec) -> None:
    entries = [(records.NOW_MS + number, b"key", None if number == 1 else b"value", ()) for number in range(3)]
    records.one_batch(bytes(build_batch(entries, codec=codec)))


def test_a_batch_is_put_around_records_of_any_kind() -> None:
    found = []
    for codec in Codec:
        batch = records.batch_around(codec, b"", 1, b"\x0e\x00\x00\x00\x01\x02v\x00")
        found.append(records._accepted(batch, records.RULES[0], Depth.RECORDS))
    assert None not in found

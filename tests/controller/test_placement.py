"""Replicas go to different brokers, to different racks where there are any, and leaders are spread."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.controller.placement import place
from ottla.metadata.records import BrokerRecord
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError


def broker(broker_id: int, rack: str | None = None, *, fenced: bool = False) -> BrokerRecord:
    return BrokerRecord(id=broker_id, epoch=1, incarnation_id=bytes(16), rack=rack, fenced=fenced)


@given(
    racks=st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=1, max_size=9),
    partition_count=st.integers(1, 40),
    data=st.data(),
)
def test_placement(racks: list[str | None], partition_count: int, data: st.DataObject) -> None:
    factor = data.draw(st.integers(1, len(racks)))
    members = [broker(number, rack) for number, rack in enumerate(racks)]
    start = data.draw(st.integers(0, len(racks) - 1))
    placed = place(members, partition_count, factor, lambda end: start % end)
    assert len(placed) == partition_count
    for record in placed:
        assert len(record.replicas) == len(set(record.replicas)) == factor
        assert record.isr == record.replicas
        assert record.leader == record.replicas[0]
        used = {racks[replica] for replica in record.replicas}
        assert len(used) == min(factor, len(set(racks)))
    led = Counter(record.leader for record in placed)
    assert max(led.values()) - min(led.get(number, 0) for number in range(len(racks))) <= 1


def test_followers_of_one_leader_vary() -> None:
    placed = place([broker(number) for number in range(4)], 12, 2, lambda end: 0)
    assert {record.replicas[1] for record in placed if record.leader == 0} == {1, 2, 3}


def test_fenced_brokers_come_last() -> None:
    members = [broker(1, fenced=True), broker(2), broker(3)]
    assert all(1 not in record.replicas for record in place(members, 6, 2, lambda end: 0))
    for record in place(members, 6, 3, lambda end: 0):
        assert record.replicas[2] == 1
        assert record.isr == record.replicas[:2]


def test_too_few_brokers() -> None:
    with pytest.raises(ApiError) as caught:
        place([broker(1), broker(2)], 1, 3, lambda end: 0)
    assert caught.value.code == ErrorCode.INVALID_REPLICATION_FACTOR
    assert caught.value.message == (
        "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached"
        " because only 2 broker(s) are registered."
    )

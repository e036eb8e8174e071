"""An image is what its keys say, however the events were cut, and applying a change is cheap."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.metadata import keys, records
from ottla.metadata.delta import ImageDelta
from ottla.metadata.image import Changes, Image
from ottla.metadata.keys import CLUSTER_DEFAULT, ConfigResource, ConfigResourceType
from ottla.metadata.records import BrokerRecord, ControllerRecord, PartitionRecord, TopicRecord
from ottla.metastore.interface import Event
from ottla.model.errors import CorruptData

ALONE = PartitionRecord(replicas=(1,), isr=(1,), leader=1)
IDS = [bytes([number]) * 16 for number in range(1, 5)]


def topic_events(name: str, topic_id: bytes, count: int, revision: int) -> list[Event]:
    value = records.encode_partition(ALONE)
    partitions = [Event(keys.partition(topic_id, index), value, revision) for index in range(count)]
    return [*partitions, Event(keys.topic(name), records.encode_topic(TopicRecord(topic_id, count)), revision)]


def applied(image: Image, events: list[Event]) -> Image:
    return image.apply(ImageDelta.of_events(events, events[-1].revision))


def described(image: Image) -> object:
    topics = {
        name: (topic.id, [(one.index, one.record, one.revision) for one in topic.partitions])
        for name, topic in image.topics.items()
    }
    return (
        image.revision,
        topics,
        {topic_id: topic.name for topic_id, topic in image.topics_by_id.items()},
        image.hidden_topic_ids,
        dict(image.brokers),
        dict(image.configs),
        image.controller,
    )


def test_a_topic_appears_with_its_partitions() -> None:
    image = applied(Image(), topic_events("t", IDS[0], 3, 5))
    topic = image.topics["t"]
    assert image.topics_by_id[IDS[0]] is topic
    assert [partition.index for partition in topic.partitions] == [0, 1, 2]
    partition = image.partition("t", 2)
    assert partition is not None
    assert (partition.leader, partition.isr, partition.replicas, partition.revision) == (1, (1,), (1,), 5)
    assert image.partition("t", 3) is None
    assert image.partition("t", -1) is None
    assert image.partition("u", 0) is None


def test_partitions_count_only_once_their_topic_says_so() -> None:
    events = topic_events("t", IDS[0], 3, 1)
    image = applied(Image(), events[:3])
    assert not image.topics
    assert image.hidden_topic_ids == {IDS[0]}
    image = applied(image, [events[3]])
    assert len(image.topics["t"].partitions) == 3
    assert not image.hidden_topic_ids
    more = [Event(keys.partition(IDS[0], 3), records.encode_partition(ALONE), 2)]
    image = applied(image, more)
    assert len(image.topics["t"].partitions) == 3
    assert image.hidden_topic_ids == {IDS[0]}
    grown = Event(keys.topic("t"), records.encode_topic(TopicRecord(IDS[0], 4)), 3)
    assert len(applied(image, [grown]).topics["t"].partitions) == 4


def test_a_topic_that_lacks_a_partition_is_damaged() -> None:
    with pytest.raises(CorruptData, match="t has no partition 0"):
        applied(Image(), topic_events("t", IDS[0], 2, 1)[1:])


def test_a_deleted_topic_is_gone_by_name_and_by_id() -> None:
    image = applied(Image(), topic_events("t", IDS[0], 2, 1))
    gone = applied(image, [Event(keys.topic("t"), None, 2)])
    assert not gone.topics
    assert not gone.topics_by_id
    assert gone.hidden_topic_ids == {IDS[0]}
    swept = applied(gone, [Event(keys.partition(IDS[0], index), None, 3) for index in range(2)])
    assert not swept.hidden_topic_ids
    assert "t" in image.topics


def test_a_name_can_be_taken_again_in_the_same_delta() -> None:
    image = applied(Image(), topic_events("t", IDS[0], 2, 1))
    events = [Event(keys.partition(IDS[0], index), None, 2) for index in range(2)]
    events += [Event(keys.topic("t"), None, 2), *topic_events("t", IDS[1], 1, 3)]
    delta = ImageDelta.of_events(events, 3)
    changes = Changes()
    changes.add(delta, image)
    new = image.apply(delta)
    assert new.topics["t"].id == IDS[1]
    assert set(new.topics_by_id) == {IDS[1]}
    pairs = sorted(
        (before.id if before else b"", after.id if after else b"") for before, after in changes.topics(image, new)
    )
    assert pairs == [(b"", IDS[1]), (IDS[0], b"")]


def test_a_change_to_one_partition_shares_the_others() -> None:
    image = applied(Image(), [*topic_events("t", IDS[0], 3, 1), *topic_events("u", IDS[1], 1, 1)])
    moved = PartitionRecord(replicas=(1, 2), isr=(2,), leader=2, leader_epoch=1, partition_epoch=1)
    event = Event(keys.partition(IDS[0], 1), records.encode_partition(moved), 9)
    new = applied(image, [event])
    assert new.topics["u"] is image.topics["u"]
    assert new.topics["t"].partitions[0] is image.topics["t"].partitions[0]
    assert new.topics["t"].partitions[1].record == moved
    assert new.topics_by_id[IDS[0]] is new.topics["t"]
    assert image.topics["t"].partitions[1].leader == 1


def test_everything_else() -> None:
    broker = BrokerRecord(id=3, epoch=4, incarnation_id=IDS[0])
    resource = ConfigResource(ConfigResourceType.TOPIC, "t")
    image = applied(
        Image(),
        [
            Event(keys.CLUSTER, records.encode_cluster("abc"), 1),
            Event(keys.CONTROLLER, records.encode_controller(ControllerRecord(3, 7)), 2),
            Event(keys.PRODUCER_IDS, records.encode_producer_ids(2000), 3),
            Event(keys.FEATURES, records.encode_features({"group.version": 1}), 4),
            Event(keys.broker(3), records.encode_broker(broker), 5),
            Event(keys.config(resource), records.encode_config({"retention.ms": "1"}), 6),
            Event(keys.config(CLUSTER_DEFAULT), records.encode_config({"a": "b"}), 6),
            Event("configs/colour/blue", b"?", 7),
            Event("something/new", b"?", 8),
        ],
    )
    assert (image.cluster_id, image.controller_id, image.controller_revision) == ("abc", 3, 2)
    assert (image.next_producer_id, image.features, image.revision) == (2000, {"group.version": 1}, 8)
    assert image.brokers == {3: broker}
    assert image.topic_config("t") == {"retention.ms": "1"}
    assert image.config(CLUSTER_DEFAULT) == {"a": "b"}
    assert image.topic_config("u") == {}
    gone = applied(
        image,
        [Event(keys.config(resource), None, 9), Event(keys.broker(3), None, 9), Event(keys.CONTROLLER, None, 9)],
    )
    assert not gone.brokers
    assert gone.topic_config("t") == {}
    assert (gone.controller_id, gone.controller_revision) == (-1, 0)
    assert gone.cluster_id == "abc"


@st.composite
def histories(draw: st.DrawFn) -> list[list[Event]]:
    """Whole transactions: topics are created, grown, moved and deleted in any order."""
    alive: dict[str, tuple[bytes, int]] = {}
    made = 0
    history: list[list[Event]] = []
    for revision in range(1, draw(st.integers(1, 12)) + 1):
        name = draw(st.sampled_from("abc"))
        if name not in alive:
            made += 1
            topic_id, count = bytes([made]) * 16, draw(st.integers(1, 3))
            history.append(topic_events(name, topic_id, count, revision))
            alive[name] = (topic_id, count)
            continue
        topic_id, count = alive[name]
        match draw(st.sampled_from(["delete", "grow", "move"])):
            case "delete":
                events = [Event(keys.partition(topic_id, index), None, revision) for index in range(count)]
                history.append([Event(keys.topic(name), None, revision), *events])
                del alive[name]
            case "grow":
                value = records.encode_topic(TopicRecord(topic_id, count + 1))
                new = Event(keys.partition(topic_id, count), records.encode_partition(ALONE), revision)
                history.append([new, Event(keys.topic(name), value, revision)])
                alive[name] = (topic_id, count + 1)
            case _:
                moved = ALONE._replace(leader_epoch=revision)
                index = draw(st.integers(0, count - 1))
                history.append([Event(keys.partition(topic_id, index), records.encode_partition(moved), revision)])
    return history


@given(histories(), st.data())
def test_how_events_are_grouped_makes_no_difference(history: list[list[Event]], data: st.DataObject) -> None:
    one_by_one = Image()
    for events in history:
        one_by_one = applied(one_by_one, events)
    grouped = Image()
    rest = history
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        grouped = applied(grouped, [event for events in rest[:size] for event in events])
        rest = rest[size:]
    assert described(grouped) == described(one_by_one)
    state: dict[str, Event] = {}
    for events in history:
        for event in events:
            state[event.key] = event
    held = [event for event in state.values() if event.value is not None]
    anew = Image().apply(ImageDelta.of_events(held, history[-1][-1].revision))
    assert described(anew) == described(one_by_one)
    assert set(anew.store_keys()) == {event.key for event in held}


def test_a_change_to_one_topic_of_five_thousand_partitions_is_cheap() -> None:
    image = applied(Image(), topic_events("big", IDS[0], 4000, 1))
    many = [event for n in range(1000) for event in topic_events(f"t{n}", n.to_bytes(16, "big"), 1, 2)]
    image = applied(image, many)
    best_us = 1e9
    for attempt in range(20):
        events = topic_events("new", IDS[1], 1, attempt + 3)
        started = time.perf_counter()
        applied(image, events)
        best_us = min(best_us, (time.perf_counter() - started) * 1e6)
    assert best_us < 1000
    moved = records.encode_partition(ALONE._replace(leader_epoch=1))
    for attempt in range(20):
        event = Event(keys.partition(IDS[0], attempt), moved, 3)
        started = time.perf_counter()
        applied(image, [event])
        best_us = min(best_us, (time.perf_counter() - started) * 1e6)
    assert best_us < 1000

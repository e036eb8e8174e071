"""The controller carries decisions out: serially, guarded by its office, answered when the node is ready."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.controller.cluster import DEFAULTS, Counting, Schema

from ottla.controller.alter_configs import Alteration, ConfigChange
from ottla.controller.create_partitions import MorePartitions
from ottla.controller.create_topics import Chance, NewTopic
from ottla.controller.delete_topics import TopicReference
from ottla.controller.driver import Controller
from ottla.metadata import keys, records
from ottla.metadata.image import Changes, Image
from ottla.metadata.records import ControllerRecord, PartitionRecord
from ottla.metastore.embedded import EmbeddedMetastore
from ottla.metastore.interface import Metastore, Put
from ottla.metastore.memory import MemoryMetastore
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, OperatorError
from ottla.runtime.clock import ManualClock
from ottla.runtime.tasks import Tasks

Open = Callable[[Metastore], Controller]


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.close()


@pytest.fixture
async def store() -> AsyncIterator[MemoryMetastore]:
    store = MemoryMetastore(clock=ManualClock())
    yield store
    await store.close()


@pytest.fixture
async def open_controller(tasks: Tasks) -> AsyncIterator[Open]:
    opened: list[Controller] = []
    source = Counting()

    def open_one(store: Metastore) -> Controller:
        chance = Chance(entropy=source.entropy, draw=source.draw)
        controller = Controller(
            store, node_id=1, tasks=tasks, schema=Schema(), defaults=lambda: DEFAULTS, chance=chance
        )
        opened.append(controller)
        return controller

    yield open_one
    for controller in opened:
        await controller.close()


async def begin(controller: Controller, cluster_id: str | None = None) -> Controller:
    await controller.start(cluster_id)
    await controller.register_broker(1, incarnation_id=bytes(16), endpoints=[])
    return controller


@pytest.fixture
async def controller(store: MemoryMetastore, open_controller: Open) -> Controller:
    return await begin(open_controller(store))


async def test_a_new_cluster_gets_an_id_and_a_controller(controller: Controller) -> None:
    image = controller.image
    assert len(image.cluster_id) == 22
    assert image.controller_id == 1
    assert set(image.brokers) == {1}


async def test_a_restart_keeps_the_cluster_and_raises_the_epochs(store: MemoryMetastore, open_controller: Open) -> None:
    first = await begin(open_controller(store))
    await first.create_topics([NewTopic(name="t", partition_count=2)])
    before = first.image
    await first.close()
    second = await begin(open_controller(store))
    after = second.image
    assert after.cluster_id == before.cluster_id
    assert after.controller.epoch == before.controller.epoch + 1
    assert after.brokers[1].epoch > before.brokers[1].epoch
    assert after.topics["t"].id == before.topics["t"].id


async def test_the_folders_and_the_metadata_belong_together(store: MemoryMetastore, open_controller: Open) -> None:
    first = await begin(open_controller(store), "5L6g3nShT-eMCtK--X86sw")
    assert first.image.cluster_id == "5L6g3nShT-eMCtK--X86sw"
    await first.close()
    second = open_controller(store)
    with pytest.raises(OperatorError, match="5L6g3nShT-eMCtK--X86sw"):
        await second.start("another")


def indexes(controller: Controller, topic: str) -> list[int]:
    return [partition.index for partition in controller.image.topics[topic].partitions]


async def test_topics_come_grow_change_and_go(controller: Controller) -> None:
    (created,) = await controller.create_topics([NewTopic(name="t")])
    assert created.error is None
    assert indexes(controller, "t") == [0]
    (grown,) = await controller.create_partitions([MorePartitions(name="t", count=3)])
    assert grown.error is None
    assert indexes(controller, "t") == [0, 1, 2]
    change = ConfigChange(name="retention.ms", operation=0, value="5")
    (altered,) = await controller.alter_configs([Alteration(resource_type=2, resource_name="t", changes=(change,))])
    assert altered.error is None
    assert controller.image.topic_config("t") == {"retention.ms": "5"}
    (deleted,) = await controller.delete_topics([TopicReference(name="t")])
    assert (deleted.error, deleted.id) == (None, created.id)
    assert not controller.image.topics
    assert not controller.image.configs


async def test_validate_only_changes_nothing(controller: Controller) -> None:
    revision = controller.image.revision
    (created,) = await controller.create_topics([NewTopic(name="t", partition_count=3)], validate_only=True)
    assert (created.error, created.partition_count) == (None, 3)
    (refused,) = await controller.create_partitions([MorePartitions(name="t", count=3)], validate_only=True)
    assert refused.error is not None
    await asyncio.sleep(0)
    assert controller.metadata.latest.revision == revision


async def test_of_many_who_create_one_name_one_succeeds(controller: Controller) -> None:
    answers = await asyncio.gather(*(controller.create_topics([NewTopic(name="t")]) for _ in range(10)))
    errors = [answer[0].error for answer in answers]
    assert sum(error is None for error in errors) == 1
    assert {error.code for error in errors if error is not None} == {ErrorCode.TOPIC_ALREADY_EXISTS}


async def test_the_answer_waits_until_the_node_is_prepared(controller: Controller) -> None:
    ready = asyncio.Event()
    prepared: list[str] = []

    async def prepare(old: Image, new: Image, changes: Changes) -> None:
        prepared.extend(after.name for before, after in changes.topics(old, new) if after is not None)
        await ready.wait()

    controller.subscribe(prepare)
    first = asyncio.create_task(controller.create_topics([NewTopic(name="first")]))
    for _ in range(20):
        await asyncio.sleep(0)
    second = asyncio.create_task(controller.create_topics([NewTopic(name="second")]))
    for _ in range(20):
        await asyncio.sleep(0)
    assert prepared == ["first"]
    assert not first.done()
    assert not controller.image.topics
    assert set(controller.metadata.latest.topics) == {"first", "second"}
    ready.set()
    await asyncio.gather(first, second)
    assert set(controller.image.topics) == {"first", "second"}


async def test_a_large_decision_is_made_in_pieces_that_show_at_once(open_controller: Open) -> None:
    store = MemoryMetastore(clock=ManualClock(), max_operations=16)
    controller = await begin(open_controller(store))
    seen: list[int] = []
    controller.subscribe(lambda old, new, changes: seen.append(sum(len(t.partitions) for t in new.topics.values())))
    (created,) = await controller.create_topics([NewTopic(name="t", partition_count=100)])
    assert created.error is None
    assert set(seen) <= {0, 100}
    assert len(controller.image.topics["t"].partitions) == 100
    await controller.create_partitions([MorePartitions(name="t", count=150)])
    assert set(seen) <= {0, 100, 150}
    await controller.delete_topics([TopicReference(name="t")])
    assert not controller.image.topics
    assert not controller.image.hidden_topic_ids
    await store.close()


async def test_what_a_dead_controller_left_behind_is_swept(store: MemoryMetastore, open_controller: Open) -> None:
    alone = records.encode_partition(PartitionRecord(replicas=(1,), isr=(1,), leader=1))
    left = bytes([7]) * 16
    await store.transact([], [Put(keys.partition(left, index), alone) for index in range(3)])
    controller = await begin(open_controller(store))
    assert not controller.image.hidden_topic_ids
    assert (await store.get_range(keys.PARTITIONS))[0] == []


async def test_one_who_lost_the_office_cannot_write(store: MemoryMetastore, controller: Controller) -> None:
    usurper = records.encode_controller(ControllerRecord(2, 99))
    await store.transact([], [Put(keys.CONTROLLER, usurper)])
    with pytest.raises(ApiError) as caught:
        await controller.create_topics([NewTopic(name="t", partition_count=5)])
    assert caught.value.code == ErrorCode.NOT_CONTROLLER
    assert (await store.get_range(keys.TOPICS))[0] == []
    assert (await store.get_range(keys.PARTITIONS))[0] == []


async def test_a_decision_on_an_old_image_is_made_again(
    store: MemoryMetastore, controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leader changes the metadata between the decision and its transaction."""
    transact = store.transact
    topic = records.encode_topic(records.TopicRecord(bytes([5]) * 16, 0))
    first = True

    async def raced(compares: object, operations: object) -> object:
        nonlocal first
        if first:
            first = False
            await transact([], [Put(keys.topic("t"), topic)])
        return await transact(compares, operations)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(store, "transact", raced)
    (created,) = await controller.create_topics([NewTopic(name="t")])
    assert created.error is not None
    assert created.error.code == ErrorCode.TOPIC_ALREADY_EXISTS


async def test_producer_ids_are_never_handed_out_twice(store: MemoryMetastore, open_controller: Open) -> None:
    first = await begin(open_controller(store))
    ids = await asyncio.gather(*(first.next_producer_id() for _ in range(1500)))
    assert len(set(ids)) == 1500
    await first.close()
    second = await begin(open_controller(store))
    more = [await second.next_producer_id() for _ in range(10)]
    assert not set(ids) & set(more)


async def test_a_caller_that_gives_up_does_not_stop_the_next(controller: Controller) -> None:
    given_up = asyncio.create_task(controller.create_topics([NewTopic(name="a")]))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait([given_up])
    (created,) = await controller.create_topics([NewTopic(name="b")])
    assert created.error is None
    assert "b" in controller.image.topics


async def test_five_thousand_partitions_and_five_thousand_topics(controller: Controller) -> None:
    await controller.create_topics([NewTopic(name="big", partition_count=5000)])
    for number in range(5000):
        await controller.create_topics([NewTopic(name=f"topic-{number}")])
    assert len(controller.image.topics) == 5001


async def test_on_the_file_too(tmp_path: Path, tasks: Tasks, open_controller: Open) -> None:
    store = EmbeddedMetastore.open(str(tmp_path), tasks=tasks, clock=ManualClock())
    controller = await begin(open_controller(store))
    await controller.create_topics([NewTopic(name="big", partition_count=5000)])
    await asyncio.gather(*(controller.create_topics([NewTopic(name=f"t{number}")]) for number in range(50)))
    await controller.close()
    await store.close()
    store = EmbeddedMetastore.open(str(tmp_path), tasks=tasks, clock=ManualClock())
    reopened = open_controller(store)
    await reopened.start()
    assert reopened.image.topics.keys() == controller.image.topics.keys()
    assert len(reopened.image.topics["big"].partitions) == 5000
    await reopened.close()
    await store.close()

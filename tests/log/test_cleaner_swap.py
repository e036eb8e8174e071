"""A swap that is called off half-way leaves the log as it was, whatever the moment, and so does a power cut then."""

import asyncio
from dataclasses import replace

import pytest
from tests.log.cleaner_node import CleanerNode, contents
from tests.log.test_cleaner_crash import KEYS, TOPIC, CopiedFiles

from ottla.log import names
from ottla.log.cleaner.candidates import examine, job_for
from ottla.log.cleaner.config import CleanerConfig
from ottla.log.cleaner.failures import CleaningAborted
from ottla.log.cleaner.job import CleanedGroup, clean
from ottla.log.cleaner.swap import Swap
from ottla.log.cleaner.throttle import Throttle
from ottla.log.log import Log
from ottla.log.segment import Segment
from ottla.model.errors import StorageError


def ready() -> tuple[CleanerNode, Log, CleanedGroup, list[Segment]]:
    """Return a log and a finished segment that waits to take the place of several."""
    node = CleanerNode()
    node = CleanerNode(CopiedFiles(now_ms=node.clock.now_ms))
    log = node.log()
    node.fill(log, KEYS, 8)
    log.flush()
    candidate = examine(log, None, node.clock.now_ms())
    job = replace(job_for(candidate, CleanerConfig(), node.clock.now_ms()), segment_bytes=1 << 20)
    stats = clean(job, node.files, Throttle(float("inf"), lambda: 0.0, lambda _: None), lambda _: None)
    (group,) = stats.groups
    return node, log, group, list(log.segments)[:-1]


async def test_a_swap_replaces_the_segments_at_once_and_keeps_the_old_ones_for_a_while() -> None:
    node, log, group, old = ready()
    assert len(old) > 3
    before = len(contents(log))
    new = await Swap(log, group, old, lambda: True).run()
    assert log.segments.base_offsets() == [0, log.segments.active.base_offset]
    assert log.segments[0] is new
    assert new.is_inactive
    assert len(contents(log)) < before / 3
    assert {key: value for _, key, value in contents(log)} == dict.fromkeys(KEYS, b"value 7")
    left = node.files.list_dir(log.directory)
    assert len([name for name in left if name.endswith(names.LOG + names.DELETED)]) == len(old)
    assert old[1].log.pread(10, 0), "whoever had found an old segment can still read it"
    node.clock.advance(log.config.file_delete_delay_ms)
    await node.logs.tick()
    assert not [name for name in node.files.list_dir(log.directory) if name.endswith(names.DELETED)]
    await node.close()


@pytest.mark.parametrize("questions", [0, 1])
async def test_a_swap_that_is_called_off_leaves_the_log_as_it_was(questions: int) -> None:
    node, log, group, old = ready()
    before = contents(log)
    asked = 0

    def is_wanted() -> bool:
        nonlocal asked
        asked += 1
        return asked <= questions

    assert isinstance(node.files, CopiedFiles)
    node.files.copies = []
    with pytest.raises(CleaningAborted):
        await Swap(log, group, old, is_wanted).run()
    copies, node.files.copies = node.files.copies, None
    assert asked == questions + 1
    assert contents(log) == before
    assert not [name for name in node.files.list_dir(log.directory) if name.endswith((names.SWAP, names.DELETED))]
    await node.close()
    for what, disk in copies:
        disk.crash()
        again = CleanerNode(disk)
        log = again.logs.logs[TOPIC]
        found = contents(log)
        assert {key: value for _, key, value in found} == dict.fromkeys(KEYS, b"value 7"), what
        assert [entry for entry in before if entry in found] == found, what
        await again.close()


async def published(log: Log, group: CleanedGroup, old: list[Segment]) -> "asyncio.Future[Segment]":
    """Begin a swap and return it when the log has the new segment and the old ones still have their names."""
    asked = asyncio.Event()

    def is_wanted() -> bool:
        if log.context.files.exists(names.segment_path(log.directory, 0, names.LOG + names.SWAP)):
            asked.set()
        return True

    swapping = asyncio.ensure_future(Swap(log, group, old, is_wanted).run())
    await asked.wait()
    assert log.segments[0] is not old[0]
    return swapping


@pytest.mark.parametrize("offset", [0, 7, 20])
async def test_a_log_that_is_truncated_in_the_middle_of_a_swap_ends_there(offset: int) -> None:
    """Once the log has the new segment it is that one which is cut, whatever name it has at the moment."""
    node, log, group, old = ready()
    swapping = await published(log, group, old)
    log.truncate_to(offset)
    await swapping
    assert log.log_end_offset == offset
    assert all(entry[0] < offset for entry in contents(log))
    for segment in log.segments:
        assert node.files.exists(names.segment_path(log.directory, segment.base_offset, names.LOG))
    node.append(log, (b"a", b"new"))
    assert contents(log)[-1] == (offset, b"a", b"new")
    log.flush()
    await node.close()
    node.files.crash()
    again = CleanerNode(node.files)
    assert contents(again.logs.logs[TOPIC])[-1] == (offset, b"a", b"new")
    await again.close()


async def test_a_log_that_is_deleted_in_the_middle_of_a_swap_is_gone() -> None:
    node, log, group, old = ready()
    swapping = await published(log, group, old)
    await node.logs.delete(TOPIC)
    await swapping
    assert log.failure is None
    await node.close()


async def test_a_disk_that_refuses_in_the_middle_of_a_swap_loses_nothing() -> None:
    node, log, group, old = ready()
    expected = dict.fromkeys(KEYS, b"value 7")
    node.files.fail("rename", match=names.SWAP)
    with pytest.raises(StorageError):
        await Swap(log, group, old, lambda: True).run()
    node.files.heal()
    await node.close()
    node.files.crash()
    again = CleanerNode(node.files)
    assert {key: value for _, key, value in contents(again.logs.logs[TOPIC])} == expected
    await again.close()


async def test_readers_find_everything_at_every_moment_of_a_swap() -> None:
    node, log, group, old = ready()
    expected = dict.fromkeys(KEYS, b"value 7")
    swapping = asyncio.ensure_future(Swap(log, group, old, lambda: True).run())
    looks = 0
    while not swapping.done():
        assert {key: value for _, key, value in contents(log)} == expected
        looks += 1
        await asyncio.sleep(0)
    assert looks > 3
    await swapping
    assert {key: value for _, key, value in contents(log)} == expected
    await node.close()

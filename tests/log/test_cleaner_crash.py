"""The power fails at any moment of a compaction: the next start loses nothing and brings nothing back.

One round is run while the disk is copied before every call that changes it; then each copy is started from.
"""

import copy
from dataclasses import replace
from typing import Any

import pytest
from tests.log.cleaner_node import CleanerNode, contents

from ottla.log import names
from ottla.model.ids import TopicPartition
from ottla.runtime.files.memory import MemoryFiles

TOPIC = TopicPartition("topic", 0)
KEYS = [b"a", b"b", b"c"]
CHANGES = {"open", "write", "truncate", "fsync", "fsync_dir", "rename", "remove"}


class CopiedFiles(MemoryFiles):
    """Keeps a copy of itself from before every change, once told to."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.copies: list[tuple[str, MemoryFiles]] | None = None

    def check(self, action: str, path: str, *, grow: int = 0) -> None:
        if self.copies is not None and action in CHANGES:
            after = MemoryFiles(now_ms=self.now_ms)
            after._root = copy.deepcopy(self._root)
            self.copies.append((f"{action} {path}", after))
        super().check(action, path, grow=grow)


@pytest.mark.parametrize("segment_bytes", [300, 1200])
@pytest.mark.parametrize("is_second_round", [False, True])
async def test_every_moment_can_be_the_last(segment_bytes: int, is_second_round: bool) -> None:
    node = CleanerNode()
    files = CopiedFiles(now_ms=node.clock.now_ms)
    node = CleanerNode(files)
    log = node.log(segment_bytes=300)
    last = node.fill(log, KEYS, 8)
    if is_second_round:
        await node.compact()
        last |= node.fill(log, KEYS[:2], 8)
    log.flush()
    original = contents(log)
    end_offset = log.log_end_offset
    log.update_config(replace(log.config, segment_bytes=segment_bytes))

    files.copies = []
    assert await node.compact() >= 1
    copies, files.copies = files.copies, None
    assert len({what for what, _ in copies if names.SWAP in what}) >= 3
    await node.close()

    for what, disk in copies:
        disk.crash()
        again = CleanerNode(disk)
        log = again.logs.logs[TOPIC]
        found = contents(log)
        assert {key: value for _, key, value in found} == last, what
        assert [entry for entry in original if entry in found] == found, what
        assert log.log_end_offset == end_offset, what
        temporary = (names.CLEANED, names.SWAP, names.DELETED)
        assert not [name for name in disk.list_dir(log.directory) if name.endswith(temporary)], what
        await again.compact()
        assert {key: value for _, key, value in contents(log)} == last, what
        await again.close()


async def test_a_tombstone_that_goes_does_not_let_its_key_come_back() -> None:
    node = CleanerNode()
    files = CopiedFiles(now_ms=node.clock.now_ms)
    node = CleanerNode(files)
    log = node.log(segment_bytes=150, delete_retention_ms=1000)
    node.append(log, (b"gone", b"x" * 100))
    node.append(log, (b"b", b"1"))
    node.append(log, (b"gone", None))
    node.append(log, (b"c", b"1"))
    log.roll()
    node.append(log, (b"d", b"1"))
    log.flush()
    files.copies = []
    await node.compact()
    node.clock.advance(2000)
    log.roll()
    node.append(log, (b"b", b"2" * 200))
    log.roll()
    node.append(log, (b"d", b"1"))
    log.flush()
    assert await node.compact() >= 1
    copies, files.copies = files.copies, None
    assert b"gone" not in {key for _, key, _ in contents(log)}
    await node.close()
    for what, disk in copies:
        disk.crash()
        again = CleanerNode(disk)
        found = {key: value for _, key, value in contents(again.logs.logs[TOPIC])}
        assert found.get(b"gone") is None, what
        await again.close()

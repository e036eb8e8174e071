"""One log directory (one of ``log.dirs``).

Its lock, its identity, its checkpoints, and whether it still works.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from ..model.errors import CorruptData, OperatorError, StorageError
from ..model.ids import TopicPartition, Uuid
from ..runtime.files import Files, Lock
from . import names
from .checkpoints import OffsetCheckpoint
from .meta_properties import (
    MetaProperties,
    read_clean_shutdown,
    read_meta_properties,
    remove_clean_shutdown,
    write_clean_shutdown,
    write_meta_properties,
)

UNKNOWN_BROKER_EPOCH = -1


class LogDirectory:
    """A folder that holds partitions. ``failure`` says why it is offline; None while it works."""

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._lock: Lock | None = None
        self.path = path.rstrip("/") or "/"
        self.failure: StorageError | None = None
        self.properties: MetaProperties | None = None
        self.had_clean_shutdown = False
        self.previous_broker_epoch = UNKNOWN_BROKER_EPOCH
        self.recovery_points = OffsetCheckpoint(files, names.join(self.path, names.RECOVERY_POINT_CHECKPOINT))
        self.log_starts = OffsetCheckpoint(files, names.join(self.path, names.LOG_START_CHECKPOINT))
        self.high_watermarks = OffsetCheckpoint(files, names.join(self.path, names.HIGH_WATERMARK_CHECKPOINT))
        self.first_dirty_offsets = OffsetCheckpoint(files, names.join(self.path, names.CLEANER_CHECKPOINT))

    def __repr__(self) -> str:
        return f"<LogDirectory {self.path}{' offline' if self.failure else ''}>"

    @property
    def id(self) -> Uuid | None:
        """The directory's own id, from ``meta.properties``."""
        return self.properties.directory_id if self.properties is not None else None

    def open(self) -> None:
        """Make the folder if it is missing, lock it, read whose it is; OperatorError says what to mend."""
        try:
            self._files.make_dir(self.path)
            self._lock = self._files.lock(names.join(self.path, names.LOCK))
        except BlockingIOError as error:
            raise OperatorError(
                f"the folder {self.path} is in use by another node; stop that one or choose another log.dirs"
            ) from error
        except (StorageError, FileNotFoundError) as error:
            raise OperatorError(f"the folder {self.path} cannot be used: {error}; check log.dirs") from error
        try:
            self.properties = read_meta_properties(self._files, self.path)
        except (CorruptData, StorageError) as error:
            self.release()
            raise OperatorError(f"{error}; restore the file or choose another log.dirs") from error

    def identify(self, cluster_id: str, node_id: int, fresh_uuid: Callable[[], Uuid], *, now_ms: int) -> MetaProperties:
        """Write into the folder whose it is, unless it says so already; OperatorError if it is another's."""
        known = self.properties
        if known is not None and known.cluster_id not in (None, cluster_id):
            raise OperatorError(
                f"the folder {self.path} belongs to cluster {known.cluster_id}, not {cluster_id}; "
                "choose another log.dirs"
            )
        if known is not None and known.node_id not in (None, node_id):
            raise OperatorError(
                f"the folder {self.path} belongs to node {known.node_id}, not {node_id}; set node.id or log.dirs"
            )
        directory_id = known.directory_id if known is not None else None
        wanted = replace(
            known or MetaProperties(),
            cluster_id=cluster_id,
            node_id=node_id,
            directory_id=directory_id or fresh_uuid(),
        )
        if wanted != known:
            write_meta_properties(self._files, self.path, wanted, now_ms=now_ms)
            self.properties = wanted
        return wanted

    def begin(self) -> None:
        """Take note of how the last run ended.

        From now on only a clean stop says that it was clean. Blocks.
        """
        epoch = read_clean_shutdown(self._files, self.path)
        self.had_clean_shutdown = epoch is not None
        if epoch is not None:
            self.previous_broker_epoch = epoch
            remove_clean_shutdown(self._files, self.path)

    def end(self, broker_epoch: int) -> None:
        """Say that the logs need no recovery. Blocks."""
        write_clean_shutdown(self._files, self.path, broker_epoch)

    def release(self) -> None:
        """Let others have the folder."""
        lock, self._lock = self._lock, None
        if lock is not None:
            with contextlib.suppress(OSError):
                lock.release()


def read_or_reset(checkpoint: OffsetCheckpoint, warn: Callable[[str], None]) -> Mapping[TopicPartition, int]:
    """Return what the checkpoint says; nothing, with a warning, if it is damaged: what it spares is work."""
    try:
        return checkpoint.read()
    except CorruptData as error:
        warn(f"starting from nothing: {error}")
        return {}

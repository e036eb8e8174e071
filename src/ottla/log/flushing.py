"""What one flush has to do, gathered on the event loop and done in a thread."""

from collections.abc import Sequence

from ..runtime.files import Files
from . import names
from .epochs import LeaderEpochs
from .segment import Segment


class FlushWork:
    """Bring a log's bytes in ``[start_offset, end_offset)`` to the disk, and first what they need to be found
    again.

    Names of new files (and the partition's own folder), its metadata, epochs and snapshots come before the
    records: a recovery point must never promise what a start cannot find.
    """

    __slots__ = (
        "active",
        "directory",
        "end_offset",
        "epochs",
        "files",
        "has_new_names",
        "segments",
        "snapshots",
        "start_offset",
    )

    def __init__(
        self,
        *,
        files: Files,
        directory: str,
        start_offset: int,
        end_offset: int,
        segments: Sequence[Segment],
        active: Segment,
        epochs: LeaderEpochs,
        snapshots: Sequence[str],
        has_new_names: bool,
    ) -> None:
        self.files = files
        self.directory = directory
        self.start_offset = start_offset
        self.end_offset = end_offset
        self.segments = segments
        self.active = active
        self.epochs = epochs
        self.snapshots = snapshots
        self.has_new_names = has_new_names

    def run(self) -> None:
        """Do it; blocks. Raises StorageError."""
        self.epochs.write()
        for snapshot in self.snapshots:
            self.files.fsync_file(snapshot)
        if self.has_new_names:
            self.files.fsync_file(names.join(self.directory, names.PARTITION_METADATA))
            self.files.fsync_file(self.epochs.path)
            self.files.fsync_dir(self.directory)
            self.files.fsync_dir(self.directory.rpartition("/")[0] or ".")
        for segment in self.segments:
            segment.fsync(indexes=segment is not self.active or segment.is_inactive)

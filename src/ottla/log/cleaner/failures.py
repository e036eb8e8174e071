"""How a round of compaction may come to nothing.

CorruptData and StorageError (what is wrong with a log, or with the disk under it) are those of everybody else.
"""

import errno

from ottla.model.errors import OttlaError, StorageError

DISK_FULL = "DiskFull"
"""What a worker calls a failure that may be over by itself."""


class CleaningAborted(Exception):
    """The log was truncated, deleted, or is no longer to be compacted."""


class WorkerError(OttlaError):
    """A worker ended, or failed in a way that says nothing about the disk."""


class DiskFullError(StorageError):
    """There is no room for the new segment; the log is as it was."""


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error of the disk says that there is no room left."""
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)

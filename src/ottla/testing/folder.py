"""A broker in a test that has a disk: a temporary folder, written without waiting for the disk, or one to be kept."""

import shutil
import tempfile

from ottla.broker.storage import DiskStorage
from ottla.log.cleaner.config import CleanerConfig
from ottla.log.cleaner.inline import InlineRunner
from ottla.runtime.clock import SystemClock
from ottla.runtime.files import RealFiles


def make_folder() -> str:
    """Make a temporary folder."""
    return tempfile.mkdtemp(prefix="ottla-")


def remove_folder(path: str) -> None:
    """Remove a temporary folder with all that is in it."""
    shutil.rmtree(path, ignore_errors=True)


def storage_in(*, is_temporary: bool) -> DiskStorage:
    """Return the storage. Compaction runs in line: a test's process gets no child that it did not start."""
    files = RealFiles(fsyncs=not is_temporary)

    def runner(config: CleanerConfig) -> InlineRunner:
        return InlineRunner(files, SystemClock())

    return DiskStorage(files=files, runner=runner)

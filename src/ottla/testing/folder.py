"""A broker in a test that has a disk: a temporary folder, or one that is kept.

Compaction runs in line in both, so that a test's process gets no child that it did not start. The temporary one is
written without waiting for the disk, and has its metadata in memory.
"""

import shutil
import tempfile

from ottla.broker.memory_storage import MemoryStorage
from ottla.broker.storage import DiskStorage, Storage
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


def storage_in(*, is_temporary: bool) -> Storage:
    """Return what a broker with a folder lives on."""
    if is_temporary:
        return MemoryStorage(files=RealFiles(fsyncs=False))
    files = RealFiles()

    def runner(config: CleanerConfig) -> InlineRunner:
        return InlineRunner(files, SystemClock())

    return DiskStorage(files=files, runner=runner)

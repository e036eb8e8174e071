"""Files and folders that were renamed away and are removed once ``file.delete.delay.ms`` is over.

Until then a reader who looked a segment up before may still finish. What a crash leaves behind is removed at
the next start by its name.
"""

import heapq
import itertools
import logging

from ..model.errors import StorageError
from ..runtime.files import Files

logger = logging.getLogger(__name__)


class Trash:
    """What is to be removed, by when."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._due: list[tuple[int, int, str, bool]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._due)

    def add(self, path: str, due_ms: int, *, is_dir: bool = False) -> None:
        """Remove the file or folder at ``path`` when it is ``due_ms`` by the wall clock."""
        heapq.heappush(self._due, (due_ms, next(self._order), path, is_dir))

    def take_due(self, now_ms: int, at_most: int = 1000) -> list[tuple[str, bool]]:
        """Return what is to be removed now, for :meth:`remove`, possibly in another thread."""
        due: list[tuple[str, bool]] = []
        while self._due and self._due[0][0] <= now_ms and len(due) < at_most:
            _, _, path, is_dir = heapq.heappop(self._due)
            due.append((path, is_dir))
        return due

    def remove(self, due: list[tuple[str, bool]]) -> None:
        """Remove for good; what the disk refuses stays for the next start. Blocks."""
        for path, is_dir in due:
            try:
                if is_dir:
                    self._files.remove_tree(path)
                else:
                    self._files.remove(path)
            except StorageError as error:
                logger.warning("left behind until the next start: %s", error)

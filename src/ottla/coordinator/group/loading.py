"""Reading a coordinator's state back from the log of its partition."""

from ottla.model.errors import CorruptData

from .ports import JournalBatch
from .records import decode
from .state import Groups


class Loader:
    """Replays one partition's log, and keeps count of what it had to leave alone.

    ``unknown`` counts the records of each type that is not the classic protocol's: they stay in the log for a node that
    serves them (KIP-915). ``corrupt`` says what could not be read, and where.
    """

    def __init__(self) -> None:
        self.groups = Groups()
        self.count = 0
        self.unknown: dict[int, int] = {}
        self.corrupt: list[str] = []

    def take(self, batch: JournalBatch) -> None:
        """Replay one batch."""
        if batch.commits is not None:
            self.groups.offsets.end_transaction(batch.producer_id, commits=batch.commits)
            return
        for key, value in batch.records:
            self.count += 1
            try:
                record = decode(key, value)
            except CorruptData as error:
                self.corrupt.append(f"{error} (in the batch at offset {batch.base_offset})")
                continue
            if record is None:
                record_type = int.from_bytes(key[:2], "big", signed=True)
                self.unknown[record_type] = self.unknown.get(record_type, 0) + 1
            else:
                self.groups.replay(record, batch.producer_id)

"""What the two passes know of transactions while they walk through a log.

Records of an aborted transaction go at once, whatever their keys. A marker may go once no batch of its transaction is
left. An entry of the transaction index lives as long as data of its transaction does, so the cleaned segment's index
is written here too (CleanedTransactionMetadata). Compaction never passes the last stable offset, so every transaction
that it meets is decided, and its abort, if any, is in some segment's index.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

ABORT = 0
COMMIT = 1


class AbortedTransaction(NamedTuple):
    """An entry of a transaction index; ``last_offset`` is that of the abort marker."""

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


class CleanedTransactions:
    """Follows transactions from batch to batch, in offset order, from the beginning of the pass."""

    __slots__ = ("_aborting", "_committing", "_waiting")

    def __init__(self, aborted: Iterable[AbortedTransaction]) -> None:
        self._waiting = sorted(set(aborted), key=lambda entry: entry.first_offset, reverse=True)
        self._aborting: dict[int, tuple[AbortedTransaction, bool]] = {}
        """By producer id: the transaction, and whether a batch of it was seen."""
        self._committing: set[int] = set()

    def on_batch(self, producer_id: int, base_offset: int, last_offset: int, *, transactional: bool) -> bool:
        """Take note of a data batch; return whether it belongs to an aborted transaction and has to go."""
        self._start_up_to(last_offset)
        if not transactional:
            return False
        aborting = self._aborting.get(producer_id)
        if aborting is not None:
            entry = aborting[0]
            if base_offset <= entry.last_offset:
                self._aborting[producer_id] = (entry, True)
                return True
            # Its marker is gone although the entry is not. Whatever comes later is no part of it: losing data because
            # of an index entry too many would be worse than an entry.
            del self._aborting[producer_id]
        self._committing.add(producer_id)
        return False

    def on_control_batch(
        self,
        producer_id: int,
        last_offset: int,
        control_type: int | None,
        keep_entry: Callable[[AbortedTransaction], None] | None = None,
    ) -> bool:
        """Take note of a control batch; return whether nothing needs its marker any more.

        ``control_type`` is None for a batch that was emptied before. ``keep_entry`` gets the index entry that has to
        stay along with its marker.
        """
        self._start_up_to(last_offset)
        if control_type is None:
            return True
        if control_type == ABORT:
            entry, seen = self._aborting.pop(producer_id, (None, False))
            if entry is not None and seen:
                if keep_entry is not None:
                    keep_entry(entry)
                return False
            return True
        if control_type == COMMIT:
            if producer_id in self._committing:
                self._committing.remove(producer_id)
                return False
            return True
        return False

    def _start_up_to(self, offset: int) -> None:
        waiting = self._waiting
        while waiting and waiting[-1].first_offset <= offset:
            entry = waiting.pop()
            current = self._aborting.get(entry.producer_id)
            if current is None or current[0].last_offset < entry.first_offset:
                self._aborting[entry.producer_id] = (entry, False)

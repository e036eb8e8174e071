"""Records that are ready for the caller, a few at a time and from all partitions in turn."""

from ottla.client.errors import ClientError

from .fetcher import Fetcher
from .positions import PartitionState
from .records import ConsumedRecord


class Portion:
    """Records of one partition that are ready, how many of them the caller has, and where it is behind them."""

    __slots__ = ("epoch", "given", "next_position", "records", "state")

    def __init__(self, state: PartitionState, records: list[ConsumedRecord], next_position: int) -> None:
        self.state = state
        self.epoch = state.epoch
        self.records = records
        self.given = 0
        self.next_position = next_position

    @property
    def is_wanted(self) -> bool:
        """Whether there was no seek and no rebalance since."""
        return self.state.epoch == self.epoch


def take(fetcher: Fetcher, max_records: int) -> list[Portion]:
    """Take at most so many records out of what was fetched; InvalidResponse if a corrupt batch is next."""
    portions: list[Portion] = []
    left = max_records
    for state in list(fetcher.states.values()):
        while left and state.chunks and not state.paused:
            chunk = state.chunks[0]
            try:
                records = chunk.read(left)
            except ClientError:
                if portions:
                    break
                # What is behind it is fetched again if the caller goes on, or seeks past it.
                state.seek(chunk.position)
                raise
            left -= len(records)
            if chunk.is_read:
                state.chunks.popleft()
                fetcher.go_on()
            portions.append(Portion(state, records, chunk.position))
        if not left:
            # The partitions behind this one come first the next time.
            fetcher.states[state.partition] = fetcher.states.pop(state.partition)
            break
    return portions

"""A log against a list: whatever is done to it, what is read is what the list has."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.log.logs import SMALL, Bench, make_batch, read_all

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.record.batch import parse_header


class LogMachine(RuleBasedStateMachine):
    """Batches are lists of (offset, value); ``batches`` is what the log should hold."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        self.batches: list[list[tuple[int, bytes]]] = []
        self.mark = 0
        self.sequences: dict[int, int] = {}
        self.synced = 0

    @property
    def end(self) -> int:
        return self.bench.log.log_end_offset

    @rule(count=st.integers(1, 5), size=st.integers(0, 200), later_ms=st.integers(-50, 1000))
    def append(self, count: int, size: int, later_ms: int) -> None:
        self.mark += 1
        start = self.end
        options = {"size": size, "mark": self.mark, "timestamp": self.bench.clock.now_ms() + later_ms}
        info = self.bench.append(count, **options)
        assert (info.base_offset, info.last_offset, info.duplicate) == (start, start + count - 1, False)
        self._remember(count, size, start)

    @rule(producer_id=st.integers(1, 3), count=st.integers(1, 3))
    def append_idempotent(self, producer_id: int, count: int) -> None:
        self.mark += 1
        start = self.end
        sequence = self.sequences.get(producer_id, 0)
        options = {"producer_id": producer_id, "producer_epoch": 0, "base_sequence": sequence}
        info = self.bench.append(count, mark=self.mark, **options)
        assert not info.duplicate
        again = self.bench.append(count, mark=self.mark, **options)
        assert again.duplicate
        assert again.base_offset == info.base_offset
        self.sequences[producer_id] = sequence + count
        self._remember(count, 40, start)

    def _remember(self, count: int, size: int, start: int) -> None:
        batch, _ = make_batch(count, size=size, mark=self.mark)
        value_size = max(0, size - 10)
        self.batches.append([(start + n, b"%d/%d " % (self.mark, n) + bytes(value_size)) for n in range(count)])
        assert len(batch) > 0

    @rule()
    def roll(self) -> None:
        self.bench.log.roll()

    @rule()
    def tick(self) -> None:
        self.bench.log.tick()

    @rule()
    def flush(self) -> None:
        self.bench.log.flush()
        assert self.bench.log.recovery_point == self.end

    @rule()
    def restart(self) -> None:
        before = self.bench.log.producers.state()
        self.bench.restart()
        after = self.bench.log.producers.state()
        assert {key: (value[0], value[1][-1:]) for key, value in before.items()} == {
            key: (value[0], value[1][-1:]) for key, value in after.items()
        }

    @rule(kept=st.integers(0, 700))
    def crash(self, kept: int) -> None:
        durable = self.bench.log.recovery_point
        self.bench.memory.crash(lambda path, unsynced: min(kept, unsynced) if path.endswith(".log") else 0)
        self.bench.open(clean=False)
        assert self.end >= durable
        start = self.bench.log.log_start_offset
        left = dict(read_all(self.bench.log))
        for batch in self.batches:
            if start <= batch[-1][0] < durable:
                assert all(offset in left for offset, _ in batch if offset >= start)
        # a segment that was never synced may be empty with a younger one behind it: Kafka keeps such a gap, too
        self.batches = [batch for batch in self.batches if batch[-1][0] in left or batch[-1][0] < start]
        self._forget_sequences()

    @rule(share=st.floats(0, 1))
    def truncate(self, share: float) -> None:
        log = self.bench.log
        starts = [batch[0][0] for batch in self.batches if batch[0][0] >= log.log_start_offset]
        if starts:
            offset = starts[int(share * (len(starts) - 1))]
            log.truncate_to(offset)
            assert self.end == offset
            log.flush()  # what was cut off may come back with a crash: nobody waits for the disk when truncating
            self.batches = [batch for batch in self.batches if batch[-1][0] < offset]
            self._forget_sequences()

    def _forget_sequences(self) -> None:
        # what a truncated producer may send next is what the log says
        known = self.bench.log.producers.producers
        self.sequences = {key: known[key].last_sequence + 1 for key in known}

    @rule(share=st.floats(0, 1))
    def delete_records(self, share: float) -> None:
        log = self.bench.log
        log.high_watermark = log.log_end_offset
        offset = log.log_start_offset + int(share * (log.log_end_offset - log.log_start_offset))
        assert log.delete_records(offset) == offset

    @rule()
    @precondition(lambda self: self.bench.log.log_start_offset > 0)
    def below_the_start_is_out_of_range(self) -> None:
        with pytest.raises(ApiError) as caught:
            self.bench.log.read(self.bench.log.log_start_offset - 1, 1000)
        assert caught.value.code is ErrorCode.OFFSET_OUT_OF_RANGE

    @rule(share=st.floats(0, 1), max_bytes=st.integers(1, 3000))
    def read_from_the_middle(self, share: float, max_bytes: int) -> None:
        log = self.bench.log
        start = log.log_start_offset + int(share * (log.log_end_offset - log.log_start_offset))
        expected = [record for batch in self.batches for record in batch if record[0] >= start]
        assert read_all(log, start, max_bytes) == expected

    @rule(share=st.floats(0, 1), bound=st.floats(0, 1), max_bytes=st.integers(1, 3000))
    def read_up_to(self, share: float, bound: float, max_bytes: int) -> None:
        log = self.bench.log
        starts = [batch[0][0] for batch in self.batches if batch[0][0] >= log.log_start_offset]
        if starts:
            up_to = starts[int(bound * (len(starts) - 1))]
            offset = log.log_start_offset + int(share * (up_to - log.log_start_offset))
            for info in (
                log.read(offset, max_bytes, up_to_offset=up_to),
                log.read_nowait(offset, max_bytes, up_to_offset=up_to),
            ):
                assert info is not None
                assert info.next_offset <= up_to
                # after a crash there may be a gap with nothing below ``up_to``
                assert bool(info.size_bytes) == any(
                    offset <= batch[-1][0] and batch[0][0] < up_to for batch in self.batches
                )
                if info.size_bytes:
                    first = parse_header(info.buffers[0])
                    assert first.base_offset <= offset <= first.last_offset
                    assert info.first_batch_offset == first.base_offset
                    assert info.size_bytes <= max(max_bytes, first.size)

    @invariant()
    def offsets_are_in_order(self) -> None:
        if hasattr(self, "bench"):
            log = self.bench.log
            assert log.log_start_offset <= log.high_watermark <= log.log_end_offset
            assert log.recovery_point <= log.log_end_offset
            bases = [segment.base_offset for segment in log.segments]
            assert bases == sorted(set(bases))
            assert len(log.context.trash) == 0 or not self.bench.names(".tmp")

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            log = self.bench.log
            live = [record for batch in self.batches for record in batch if record[0] >= log.log_start_offset]
            assert read_all(log) == live
            self.bench.restart()
            assert read_all(self.bench.log, max_bytes=777) == live
            assert SMALL.segment_bytes >= max(
                (s.log.size for s in self.bench.log.segments if s.log.size < 1000), default=0
            )


LogMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestLogModel = LogMachine.TestCase

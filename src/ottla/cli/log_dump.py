"""What ``ottla log dump`` does: go through the files, print what stands in them, count what is wrong."""

import sys
from collections.abc import Callable
from pathlib import Path

from ottla.model.errors import OperatorError

from .dump.found import PROBLEM, Entries, Entry
from .dump.kinds import Kind, base_offset_of, files_to_dump, partition_of
from .exits import DONE, FAILED, complain
from .output.json_text import json_line
from .output.progress import Progress
from .output.text import size_text


class Dump:
    """One run. ``topic`` is whose records these are, where the folder's name does not say it."""

    def __init__(self, *, with_records: bool, as_json: bool, topic: str | None) -> None:
        self._with_records = with_records
        self._as_json = as_json
        self._topic = topic
        self._problems = 0
        self._path = Path()
        self._position = 0
        self._size = 0

    def run(self, arguments: tuple[str, ...]) -> int:
        """Dump the files and those in the folders; return the exit code: 1 if something in them is wrong."""
        files = files_to_dump(arguments)
        with Progress(self._progress, beside_output=True):
            for number, (path, kind) in enumerate(files):
                if number and not self._as_json:
                    sys.stdout.write("\n")
                self._one(path, kind)
            sys.stdout.flush()
        return FAILED if self._problems else DONE

    def _progress(self) -> str:
        share = f"{100 * self._position // self._size} % of " if self._size else ""
        return f"reading {self._path}, {share}{size_text(self._size)}"

    def _moved(self, position: int) -> None:
        self._position = position

    def _one(self, path: Path, kind: Kind) -> None:
        self._path, self._position, self._size = path, 0, path.stat().st_size
        entries = self._entries(path, kind)
        if self._as_json:
            for entry in entries:
                if entry["type"] == PROBLEM:
                    self._problem(entry)
                sys.stdout.write(json_line({"file": str(path)} | entry) + "\n")
            return
        from .dump.show import heading, show_entries

        heading(str(path), kind, size_text(self._size))
        show_entries(entries, self._problem, with_records=self._with_records)

    def _problem(self, entry: Entry) -> None:
        self._problems += 1
        complain(f"{self._path} at {entry['position']}: {entry['message']}")

    def _entries(self, path: Path, kind: Kind) -> Entries:
        if kind is Kind.SEGMENT:
            return self._segment(path)
        if kind in (Kind.INDEX, Kind.TIME_INDEX, Kind.TXN_INDEX):
            return self._index(path, kind)
        from .dump import small_files

        readers: dict[Kind, Callable[[Path], Entries]] = {
            Kind.SNAPSHOT: small_files.snapshot_entries,
            Kind.LEADER_EPOCHS: small_files.leader_epoch_entries,
            Kind.OFFSETS: small_files.offset_entries,
            Kind.PARTITION_METADATA: small_files.partition_metadata_entries,
            Kind.META_PROPERTIES: small_files.properties_entries,
            Kind.CLEAN_SHUTDOWN: small_files.clean_shutdown_entries,
        }
        return readers[kind](path)

    def _segment(self, path: Path) -> Entries:
        from .dump.internal import decoder_for
        from .dump.segment import segment_entries

        partition = partition_of(path)
        topic = self._topic or (partition.topic if partition is not None else "")
        return segment_entries(
            path,
            base_offset_of(path),
            with_records=self._with_records,
            decoder=decoder_for(topic) if self._with_records else None,
            on_progress=self._moved,
        )

    def _index(self, path: Path, kind: Kind) -> Entries:
        from .dump import indexes

        base_offset = base_offset_of(path)
        if base_offset is None:
            raise OperatorError(f"{path}: an index is named after the first offset of its segment, twenty digits")
        if kind is Kind.INDEX:
            return indexes.offset_index_entries(path, base_offset, self._moved)
        if kind is Kind.TIME_INDEX:
            return indexes.time_index_entries(path, base_offset, self._moved)
        return indexes.transaction_index_entries(path)

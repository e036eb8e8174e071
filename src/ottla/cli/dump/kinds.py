"""Which kind a file is, by its name, and which files of a folder can be dumped."""

import re
from enum import Enum
from pathlib import Path

from ottla.log import names
from ottla.model.errors import OperatorError
from ottla.model.ids import TopicPartition


class Kind(Enum):
    """What a file is, in words."""

    SEGMENT = "segment"
    INDEX = "offset index"
    TIME_INDEX = "time index"
    TXN_INDEX = "index of aborted transactions"
    SNAPSHOT = "producer snapshot"
    LEADER_EPOCHS = "leader epochs"
    OFFSETS = "offsets of partitions"
    PARTITION_METADATA = "partition metadata"
    META_PROPERTIES = "identity of a log directory"
    CLEAN_SHUTDOWN = "mark of a clean stop"


_BY_SUFFIX = {
    names.LOG: Kind.SEGMENT,
    names.CORRUPT: Kind.SEGMENT,
    ".checkpoint": Kind.SEGMENT,
    names.INDEX: Kind.INDEX,
    names.TIME_INDEX: Kind.TIME_INDEX,
    names.TXN_INDEX: Kind.TXN_INDEX,
    names.SNAPSHOT: Kind.SNAPSHOT,
}
_BY_NAME = {
    names.LEADER_EPOCH_CHECKPOINT: Kind.LEADER_EPOCHS,
    names.RECOVERY_POINT_CHECKPOINT: Kind.OFFSETS,
    names.LOG_START_CHECKPOINT: Kind.OFFSETS,
    names.HIGH_WATERMARK_CHECKPOINT: Kind.OFFSETS,
    names.CLEANER_CHECKPOINT: Kind.OFFSETS,
    names.PARTITION_METADATA: Kind.PARTITION_METADATA,
    names.META_PROPERTIES: Kind.META_PROPERTIES,
    names.CLEAN_SHUTDOWN: Kind.CLEAN_SHUTDOWN,
}
_ON_THE_WAY = re.compile(r"(\.deleted|\.cleaned|\.swap|\.tmp)$")


def kind_of(path: Path) -> Kind | None:
    """Return what the file is, None if its name does not say; one that is being removed or put in place counts, too."""
    name = _ON_THE_WAY.sub("", path.name)
    return _BY_NAME.get(name) or _BY_SUFFIX.get(Path(name).suffix)


def base_offset_of(path: Path) -> int | None:
    """Return the offset that the file's name begins with, None if it begins with none."""
    return names.offset_of(path.name)


def partition_of(path: Path) -> TopicPartition | None:
    """Return the partition whose folder the file lies in, None if the folder's name does not say."""
    folder = path.absolute().parent.name
    found = re.fullmatch(r"(.+-\d+)\.[0-9a-f]{32}-(?:delete|future|stray)", folder)
    return names.parse_partition_dir(found[1] if found else folder)


def files_to_dump(arguments: tuple[str, ...]) -> list[tuple[Path, Kind]]:
    """Return the files, those of a folder in the order of their names, with their kinds.

    Raises OperatorError for a path that does not exist or that is nothing to dump.
    """
    found: list[tuple[Path, Kind]] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            inside = [(one, kind_of(one)) for one in sorted(path.iterdir()) if one.is_file()]
            known = [(one, kind) for one, kind in inside if kind is not None]
            if not known:
                raise OperatorError(f"{path} has no files to dump; name a partition's folder or files in one")
            found += known
            continue
        if not path.exists():
            raise OperatorError(f"{path} does not exist")
        kind = kind_of(path)
        if kind is None:
            raise OperatorError(f"{path} is no file that can be dumped; known are {', '.join(_known_names())}")
        found.append((path, kind))
    return found


def _known_names() -> list[str]:
    return [*(f"*{suffix}" for suffix in _BY_SUFFIX), *_BY_NAME]

"""Walking from batch to batch through a segment's file, reading headers and nothing else."""

from collections.abc import Iterator

from ..model.errors import ApiError, CorruptData
from ..record.batch import HEADER_SIZE, BatchHeader, parse_header
from ..runtime.files import Buffer, File
from .index import WouldBlock

CHUNK_BYTES = 16_384
"""How much is read at a time; a batch larger than that costs one read of its header."""


def read(file: File, size: int, position: int, nowait: bool) -> Buffer:
    """Return the bytes; raise WouldBlock if ``nowait`` and the disk would have to be waited for."""
    if not nowait:
        return file.pread(size, position)
    data = file.pread_nowait(size, position)
    if data is None:
        raise WouldBlock
    return data


def walk(
    file: File, start: int, end: int, *, nowait: bool = False, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[tuple[int, BatchHeader]]:
    """Yield position and header of each whole batch in ``[start, end)``.

    Ends where a batch is not whole. Raises CorruptData where bytes are no batch; their CRC is not checked.
    """
    position = start
    chunk: Buffer = b""
    chunk_start = start
    while position < end:
        offset = position - chunk_start
        if offset + HEADER_SIZE > len(chunk):
            chunk = read(file, min(chunk_bytes, end - position), position, nowait)
            chunk_start, offset = position, 0
        try:
            header = parse_header(chunk, offset)
        except ApiError as error:
            if end - position < HEADER_SIZE:
                return
            raise CorruptData(f"{file.path} has no batch at {position}: {error.message}") from error
        if position + header.size > end:
            return
        yield position, header
        position += header.size

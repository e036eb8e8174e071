"""Blocks of producer ids (``ProducerIdControlManager``): each broker takes 1,000 at a time and hands them out."""

from typing import NamedTuple

from ottla.metadata import keys, records
from ottla.metadata.image import Image
from ottla.metastore.interface import Put
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from .decision import Decision, Step

BLOCK_SIZE = 1000
LAST_ID = 2**63 - 1


class ProducerIdBlock(NamedTuple):
    """Ids from ``first`` up to, not including, ``end``."""

    first: int
    end: int


class ProducerIdPool:
    """What is left of the blocks that a broker took; ids that it does not hand out are lost, which hurts nobody."""

    def __init__(self) -> None:
        self._blocks: list[ProducerIdBlock] = []

    def add(self, block: ProducerIdBlock) -> None:
        """Take a block in."""
        self._blocks.append(block)

    def take(self) -> int | None:
        """Hand an id out; None if a block has to be taken first."""
        if not self._blocks:
            return None
        first, end = self._blocks[0]
        if first + 1 < end:
            self._blocks[0] = ProducerIdBlock(first + 1, end)
        else:
            del self._blocks[0]
        return first


def allocate_producer_ids(image: Image) -> Decision[ProducerIdBlock]:
    """Decide on the next block."""
    first = image.next_producer_id
    if first > LAST_ID - BLOCK_SIZE:
        raise ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, "Exhausted all producerIds as the next block's end is too large")
    block = ProducerIdBlock(first, first + BLOCK_SIZE)
    step = Step((Put(keys.PRODUCER_IDS, records.encode_producer_ids(block.end)),))
    return Decision(answers=(block,), steps=(step,))

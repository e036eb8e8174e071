"""Reading records, alone or as a member of a group; :class:`Consumer` is the way in."""

from .consumer import ConsumedRecord, Consumer, Start

__all__ = ["ConsumedRecord", "Consumer", "Start"]

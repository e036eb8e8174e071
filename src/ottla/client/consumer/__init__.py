"""Reading records, alone or as a member of a group; :class:`Consumer` is the way in."""

from .consumer import Consumer, OnChange
from .positions import Start
from .records import ConsumedRecord

__all__ = ["ConsumedRecord", "Consumer", "OnChange", "Start"]

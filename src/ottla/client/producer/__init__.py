"""Writing records; :class:`Producer` is the way in."""

from .batch import Delivery
from .producer import Producer

__all__ = ["Delivery", "Producer"]

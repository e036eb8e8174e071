"""Writing records; :class:`Producer` is the way in."""

from .producer import Delivery, Producer

__all__ = ["Delivery", "Producer"]

"""Looking after a cluster: topics, settings, groups, offsets; :class:`Admin` is the way in."""

from .admin import Admin

__all__ = ["Admin"]

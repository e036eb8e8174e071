"""What the controller must be told about settings, which it stores as texts and does not understand."""

from collections.abc import Mapping
from typing import Protocol

from ottla.metadata.keys import ConfigResource


class ConfigSchema(Protocol):
    """The rules of settings, given by whoever builds a controller."""

    def validate(
        self, resource: ConfigResource, values: Mapping[str, str | None], changed: Mapping[str, str | None]
    ) -> None:
        """Raise ApiError if a resource may not have ``values``, which is all it would have after the change.

        ``changed`` holds what the request names, None for what it takes away. The existence of the resource, and
        what its name may be, is not asked here.
        """

    def list_default(self, resource: ConfigResource, name: str) -> tuple[str, ...] | None:
        """Return the default members of a setting that is a list; None for any other setting."""

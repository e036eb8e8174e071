"""Who sent a request (KIP-189). Without authentication everybody is ``User:ANONYMOUS``."""

from typing import NamedTuple


class Principal(NamedTuple):
    """A type and a name, written ``User:alice``."""

    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.type}:{self.name}"


ANONYMOUS = Principal("User", "ANONYMOUS")

"""Which topic names are allowed (``org.apache.kafka.common.internals.Topic``)."""

from collections.abc import Collection
from itertools import product

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

MAX_NAME_LENGTH = 249
METADATA_TOPIC = "__cluster_metadata"

_LEGAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_MOST_VARIANTS = 64


def validate_topic_name(name: str) -> None:
    """Raise INVALID_TOPIC_EXCEPTION for a name that no topic may have."""
    reason = refusal(name)
    if reason is not None:
        raise ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {reason}")


def refusal(name: str) -> str | None:
    """Return what is wrong with a name, None if nothing is."""
    if not name:
        return "the empty string is not allowed"
    if name in (".", ".."):
        return f"'{name}' is not allowed"
    if len(name) > MAX_NAME_LENGTH:
        return f"the length of '{name}' is longer than the max allowed length {MAX_NAME_LENGTH}"
    if not _LEGAL.issuperset(name):
        return f"'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    return None


def find_collision(name: str, existing: Collection[str]) -> str | None:
    """Return an existing name that metrics cannot tell from ``name``: equal but for '.' and '_'.

    With few separators the possible names are looked up one by one; with many, all existing ones are searched.
    """
    places = [index for index, letter in enumerate(name) if letter in "._"]
    if not places:
        return None
    if 2 ** len(places) > _MOST_VARIANTS:
        flat = name.replace(".", "_")
        return min((other for other in existing if other != name and other.replace(".", "_") == flat), default=None)
    letters = list(name)
    for choice in product("._", repeat=len(places)):
        for index, letter in zip(places, choice, strict=True):
            letters[index] = letter
        other = "".join(letters)
        if other != name and other in existing:
            return other
    return None

"""Short names that make the rows of the settings tables readable."""

from .model import Effect, Importance, Type, UpdateMode
from .rules import ListOf, Range

BOOLEAN = Type.BOOLEAN
STRING = Type.STRING
INT = Type.INT
SHORT = Type.SHORT
LONG = Type.LONG
DOUBLE = Type.DOUBLE
LIST = Type.LIST
CLASS = Type.CLASS
PASSWORD = Type.PASSWORD

HIGH = Importance.HIGH
MEDIUM = Importance.MEDIUM
LOW = Importance.LOW

READ_ONLY = UpdateMode.READ_ONLY
PER_BROKER = UpdateMode.PER_BROKER
CLUSTER_WIDE = UpdateMode.CLUSTER_WIDE

ACTIVE = Effect.ACTIVE
LATER = Effect.LATER
NONE = Effect.NONE

MAX_INT = (1 << 31) - 1
MAX_LONG = (1 << 63) - 1
MAX_DOUBLE = 1.7976931348623157e308

ANY_LIST = ListOf()
LIST_OR_NULL = ListOf(may_be_null=True)
NON_EMPTY_LIST = ListOf(may_be_empty=False)
NON_EMPTY_LIST_OR_NULL = ListOf(may_be_empty=False, may_be_null=True)

_AT_LEAST: dict[int, Range] = {}


def at_least(low: int) -> Range:
    """Return the rule for numbers from ``low`` up; the same object for the same bound."""
    rule = _AT_LEAST.get(low)
    if rule is None:
        rule = _AT_LEAST[low] = Range(low)
    return rule

"""What a setting's value must satisfy, with the sentences that Kafka's ``ConfigDef`` validators use.

Clients show these sentences to people and some tests match them, so they are Kafka's (the tests hold them against
4.2.0); ``wanted`` is ours and says how to mend the value.
"""

from .model import Value
from .texts import value_to_text


class Range:
    """A number between two bounds, either of which may be missing; ``also`` is allowed besides."""

    __slots__ = ("also", "high", "low")

    def __init__(self, low: float | None, high: float | None = None, *, also: int | None = None) -> None:
        self.low = low
        self.high = high
        self.also = also

    def refusal(self, name: str, value: Value) -> str | None:
        """Kafka's sentence about a number out of range; a missing value passes unless it is required."""
        if not isinstance(value, (int, float)):
            return f"Invalid value null for configuration {name}: Value must be non-null"
        below = self.low is not None and value < self.low
        above = self.high is not None and value > self.high
        if not (below or above) or value == self.also:
            return None
        if self.also is not None:
            reason = f"Value must be between {self.low} and {self.high} or equal to {self.also}"
        elif below:
            reason = f"Value must be at least {self.low}"
        else:
            reason = f"Value must be no more than {self.high}"
        return f"Invalid value {value_to_text(value)} for configuration {name}: {reason}"

    @property
    def wanted(self) -> str:
        """The bounds in words."""
        if self.high is None:
            return f"a number of at least {self.low}"
        extra = f", or {self.also}" if self.also is not None else ""
        return f"a number from {self.low} to {self.high}{extra}"

    def __str__(self) -> str:
        if self.also is not None:
            return f"[{self.low},...,{self.high}] or {self.also}"
        return f"[{self.low},...]" if self.high is None else f"[{self.low},...,{self.high}]"


class Choice:
    """A text out of a few."""

    __slots__ = ("any_case", "choices")

    def __init__(self, *choices: str, any_case: bool = False) -> None:
        self.choices = choices
        self.any_case = any_case

    def refusal(self, name: str, value: Value) -> str | None:
        """Kafka's sentence about a text that is not one of the choices."""
        if self.any_case:
            if isinstance(value, str) and value.upper() in self.choices:
                return None
            kind = "String must be one of (case insensitive)"
        else:
            if value in self.choices:
                return None
            kind = "String must be one of"
        return f"Invalid value {value} for configuration {name}: {kind}: {', '.join(self.choices)}"

    @property
    def wanted(self) -> str:
        """The choices."""
        return "one of " + ", ".join(self.choices)

    def __str__(self) -> str:
        return ("(case insensitive) " if self.any_case else "") + "[" + ", ".join(self.choices) + "]"


class ListOf:
    """A list without doubles, of given members or of any, that may be empty or not (KIP-1161)."""

    __slots__ = ("choices", "may_be_empty", "may_be_null")

    def __init__(self, *choices: str, may_be_empty: bool = True, may_be_null: bool = False) -> None:
        self.choices = choices
        self.may_be_empty = may_be_empty
        self.may_be_null = may_be_null

    def refusal(self, name: str, value: Value) -> str | None:
        """Kafka's sentence about a list that is empty, has doubles, or a member that is not allowed."""
        if value is None:
            return None if self.may_be_null else f"Configuration '{name}' values must not be null."
        assert isinstance(value, tuple)
        if not value and not self.may_be_empty:
            valid = f"[{', '.join(self.choices)}]" if self.choices else "any non-empty value"
            return f"Configuration '{name}' must not be empty. Valid values include: {valid}"
        if len(set(value)) != len(value):
            return f"Configuration '{name}' values must not be duplicated."
        for member in value:
            if not member:
                return f"Configuration '{name}' values must not be empty."
            if self.choices and member not in self.choices:
                return (
                    f"Invalid value {member} for configuration {name}: String must be one of: {', '.join(self.choices)}"
                )
        return None

    @property
    def wanted(self) -> str:
        """The members that are allowed."""
        members = f" out of {', '.join(self.choices)}" if self.choices else ""
        return f"{'a' if self.may_be_empty else 'a non-empty'} comma-separated list{members} without doubles"

    def __str__(self) -> str:
        return "[" + ", ".join(self.choices) + "]" if self.choices else ""


class NotEmptyText:
    """A text, if given at all, that has at least one character."""

    __slots__ = ()

    def refusal(self, name: str, value: Value) -> str | None:
        """Kafka's sentence about an empty text."""
        return f"Invalid value {value} for configuration {name}: String must be non-empty" if value == "" else None

    @property
    def wanted(self) -> str:
        """Any text."""
        return "a text that is not empty"

    def __str__(self) -> str:
        return "non-empty string"


class NotNullText(NotEmptyText):
    """A text that may be empty, though not absent."""

    __slots__ = ()

    def refusal(self, name: str, value: Value) -> str | None:
        """Kafka's sentence about a missing text."""
        return f"Invalid value null for configuration {name}: entry must be non null" if value is None else None

    def __str__(self) -> str:
        return "non-null string"


class ThrottledReplicas:
    """``partition:broker`` pairs, or ``*`` for all."""

    __slots__ = ()

    def refusal(self, name: str, value: Value) -> str | None:
        """Kafka's sentence about a list that is neither."""
        assert isinstance(value, tuple)
        if value in ((), ("*",)) or all(_is_pair(member) for member in value):
            return None
        return (
            f"Invalid value [{', '.join(value)}] for configuration {name}: {name} must be the literal '*' or a "
            f"list of replicas in the following format: {self}"
        )

    @property
    def wanted(self) -> str:
        """The two forms."""
        return "* or a list such as 0:1,1:2 (partition:broker)"

    def __str__(self) -> str:
        return "[partitionId]:[brokerId],[partitionId]:[brokerId],..."


def _is_pair(text: str) -> bool:
    partition, colon, broker = text.partition(":")
    return bool(colon) and partition.isdecimal() and broker.isdecimal()


class HostPorts:
    """``host:port`` pairs, with ``id@`` before each when ``with_id``."""

    __slots__ = ("with_id",)

    def __init__(self, *, with_id: bool = False) -> None:
        self.with_id = with_id

    def refusal(self, name: str, value: Value) -> str | None:
        """Kafka's sentence about an entry of another form."""
        assert isinstance(value, tuple)
        for entry in value:
            node_id, at, rest = entry.partition("@") if self.with_id else ("0", "@", entry)
            host, colon, port = rest.rpartition(":")
            if at and node_id.isdecimal() and colon and host and port.isdecimal():
                continue
            if self.with_id:
                form = "`{id}@{host}:{port}`"
                return f"Invalid configuration value for {name}. Each entry should be in the form {form}."
            return (
                f"Failed to parse host name from {entry} for the configuration {name}. "
                'Each entry should be in the form "{host}:{port}"'
            )
        return None

    @property
    def wanted(self) -> str:
        """The form of an entry."""
        return f"a comma-separated list of {'id@host:port' if self.with_id else 'host:port'}"

    def __str__(self) -> str:
        return "non-empty list"


class OffsetReset:
    """``latest``, ``earliest`` or ``by_duration:`` with an ISO 8601 duration (KIP-1106)."""

    __slots__ = ()

    def refusal(self, name: str, value: Value) -> str | None:
        """Kafka's sentence about any other text."""
        assert isinstance(value, str)
        if value in ("latest", "earliest"):
            return None
        if value.startswith("by_duration:") and _is_duration(value[len("by_duration:") :]):
            return None
        return (
            f"Invalid value {value} for configuration {name}: "
            f"Invalid value `{value}` for configuration {name}. "
            "The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'."
        )

    @property
    def wanted(self) -> str:
        """The three forms."""
        return "latest, earliest, or by_duration:PT1H with a duration of your own"

    def __str__(self) -> str:
        return "[latest, earliest, by_duration:PnDTnHnMn.nS]"


def _is_duration(text: str) -> bool:
    import re  # only for a setting that hardly anybody sets

    match = re.fullmatch(r"[+]?P(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:[.,]\d{0,9})?S)?)?", text, re.IGNORECASE)
    return match is not None and text[-1:].upper() not in ("P", "T")

"""What can go wrong for a client, each with a text of one line that says what happened and what to do.

::

    ClientError
    ├── SettingsError           a setting, an address or a file that cannot be right; also an OperatorError
    ├── ConnectionFailed        a broker cannot be reached, or the connection to it was lost (tried again)
    ├── AuthenticationFailed    TLS or SASL said no: trying again would not help
    ├── InvalidResponse         what answers is no Kafka broker, or sent bytes that are no answer
    ├── UnsupportedByBroker     the broker is too old (or too new) for what was asked
    ├── BrokerError             the broker refused, with one of Kafka's error codes
    ├── RecordTooLarge          a record that no request may carry
    ├── TimedOut                it took longer than the caller or the settings allow
    └── ClientClosed            the client, producer or consumer was closed meanwhile
"""

from ottla.model.error_codes import RETRIABLE, ErrorCode
from ottla.model.errors import OperatorError, OttlaError

from .error_texts import text_of


class ClientError(OttlaError):
    """Root of what this package raises on purpose."""

    retriable = False
    """Whether the same request may succeed a moment later; the client tries again by itself until its time is up."""


class SettingsError(ClientError, OperatorError):
    """A setting, an address or a settings file that the person at the keyboard can mend."""


class ConnectionFailed(ClientError):
    """A broker cannot be reached, or was lost while it owed an answer."""

    retriable = True


class AuthenticationFailed(ClientError):
    """The TLS handshake or the SASL exchange was refused, by the broker or by us."""


class InvalidResponse(ClientError):
    """Bytes that are no answer to what was asked."""


class UnsupportedByBroker(ClientError):
    """The broker and this client have no version of an API in common, or not the one that a field needs."""


class RecordTooLarge(ClientError):
    """A record that is larger than ``max.request.size`` allows."""


class TimedOut(ClientError):
    """The time that the caller or the settings allow was over; ``__cause__`` is the last error met, if any."""


class ClientClosed(ClientError):
    """The client, the producer or the consumer was closed while the call was under way, or before it."""


class BrokerError(ClientError):
    """The broker refused: ``code`` is its code (a plain int if it is one that nobody here knows), ``name`` its name,
    ``message`` the broker's own words if it sent any, ``subject`` what was refused (``topic orders``).
    """

    def __init__(self, code: int, message: str | None = None, *, subject: str = "", final: bool = False) -> None:
        self.code = as_error_code(code)
        self.name = self.code.name if isinstance(self.code, ErrorCode) else "UNKNOWN"
        self.message = message or None
        self.subject = subject
        self.final = final
        words = one_line(message) if message else text_of(code)
        parts = [subject, f"{self.name} ({code})", words]
        super().__init__(": ".join(part for part in parts if part))

    @property
    def retriable(self) -> bool:  # type: ignore[override]  # a class attribute above, a matter of the code here
        """Whether Kafka calls the code retriable, unless ``final`` says that it means something else here."""
        return self.code in RETRIABLE and not self.final


def as_error_code(code: int) -> int:
    """Return the code as an ErrorCode where it is a known one."""
    try:
        return ErrorCode(code)
    except ValueError:
        return code


def one_line(text: str) -> str:
    """Return ``text`` with its line breaks made blanks."""
    return " ".join(text.split())


def error_of(code: int, message: str | None = None, *, subject: str = "") -> BrokerError | None:
    """Return the error that a response's code stands for, None for 0."""
    return BrokerError(code, message, subject=subject) if code else None


def check(code: int, message: str | None = None, *, subject: str = "") -> None:
    """Raise the error that a response's code stands for; nothing for 0."""
    if code:
        raise BrokerError(code, message, subject=subject)

"""One tree of errors; a leaf that can reach a client carries its wire code.

::

    OttlaError
    ├── PeerError               the peer is wrong: answered or the connection closed, counted, never a traceback
    │   ├── MalformedMessage    bytes that are no message: the connection is closed
    │   ├── UnsupportedVersion  an API or version that is not served: the connection is closed
    │   └── ApiError            a request that is refused with ``code``
    ├── OperatorError           the person at the keyboard can mend it: one line, exit code 2
    └── StorageError            the disk is wrong: ``KAFKA_STORAGE_ERROR``, the log directory goes offline
        └── CorruptData         bytes on disk are not what was written
"""

from .error_codes import ErrorCode


class OttlaError(Exception):
    """Root of everything Ottla raises on purpose."""


class PeerError(OttlaError):
    """The peer is wrong."""


class MalformedMessage(PeerError):
    """Bytes that cannot be read as the message they claim to be."""


class UnsupportedVersion(PeerError):
    """A request for an API key or version that this node does not serve."""


class ApiError(PeerError):
    """A request, or a part of one, that is refused with a Kafka error code."""

    def __init__(self, code: ErrorCode, message: str | None = None) -> None:
        super().__init__(message or code.name)
        self.code = code
        self.message = message


class OperatorError(OttlaError):
    """Something that the operator can mend; the message says what happened, why, and what to do."""


class StorageError(OttlaError):
    """A disk operation failed; the log directory it failed in can no longer be trusted with writes."""

    code = ErrorCode.KAFKA_STORAGE_ERROR


class CorruptData(StorageError):
    """Bytes on disk are not what was written there."""

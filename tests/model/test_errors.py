"""The tree of errors: who is wrong, and with which code it is said."""

import pytest

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import (
    ApiError,
    CorruptData,
    MalformedMessage,
    OperatorError,
    OttlaError,
    PeerError,
    StorageError,
    UnsupportedVersion,
)


@pytest.mark.parametrize("kind", [MalformedMessage, UnsupportedVersion, ApiError])
def test_what_a_peer_does_wrong(kind: type[PeerError]) -> None:
    assert issubclass(kind, PeerError)
    assert not issubclass(kind, StorageError)


def test_everything_is_ours() -> None:
    assert all(issubclass(kind, OttlaError) for kind in (PeerError, OperatorError, StorageError, CorruptData))


def test_an_api_error_says_its_code() -> None:
    plain = ApiError(ErrorCode.INVALID_CONFIG)
    assert (plain.code, plain.message, str(plain)) == (ErrorCode.INVALID_CONFIG, None, "INVALID_CONFIG")
    spoken = ApiError(ErrorCode.INVALID_CONFIG, "no such name")
    assert (spoken.message, str(spoken)) == ("no such name", "no such name")


def test_storage_errors_are_kafka_storage_errors() -> None:
    assert CorruptData("x").code is ErrorCode.KAFKA_STORAGE_ERROR

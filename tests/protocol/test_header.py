"""Headers of requests and responses, the flexible ones, and the exception for ApiVersions (KIP-511)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.protocol.api_key import ApiKey as TheirKey
from kio.schema.request_header.v2.header import RequestHeader as KioHeader
from kio.serial import entity_reader

from ottla.model.errors import MalformedMessage, UnsupportedVersion
from ottla.protocol import api, header
from ottla.protocol.api import ApiKey

CLIENT_IDS = st.none() | st.text(max_size=40)


@given(st.sampled_from(api.apis()), st.integers(0, 20), st.integers(-(2**31), 2**31 - 1), CLIENT_IDS)
def test_request_headers_come_back(which: api.Api, version: int, correlation_id: int, client_id: str | None) -> None:
    out = bytearray()
    header.encode_request_header(out, which.key, version, correlation_id, client_id)
    size = len(out)
    out += b"body"
    for frame in (bytes(out), out, memoryview(out)):
        read = header.decode_request_header(frame)
        assert (read.api_key, read.api_version, read.correlation_id) == (which.key, version, correlation_id)
        assert read.client_id == (client_id or "")
        assert read.body_pos == size


@given(st.sampled_from(api.apis()), st.integers(0, 20), st.integers(-(2**31), 2**31 - 1))
def test_response_headers_come_back(which: api.Api, version: int, correlation_id: int) -> None:
    out = bytearray()
    header.encode_response_header(out, which.key, version, correlation_id)
    flexible = which.flexible_from is not None and version >= which.flexible_from
    assert len(out) == (5 if flexible and which.key != ApiKey.API_VERSIONS else 4)
    assert header.decode_response_header(out, which.key, version) == (correlation_id, len(out))


def test_the_client_id_of_a_flexible_header_keeps_its_old_form() -> None:
    out = bytearray()
    header.encode_request_header(out, ApiKey.PRODUCE, 9, 7, "me")
    assert out.hex(" ") == "00 00 00 09 00 00 00 07 00 02 6d 65 00"
    theirs, size = entity_reader(KioHeader)(bytes(out), 0)
    assert (theirs.client_id, theirs.correlation_id, size) == ("me", 7, len(out))


def test_the_header_of_apiversions_responses_is_never_flexible() -> None:
    out = bytearray()
    header.encode_response_header(out, ApiKey.API_VERSIONS, 4, 7)
    assert out.hex() == "00000007"


def test_a_future_version_of_apiversions_has_a_flexible_header() -> None:
    assert header.decode_request_header(bytes.fromhex("0012 7fff 00000001 ffff 00 aabb")).body_pos == 11


def test_tagged_fields_of_a_header_are_skipped() -> None:
    assert header.decode_request_header(bytes.fromhex("0012 0003 00000001 0001 61 01 05 02 aabb 99")).body_pos == 16


@pytest.mark.parametrize("key", [-1, 4, 7, 52, 58, 93, 32767])
def test_unknown_keys(key: int) -> None:
    frame = key.to_bytes(2, "big", signed=True) + bytes(8)
    with pytest.raises(UnsupportedVersion):
        header.decode_request_header(frame)


def test_cut_headers_are_malformed() -> None:
    whole = bytes.fromhex("0012 0003 00000001 0003 616263 01 05 02 aabb")
    assert header.decode_request_header(whole).body_pos == len(whole)
    for size in range(len(whole)):
        with pytest.raises(MalformedMessage):
            header.decode_request_header(whole[:size])


@pytest.mark.parametrize(
    "text",
    ["0012 0003 00000001 0002 ff41 00", "0012 0003 00000001 7fff 61 00", "0012 0003 00000001 0000 01 05 7f aa"],
    ids=["not UTF-8", "client id behind the end", "tag behind the end"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        header.decode_request_header(bytes.fromhex(text))


@given(st.binary(max_size=40))
def test_any_bytes(raw: bytes) -> None:
    with suppress(MalformedMessage, UnsupportedVersion):
        assert header.decode_request_header(raw).body_pos <= len(raw)


def test_cut_response_headers_are_malformed() -> None:
    for size in range(5):
        with pytest.raises(MalformedMessage):
            header.decode_response_header(bytes(5)[:size], ApiKey.FETCH, 12)


def test_the_keys_are_those_that_others_know() -> None:
    theirs = {key.value for key in TheirKey}
    assert {int(key) for key in ApiKey} >= theirs - {93, 94, 95}

"""The table of APIs, and that nothing is loaded before it is used."""

import os
import subprocess
import sys

import pytest

from ottla.model.errors import UnsupportedVersion
from ottla.protocol import api
from ottla.protocol.api import ApiKey
from ottla.protocol.messages import api_versions, metadata, produce


def test_an_api_by_key() -> None:
    found = api.api(0)
    assert found == api.Api(ApiKey.PRODUCE, "Produce", "produce", (3, 13), 9)
    assert api.api(ApiKey.OFFSET_DELETE).flexible_from is None
    assert vars(api.codec(0)) is vars(produce)


@pytest.mark.parametrize("key", [-1, 4, 5, 6, 7, 52, 58, 63, 70, 73, 93, 1000])
def test_keys_without_messages(key: int) -> None:
    for function in (api.api, api.codec):
        with pytest.raises(UnsupportedVersion):
            function(key)
    with pytest.raises(UnsupportedVersion):
        api.decode_request(key, 0, b"", 0)
    with pytest.raises(UnsupportedVersion):
        api.decode_response(key, 0, b"", 0)


@pytest.mark.parametrize("version", [-1, 2, 14, 32767])
def test_versions_without_a_layout(version: int) -> None:
    with pytest.raises(UnsupportedVersion):
        api.decode_request(ApiKey.PRODUCE, version, b"", 0)
    with pytest.raises(UnsupportedVersion):
        produce.encode_request(produce.ProduceRequest(), version, bytearray())


def test_decode_request_and_response() -> None:
    request = api.decode_request(ApiKey.METADATA, 1, bytes.fromhex("ffffffff"), 0)
    assert request == metadata.MetadataRequest(topics=None)
    response = api.decode_response(ApiKey.METADATA, 0, bytes(8), 0)
    assert response == metadata.MetadataResponse()


def test_names_are_those_of_the_modules() -> None:
    for each in api.apis():
        codec = api.codec(each.key)
        assert codec.__name__ == f"ottla.protocol.messages.{each.module}"  # type: ignore[attr-defined]  # a module
        assert hasattr(codec, f"{each.name}Request")
        assert hasattr(codec, f"{each.name}Response")


def test_an_unsupported_apiversions_request_is_answered_in_version_0() -> None:
    """KIP-511: error 35 and the range of ApiVersions itself, in the layout that every client can read."""
    response = api_versions.ApiVersionsResponse(
        error_code=35, api_keys=[api_versions.ApiVersion(api_key=18, min_version=0, max_version=4)]
    )
    out = bytearray()
    api_versions.encode_response(response, 0, out)
    assert out.hex(" ", 2) == "0023 0000 0001 0012 0000 0004"
    assert api_versions.decode_response(out, 0, 0) == response


def test_the_table_loads_no_messages() -> None:
    program = (
        "import sys, ottla.protocol.api, ottla.protocol.header, ottla.protocol.versions\n"
        "loaded = [name for name in sys.modules if name.startswith('ottla.protocol.messages.')]\n"
        "heavy = {'dataclasses', 'inspect', 'uuid', 'asyncio', 'logging', 'json'} & set(sys.modules)\n"
        "assert not loaded and not heavy, (loaded, heavy)\n"
        "ottla.protocol.api.codec(3)\n"
        "loaded = [name for name in sys.modules if name.startswith('ottla.protocol.messages.')]\n"
        "assert loaded == ['ottla.protocol.messages.metadata'], loaded\n"
    )
    # What measures the coverage of child processes would load modules of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr

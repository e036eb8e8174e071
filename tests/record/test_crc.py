import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.record.crc import IMPLEMENTATIONS, Crc, crc32c, plain_crc32c

plain = plain_crc32c()


def installed() -> list[Crc]:
    found = []
    for implementation in IMPLEMENTATIONS:
        try:
            found.append(implementation())
        except ImportError:
            continue
    return found


@pytest.mark.parametrize("function", [crc32c, *installed()])
def test_check_value_of_the_catalogue(function: Crc) -> None:
    assert function(b"123456789", 0) == 0xE3069283
    assert function(b"", 0) == 0


@pytest.mark.parametrize("function", [crc32c, *installed()])
def test_takes_every_buffer_and_goes_on(function: Crc) -> None:
    data = bytes(range(256)) * 3
    expected = plain(data)
    assert function(memoryview(bytearray(data)), 0) == expected
    assert function(bytearray(data), 0) == expected
    assert function(memoryview(data)[100:], function(memoryview(data)[:100], 0)) == expected


@given(st.binary(max_size=300), st.integers(0, 300))
def test_implementations_agree(data: bytes, cut: int) -> None:
    for function in installed():
        assert function(data, 0) == plain(data)
        assert function(data[cut:], plain(data[:cut])) == plain(data)

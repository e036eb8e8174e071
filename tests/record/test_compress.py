import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.record import compress as codecs
from ottla.record.compress import Codec, compress, decompress

REAL = [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD]
TEXT = b"".join(b"%d the quick brown fox\n" % number for number in range(20_000))


@pytest.mark.parametrize("codec", list(Codec))
@given(data=st.binary(max_size=2000), times=st.sampled_from([1, 100]))
def test_round_trip(codec: Codec, data: bytes, times: int) -> None:
    data *= times
    packed = compress(codec, memoryview(data))
    assert decompress(codec, memoryview(packed), len(data)) == data
    assert decompress(codec, bytearray(packed), len(data) + 10**6) == data


@pytest.mark.parametrize("codec", list(Codec))
def test_more_than_allowed_is_too_large(codec: Codec) -> None:
    packed = compress(codec, TEXT)
    assert decompress(codec, packed, len(TEXT)) == TEXT
    for limit in (0, 1, 1000, len(TEXT) - 1):
        with pytest.raises(ApiError) as refused:
            decompress(codec, packed, limit)
        assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE


@pytest.mark.parametrize("codec", REAL)
def test_every_cut_is_an_error(codec: Codec) -> None:
    packed = compress(codec, TEXT[:3000])
    for cut in range(len(packed)):
        if codec is Codec.SNAPPY and cut == 16:
            continue  # the head alone is a stream of nothing
        with pytest.raises(ApiError) as refused:
            decompress(codec, packed[:cut], 10**6)
        assert refused.value.code is ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("codec", REAL)
@given(noise=st.binary(max_size=60), place=st.integers(0, 200))
def test_rubbish_is_an_api_error_and_stays_small(codec: Codec, noise: bytes, place: int) -> None:
    packed = compress(codec, TEXT[:2000])
    for data in (noise, packed[:place] + noise + packed[place + len(noise) :]):
        code = ErrorCode.INVALID_RECORD
        try:
            assert len(decompress(codec, data, 4000)) <= 4000
        except ApiError as error:
            code = error.code
        assert code in (ErrorCode.INVALID_RECORD, ErrorCode.MESSAGE_TOO_LARGE)


def test_a_codec_that_does_not_exist() -> None:
    with pytest.raises(ApiError) as refused:
        decompress(5, b"", 100)
    assert refused.value.code is ErrorCode.INVALID_RECORD


@pytest.mark.parametrize(
    ("codec", "levels"), [(Codec.GZIP, [-1, 1, 9]), (Codec.LZ4, [1, 9, 12, 17]), (Codec.ZSTD, [-7, 1, 3, 22])]
)
def test_levels_are_honoured(codec: Codec, levels: list[int]) -> None:
    packed = {level: compress(codec, TEXT, level) for level in levels}
    for each in packed.values():
        assert decompress(codec, each, len(TEXT)) == TEXT
    assert len(packed[levels[-1]]) < len(packed[levels[1]])
    assert compress(codec, TEXT) == compress(codec, TEXT, codecs.DEFAULT_LEVELS[codec])


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.ZSTD])
def test_members_and_frames_may_follow_one_another(codec: Codec) -> None:
    both = compress(codec, b"one") + compress(codec, b"two")
    assert decompress(codec, both, 6) == b"onetwo"
    with pytest.raises(ApiError):
        decompress(codec, both, 5)


def test_what_follows_gzip_and_is_none_is_ignored_as_java_does() -> None:
    assert decompress(Codec.GZIP, compress(Codec.GZIP, b"one") + b"rubbish", 6) == b"one"


def test_snappy_is_written_as_xerial_and_read_raw_too() -> None:
    from cramjam import snappy

    packed = compress(Codec.SNAPPY, TEXT)
    assert packed.startswith(b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
    raw = bytes(snappy.compress_raw(TEXT))
    assert decompress(Codec.SNAPPY, raw, len(TEXT)) == TEXT
    assert decompress(Codec.SNAPPY, packed + packed, 2 * len(TEXT)) == TEXT + TEXT


def test_a_snappy_block_that_lies_about_its_size_is_not_allocated() -> None:
    with pytest.raises(ApiError) as refused:
        decompress(Codec.SNAPPY, b"\xff\xff\xff\xff\x0f\x00", 10**6)
    assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE


def test_lz4_has_independent_blocks_and_no_content_size() -> None:
    assert compress(Codec.LZ4, TEXT).startswith(b"\x04\x22\x4d\x18\x60\x40\x82")


@pytest.mark.parametrize("level", [None, 3, 12])
def test_lz4_without_its_library(monkeypatch: pytest.MonkeyPatch, level: int | None) -> None:
    noise = zlib.compress(TEXT)
    data = TEXT + noise * 5
    by_library = compress(Codec.LZ4, data, level)
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    packed = compress(Codec.LZ4, data, level)
    assert packed.startswith(b"\x04\x22\x4d\x18\x60\x40\x82")
    for each in (packed, by_library):
        assert decompress(Codec.LZ4, each, len(data)) == data
        with pytest.raises(ApiError):
            decompress(Codec.LZ4, each, len(data) - 1)
        with pytest.raises(ApiError):
            decompress(Codec.LZ4, each[:-5], len(data))
    monkeypatch.undo()
    assert decompress(Codec.LZ4, packed, len(data)) == data


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    for codec in REAL:
        bomb = compress(codec, bytes(50_000_000))
        with pytest.raises(ApiError) as refused:
            decompress(codec, bomb, 1_000_000)
        assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE

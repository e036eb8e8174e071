"""Topic names (``Topic.validate``, ``Topic.hasCollision``)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.controller.topic_names import find_collision, refusal, validate_topic_name
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError


@given(st.text(max_size=260) | st.text("aZ9._-", max_size=260))
def test_legal_names_are_those_of_the_pattern(name: str) -> None:
    legal = re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name) is not None and name not in (".", "..")
    assert (refusal(name) is None) == legal


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "the empty string is not allowed"),
        (".", "'.' is not allowed"),
        ("..", "'..' is not allowed"),
        ("x" * 250, f"the length of '{'x' * 250}' is longer than the max allowed length 249"),
        ("ü", "'ü' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
    ],
)
def test_the_reason_is_kafkas(name: str, reason: str) -> None:
    with pytest.raises(ApiError) as caught:
        validate_topic_name(name)
    assert caught.value.code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert caught.value.message == f"Topic name is invalid: {reason}"


@given(st.text("ab._", max_size=12), st.sets(st.text("ab._", max_size=12), max_size=8))
def test_collisions_are_names_equal_but_for_dots_and_underscores(name: str, existing: set[str]) -> None:
    likes = {other for other in existing if other != name and other.replace(".", "_") == name.replace(".", "_")}
    found = find_collision(name, existing)
    assert found in likes if likes else found is None

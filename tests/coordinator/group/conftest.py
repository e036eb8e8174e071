"""The bench for the group machines, one for each test."""

from collections.abc import Callable

import pytest
from tests.coordinator.group.bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    return Bench

"""Several answers that make up one."""

from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class Gathered(Generic[R]):
    """Several answers that make up one, in their order."""

    def __init__(self, count: int, answer: Callable[[list[R]], None]) -> None:
        self._results: list[R | None] = [None] * count
        self._missing = count
        self._answer = answer
        if not count:
            answer([])

    def place(self, index: int) -> Callable[[R], None]:
        """Return what takes the answer number ``index``."""

        def put(result: R) -> None:
            self._results[index] = result
            self._missing -= 1
            if not self._missing:
                self._answer([found for found in self._results if found is not None])

        return put

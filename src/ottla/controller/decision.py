"""What a decision is, and how it is cut into transactions.

A metastore limits what one transaction may hold (etcd: 128 operations), and a topic may have thousands of
partitions. So a decision names its *preparations* apart from its *steps*: preparations are writes that nobody sees
yet (partitions whose topic is not there) and may be made piece by piece; each step makes something visible and is
never cut. A store without a limit does everything in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ottla.metastore.interface import Compare, Operation

Answer = TypeVar("Answer", covariant=True)


class Step(NamedTuple):
    """Writes that happen together, if the comparisons hold."""

    operations: tuple[Operation, ...]
    compares: tuple[Compare, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[Answer]):
    """``answers`` hold once all of it is written."""

    answers: tuple[Answer, ...]
    preparations: tuple[Operation, ...] = ()
    steps: tuple[Step, ...] = ()


def transactions(
    decision: Decision[Answer], guard: Compare, limit: int
) -> list[tuple[Sequence[Compare], Sequence[Operation]]]:
    """Cut a decision into transactions of at most ``limit`` operations, each of which also compares ``guard``."""
    made: list[tuple[Sequence[Compare], Sequence[Operation]]] = []
    compares: list[Compare] = [guard]
    operations: list[Operation] = []
    for step in (*(Step((operation,)) for operation in decision.preparations), *decision.steps):
        too_many = len(operations) + len(step.operations) > limit or len(compares) + len(step.compares) > limit
        if too_many and operations:
            made.append((compares, operations))
            compares, operations = [guard], []
        compares.extend(step.compares)
        operations.extend(step.operations)
    if operations:
        made.append((compares, operations))
    return made

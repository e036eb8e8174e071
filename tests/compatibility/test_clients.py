"""The Python and C clients of the compatibility table against a node (issue 4, 1.3; issue 3, 'Done when').

What a client has no feature for, and what Apache Kafka refuses it as well, is known from ``compat/results.json``.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from compat import manifest, results
from compat.brokers import Brokers
from compat.case import Case, MainDrivers
from compat.cases import CASES
from compat.manifest import Client
from compat.results import Outcome
from compat.runner import run_case

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

LANGUAGES = {"Python", "C"}
CLIENTS = [client for client in manifest.load() if client.language in LANGUAGES]
KNOWN = {(each.client, each.case): each for each in results.load(Path(manifest.HERE) / "results.json")}


def wanted(client: Client, case: Case) -> bool:
    """Whether there is something to see: the client can do it, or nobody has tried yet."""
    known = KNOWN.get((client.name, case.id))
    return case.quick and (known is None or known.outcome is not Outcome.NONE)


PAIRS = [
    pytest.param(client, case, id=f"{client.name}-{case.id}")
    for client in CLIENTS
    for case in CASES
    if wanted(client, case)
]


@pytest.mark.parametrize(("client", "case"), PAIRS)
def test_case(client: Client, case: Case, brokers: Brokers, drivers_of: Callable[[Client], MainDrivers]) -> None:
    drivers = drivers_of(client)
    known = KNOWN.get((client.name, case.id))
    if known is not None and known.outcome is Outcome.SAME:
        pytest.skip(f"fails the same against Apache Kafka: {known.reason}")
    result = run_case(case, client, brokers, drivers)
    if result.outcome is Outcome.NONE and known is None:
        pytest.skip(result.reason)
    assert result.outcome is Outcome.PASS, result.reason

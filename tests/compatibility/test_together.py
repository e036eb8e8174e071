"""Python and C clients together: in one topic, which Kafka's console consumer reads too, and in one group.

(Issue 3, 'Done when'; issue 4, 1.2.)
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from compat import manifest
from compat.brokers import Brokers
from compat.case import MainDrivers
from compat.cases.data import Wanted, parsed
from compat.driver import NoFeature
from compat.manifest import HOME, Client
from compat.reference import CODECS, Reference
from compat.results import Outcome
from compat.runner import cases_of, run_case
from tests.compatibility.test_clients import CLIENTS
from tests.harness import calls, target
from tests.harness.console_clients import JavaTools

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]


def test_everybody_reads_what_everybody_wrote(
    brokers: Brokers, drivers_of: Callable[[Client], MainDrivers], tmp_path: Path
) -> None:
    bootstrap = brokers.shared()
    reference = Reference(bootstrap)
    topic = calls.unique("together")
    reference.create_topic(topic)
    here = []
    for client in CLIENTS:
        try:
            here.append((client, drivers_of(client)))
        except pytest.skip.Exception:
            continue
    assert here, "no client is installed"
    sent: list[Wanted] = []
    for client, drivers in here:
        driver = drivers.get(bootstrap, HOME / "logs" / client.name / "together.log")
        for codec in CODECS:
            mine = [Wanted(key=client.name.encode(), value=f"{codec} {n}".encode() + b"." * 300) for n in range(5)]
            try:
                driver.call("produce", topic=topic, codec=codec, records=[each.json() for each in mine])
            except NoFeature:
                continue
            sent += mine
    stored = reference.read(topic)
    assert Counter((each.key, each.value) for each in stored) == Counter((each.key, each.value) for each in sent)
    assert {each.codec for each in stored} == set(CODECS)
    reference.close()
    for client, drivers in here:
        driver = drivers.get(bootstrap, HOME / "logs" / client.name / "together.log")
        try:
            answer = driver.call("consume", topic=topic, partition=0, start="beginning", count=len(sent))
        except NoFeature:
            assert client.name == "kafka-python-1.4.7", f"{client.name} reads everything"  # It has no zstd.
            continue
        found = [(each.offset, each.key, each.value) for each in parsed(answer["records"])]
        assert found == [(each.offset, each.key, each.value) for each in stored], client.name
    if target.java_missing() is None:
        tools = JavaTools(bootstrap, tmp_path)
        told = [(each.offset, each.key, each.value) for each in tools.read(topic, 1, len(sent))]
        assert told == [(each.offset, each.key, each.value) for each in stored], "the console consumer"


def test_clients_of_different_makes_and_ages_share_a_group(brokers: Brokers) -> None:
    (together,) = (client for client in manifest.load() if client.name == "together")
    (case,) = (case for case in cases_of(together) if case.id == "together/ages")
    result = run_case(case, together, brokers, MainDrivers(together))
    if result.outcome is Outcome.MISSING:
        pytest.skip(result.reason)
    assert result.outcome is Outcome.PASS, result.reason

"""Ottla answers what Apache Kafka answered, but for what ``docs/deviations.md`` tells (issue 4, section 2)."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.twin import exchanges as store
from tests.twin.compare import Difference, differences
from tests.twin.deviations import DEVIATIONS, accepted
from tests.twin.peer import Exchange

from ottla.protocol.api import api
from ottla.protocol.versions import SERVED

CASES = [(area, scenario) for area in store.module_names() for scenario in store.scenarios(area)]
recorded = cache(store.recorded)


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The exchanges of an area with Ottla; each area runs once, whole and in order, on a node of its own."""

    @cache
    def run(area: str) -> dict[str, list[Exchange]]:
        node = store.ottla(area, Path(tmp_path_factory.mktemp(f"twin-{area}")))
        try:
            found: dict[str, list[Exchange]] = store.jsonable(store.run(area, node.start()))
            return found
        finally:
            node.close()

    return run


def found_differences(answers: Any, area: str, scenario: str) -> list[Difference]:
    return list(differences(area, scenario, recorded(area)[scenario], answers(area)[scenario]))


@pytest.mark.parametrize(("area", "scenario"), CASES)
def test_answers_are_those_of_kafka(answers: Any, area: str, scenario: str) -> None:
    unexplained = [
        str(difference)
        for difference in found_differences(answers, area, scenario)
        if accepted(difference.exchange, difference.path) is None
    ]
    assert not unexplained, "\n".join(unexplained)


def test_record_holds_exactly_the_scenarios() -> None:
    assert [(area, scenario) for area in store.module_names() for scenario in recorded(area)] == CASES


def test_every_deviation_is_real(answers: Any) -> None:
    used = {
        accepted(difference.exchange, difference.path)
        for area, scenario in CASES
        for difference in found_differences(answers, area, scenario)
    }
    assert {deviation.name for deviation in DEVIATIONS} == used - {None}


def test_every_deviation_is_written_down() -> None:
    page = (store.FOLDER.parents[1] / "docs" / "deviations.md").read_text()
    assert [deviation.name for deviation in DEVIATIONS if f"\n| {deviation.name}" not in page] == []


def test_every_api_is_asked_in_its_oldest_and_newest_version() -> None:
    asked = {
        (exchange["api"], exchange["version"])
        for area in store.module_names()
        for exchanges in recorded(area).values()
        for exchange in exchanges
    }
    missing = [
        (api(key).name, version)
        for key, versions in SERVED.items()
        for version in versions
        if (api(key).name, version) not in asked
    ]
    assert missing == []


def test_there_are_hundreds_of_exchanges_in_little_space() -> None:
    count = sum(len(exchanges) for area in store.module_names() for exchanges in recorded(area).values())
    assert count >= 300
    assert sum(path.stat().st_size for path in store.DATA.glob("*.json")) < 2_000_000

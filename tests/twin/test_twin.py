"""Ottla answers what Apache Kafka answered, but for what ``docs/deviations.md`` tells (issue 4, section 2)."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.twin import exchanges as store
from tests.twin.compare import Difference, differences
from tests.twin.deviations import DEVIATIONS, accepted
from tests.twin.peer import Exchange

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

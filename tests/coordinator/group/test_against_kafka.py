"""What Apache Kafka 4.2.0 itself does with random walks of group requests, and what we do, step by step.

``data/group_scripts.txt`` holds the steps that ``scripts.py`` made up and what ``data/GroupScripts.java`` showed of
them on Kafka's own coordinator, with a tab between the two.
"""

from pathlib import Path

import pytest
from tests.coordinator.group.scripts import Player

LINES = (Path(__file__).parent / "data" / "group_scripts.txt").read_text().splitlines()
STARTS = [number for number, line in enumerate(LINES) if line.startswith("script ")]
SCRIPTS = {LINES[start]: LINES[start + 1 : end] for start, end in zip(STARTS, [*STARTS[1:], len(LINES)], strict=True)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_goes_as_on_kafka(name: str) -> None:
    player = Player()
    for number, line in enumerate(SCRIPTS[name]):
        step, _, expected = line.partition("\t")
        assert player.play(step) == expected, f"step {number}: {step}"

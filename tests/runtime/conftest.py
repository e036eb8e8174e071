"""What Apache Kafka 4.2.0 says of its settings; made by ``tools/kafka_facts`` from its jars."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for tools

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def kafka_facts() -> dict[str, Any]:
    """Every setting with its type, default, rule, importance, and what became of some sample values."""
    facts: dict[str, Any] = json.loads((DATA / "kafka_settings.json").read_text("utf-8"))
    return facts


@pytest.fixture(scope="session")
def kafka_answers() -> dict[str, Any]:
    """What Kafka did with whole configurations, changes and questions."""
    answers: dict[str, Any] = json.loads((DATA / "kafka_settings_answers.json").read_text("utf-8"))
    return answers

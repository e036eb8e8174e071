"""Incremental changes, by the controller and the table of settings together, against what Kafka made of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.controller.cluster import brokers, carried_out, create

from ottla.broker.config_schema import SettingsSchema
from ottla.controller.alter_configs import Alteration, ConfigChange, ConfigOperation, alter_configs
from ottla.controller.create_topics import NewTopic
from ottla.metadata.image import Image
from ottla.metadata.keys import ConfigResource, ConfigResourceType
from ottla.runtime.settings import BrokerConfig

ANSWERS = json.loads((Path(__file__).parents[1] / "runtime" / "data" / "kafka_settings_answers.json").read_text())
REFUSED_BY_THE_BROKER = {"num.partitions"}
"""Not dynamic: a broker that is asked refuses it before Kafka's controller, from which the answers are, is asked."""
SERVED = [
    case for case in ANSWERS["alter"] if case[0] != "CLIENT_METRICS" and case[2][0][0] not in REFUSED_BY_THE_BROKER
]
NAMES = {"TOPIC": "t", "BROKER": "1", "GROUP": "g"}


def altered(image: Image, kind: str, steps: list[tuple[str, ConfigOperation, str | None]]) -> tuple[Image, Any]:
    changes = tuple(ConfigChange(name=name, operation=operation, value=value) for name, operation, value in steps)
    one = Alteration(resource_type=ConfigResourceType[kind], resource_name=NAMES[kind], changes=changes)
    decision = alter_configs(image, [one], schema=SettingsSchema(BrokerConfig()), node_id=1)
    return carried_out(image, decision), decision.answers[0].error


@pytest.mark.parametrize("case", SERVED, ids=[f"{number} {case[2]}"[:80] for number, case in enumerate(SERVED)])
def test_steps_of_an_incremental_change(case: Any) -> None:
    kind, before, operations, (after, refusal) = case
    image, _ = create(brokers(1), NewTopic(name="t"))
    image, error = altered(image, kind, [(name, ConfigOperation.SET, value) for name, value in before.items()])
    assert error is None
    image, error = altered(image, kind, [(name, ConfigOperation[op], value) for name, op, value in operations])
    if refusal is not None:
        assert error is not None
        assert error.code.name == refusal[0]
        if "is not LIST" in refusal[1]:
            assert error.message == refusal[1]
    else:
        assert error is None
        assert image.config(ConfigResource(ConfigResourceType[kind], NAMES[kind])) == after

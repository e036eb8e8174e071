"""The admin APIs answer as Apache Kafka 4.2 does, request by request (issue 3, 2.1).

``admin_exchanges.json`` holds what Kafka answered (``kafka``) and, where Ottla is meant to differ, what Ottla answers
(``ottla``, with ``why``). To record anew: run this test with ``OTTLA_TEST_RECORD=1``, on Kafka first
(``OTTLA_TEST_TARGET=kafka``), then on Ottla, and read the diff.
"""

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

from tests.harness import target
from tests.harness.fixtures import MakeNode
from tests.node.admin_script import comparable, exchanges, with_ids

RECORDED = Path(__file__).with_name("admin_exchanges.json")
CHANGING = ("CreateTopics", "CreatePartitions", "DeleteTopics", "AlterConfigs", "IncrementalAlterConfigs", "Metadata")
SETTLE_S = 0.4
"""How long Kafka's broker needs to hear of what its controller has done."""


def answers(make_node: MakeNode) -> list[Any]:
    node = make_node({"node.id": 1, "offsets.topic.num.partitions": 5}).start()
    ids: dict[str, uuid.UUID] = {}
    told = []
    with node.connect(timeout_s=20) as connection:
        for exchange in exchanges():
            answer = connection.call(exchange.api, exchange.version, with_ids(exchange.request, ids))
            if exchange.api == "CreateTopics" and exchange.version == 7:
                ids.update({topic["name"]: topic["topic_id"] for topic in answer["topics"] if topic["topic_id"]})
            if target.is_kafka() and exchange.api in CHANGING:
                time.sleep(SETTLE_S)
            told.append(json.loads(json.dumps(comparable(answer))))
    return told


def record(told: list[Any]) -> None:
    kafka = target.is_kafka()
    before = [] if kafka else json.loads(RECORDED.read_text())
    lines = []
    for number, (exchange, answer) in enumerate(zip(exchanges(), told, strict=True)):
        entry: dict[str, Any] = {"api": exchange.api, "version": exchange.version}
        entry["kafka"] = answer if kafka else before[number]["kafka"]
        if not kafka and answer != entry["kafka"]:
            entry["ottla"] = answer
            entry["why"] = exchange.why
        lines.append(json.dumps(entry, ensure_ascii=False))
    RECORDED.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def test_every_answer_is_kafkas_or_differs_for_a_reason(make_node: MakeNode) -> None:
    told = answers(make_node)
    if os.environ.get("OTTLA_TEST_RECORD"):
        record(told)
    recorded = json.loads(RECORDED.read_text())
    script = list(exchanges())
    assert len(recorded) == len(script) == len(told)
    wrong = []
    for exchange, entry, answer in zip(script, recorded, told, strict=True):
        expected = entry["kafka"] if target.is_kafka() else entry.get("ottla", entry["kafka"])
        if answer != expected:
            wrong.append(f"{exchange.api} v{exchange.version} {exchange.request}\n  {answer}\n  not {expected}")
        assert bool(exchange.why) == ("ottla" in entry) or (target.is_kafka() and not wrong), (exchange, entry)
    assert not wrong, "\n".join(wrong)

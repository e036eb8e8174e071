"""The settings of a broker in a test: Kafka's, but for a few where Kafka would have a test wait.

``group.initial.rebalance.delay.ms`` is 0 (Kafka waits 3 seconds for more members), ``__consumer_offsets`` has one
partition, members may have a short ``session.timeout.ms``, and what is deleted is gone at once. The loop does not wait
awake, because it shares its interpreter with the test. Whatever the test sets itself goes before.
"""

import os
from collections.abc import Mapping

from ottla.model.errors import OperatorError
from ottla.runtime.settings import BrokerConfig, load_text

from .errors import BrokerFailed, BrokerMisused

FOR_TESTS: Mapping[str, str] = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "100",
    "log.segment.delete.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "ottla.network.busy.poll.us": "0",
}


def settings_texts(given: Mapping[str, object], named: Mapping[str, object]) -> dict[str, str]:
    """Return settings as texts by Kafka's names: ``given`` by these names, ``named`` with underscores for dots."""
    texts: dict[str, str] = {}
    for name, value in (*given.items(), *((name.replace("_", "."), value) for name, value in named.items())):
        if not isinstance(name, str):
            raise BrokerMisused(f"the name of a setting is a text, not {name!r}")
        if name in texts:
            raise BrokerMisused(f"{name} is given twice")
        texts[name] = _text(name, value)
    return texts


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return ",".join(_text(name, item) for item in value)
    raise BrokerMisused(f"{name} cannot be {value!r}; give a text, a number, True or False, or a list of these")


def refuse_contradictions(texts: Mapping[str, str], disk: "bool | str | os.PathLike[str]", port: int) -> None:
    """BrokerMisused where settings say otherwise what ``disk`` and ``port`` say, or say it again."""
    if not isinstance(disk, (bool, str, os.PathLike)):
        raise BrokerMisused(f"disk is False, True or the path of a folder, not {disk!r}")
    if not isinstance(disk, bool) and (not os.fspath(disk) or "," in os.fspath(disk)):
        raise BrokerMisused(f"disk is the path of one folder, not {os.fspath(disk)!r}")
    for name in ("log.dirs", "log.dir"):
        if name in texts:
            raise BrokerMisused(f"disk says where the data is: write disk={texts[name]!r}, and leave out {name}")
    if "ottla.metadata.dir" in texts and isinstance(disk, bool):
        raise BrokerMisused(
            f"with disk={disk} the metadata is in memory: leave ottla.metadata.dir out, or write disk=PATH"
        )
    if port and "listeners" in texts:
        raise BrokerMisused("port is given, and listeners with a port of its own: leave out one of the two")


def broker_config(texts: Mapping[str, str]) -> BrokerConfig:
    """Return what a node is made with; BrokerFailed says what is wrong with a setting and what is near to it."""
    try:
        return BrokerConfig(load_text("", "", [f"{name}={text}" for name, text in texts.items()]))
    except OperatorError as error:
        raise BrokerFailed(str(error).removeprefix("--set").removeprefix(":").lstrip()) from None

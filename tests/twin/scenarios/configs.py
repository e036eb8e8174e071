"""DescribeConfigs (32), AlterConfigs (33), IncrementalAlterConfigs (44), ListConfigResources (74)."""

from typing import Any

from tests.twin.peer import Peer

SETTINGS = {"log.retention.hours": 100, "log.cleaner.threads": 1}
TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)


def _describe(
    peer: Peer, kind: int, name: str, keys: Any = None, *, version: int = 4, note: str = "", **more: Any
) -> None:
    resources = [{"resource_type": kind, "resource_name": name, "configuration_keys": keys}]
    peer.call("DescribeConfigs", version, resources=resources, note=note, **more)


def describe_in_every_version(peer: Peer) -> None:
    peer.create_topic("described", retention_ms=1000)
    keys = ["retention.ms", "segment.bytes", "cleanup.policy"]
    for version in range(5):
        synonyms: dict[str, Any] = {"include_synonyms": True} if version >= 1 else {}
        _describe(peer, TOPIC, "described", keys, version=version, **synonyms)
    _describe(peer, TOPIC, "described", keys, version=4, include_documentation=True)
    _describe(peer, TOPIC, "described", note="all")
    _describe(peer, TOPIC, "described", include_synonyms=True, include_documentation=True, note="all")
    _describe(peer, TOPIC, "described", [], note="no keys")
    _describe(peer, TOPIC, "described", ["no.such", "retention.ms"], note="unknown key")


def describe_broker(peer: Peer) -> None:
    keys = ["log.retention.ms", "log.retention.hours", "log.cleaner.threads", "num.io.threads", "log.segment.bytes"]
    for name in ("1", ""):
        _describe(peer, BROKER, name, keys, include_synonyms=True, note=f"broker {name!r}")
    _describe(peer, BROKER, "1", note="all")
    _describe(peer, BROKER, "", note="defaults of the cluster")
    _describe(peer, BROKER, "1", ["ssl.keystore.password", "listeners", "log.dirs", "node.id", "message.max.bytes"])


def describe_refused(peer: Peer) -> None:
    _describe(peer, TOPIC, "nowhere")
    _describe(peer, TOPIC, "")
    _describe(peer, TOPIC, "b ad")
    _describe(peer, BROKER, "9")
    _describe(peer, BROKER, "one")
    _describe(peer, 0, "x")
    _describe(peer, 77, "x")
    _describe(peer, GROUP, "")
    _describe(peer, GROUP, "some-group", note="a group that has no settings")
    _describe(peer, LOGGER, "9", ["root"])
    _describe(peer, LOGGER, "", ["root"])
    peer.call("DescribeConfigs", 4, resources=[], note="nothing")
    twice = [{"resource_type": TOPIC, "resource_name": "described", "configuration_keys": ["retention.ms"]}] * 2
    peer.call("DescribeConfigs", 4, resources=twice, note="twice")


def _alter(
    peer: Peer, kind: int, name: str, *changes: tuple[str, int, str | None], version: int = 1, **more: Any
) -> None:
    configs = [{"name": key, "config_operation": operation, "value": value} for key, operation, value in changes]
    resources = [{"resource_type": kind, "resource_name": name, "configs": configs}]
    peer.call("IncrementalAlterConfigs", version, resources=resources, **more)


def alter_topic(peer: Peer) -> None:
    peer.create_topic("altered", retention_ms=5000)
    keys = ["retention.ms", "cleanup.policy", "max.message.bytes"]
    _alter(peer, TOPIC, "altered", ("retention.ms", SET, "7000"), version=0)
    _alter(peer, TOPIC, "altered", ("cleanup.policy", APPEND, "compact"), ("max.message.bytes", SET, "5000"))
    _describe(peer, TOPIC, "altered", keys, include_synonyms=True)
    _alter(peer, TOPIC, "altered", ("cleanup.policy", APPEND, "compact"), note="append what is there")
    _alter(peer, TOPIC, "altered", ("cleanup.policy", SUBTRACT, "delete"))
    _alter(peer, TOPIC, "altered", ("retention.ms", DELETE, None))
    _describe(peer, TOPIC, "altered", keys)
    _alter(peer, TOPIC, "altered", ("retention.ms", DELETE, None), note="again")
    _alter(peer, TOPIC, "altered", ("retention.ms", SET, "1"), validate_only=True, note="only validated")
    _describe(peer, TOPIC, "altered", keys)
    _alter(peer, TOPIC, "altered", ("cleanup.policy", SUBTRACT, "nothing"), note="subtract what is not there")
    _alter(peer, TOPIC, "altered", note="no changes")


def alter_refused(peer: Peer) -> None:
    cases: dict[str, list[tuple[str, int, str | None]]] = {
        "unknown key": [("no.such", SET, "1")],
        "unknown key deleted": [("no.such", DELETE, None)],
        "ill-typed": [("retention.ms", SET, "soon")],
        "out of range": [("segment.bytes", SET, "13")],
        "bad policy": [("cleanup.policy", SET, "shred")],
        "null value": [("retention.ms", SET, None)],
        "append to a number": [("retention.ms", APPEND, "5")],
        "subtract from a number": [("retention.ms", SUBTRACT, "5")],
        "unknown operation": [("retention.ms", 9, "5")],
        "key twice": [("retention.ms", SET, "5"), ("retention.ms", SET, "6")],
        "good and bad": [("retention.ms", SET, "5"), ("segment.bytes", SET, "x")],
        "empty key": [("", SET, "1")],
        "blank value": [("cleanup.policy", SET, "")],
        "lags against each other": [("min.compaction.lag.ms", SET, "10"), ("max.compaction.lag.ms", SET, "5")],
        "too few in sync": [("min.insync.replicas", SET, "0")],
    }
    for note, changes in cases.items():
        _alter(peer, TOPIC, "altered", *changes, note=note)
    one = ("retention.ms", SET, "1")
    _alter(peer, TOPIC, "nowhere", one, note="unknown topic")
    _alter(peer, TOPIC, "", one, note="empty topic")
    _alter(peer, BROKER, "9", ("log.cleaner.threads", SET, "1"), note="unknown broker")
    _alter(peer, BROKER, "one", ("log.cleaner.threads", SET, "1"), note="broker that is no number")
    _alter(peer, 0, "x", one, note="unknown type")
    _alter(peer, 77, "x", one, note="unknown type")
    _alter(peer, GROUP, "", one, note="empty group")
    change = {"resource_type": TOPIC, "resource_name": "altered", "configs": [{"name": "retention.ms", "value": "1"}]}
    peer.call("IncrementalAlterConfigs", 1, resources=[change, change], note="resource twice")
    peer.call("IncrementalAlterConfigs", 1, resources=[], note="nothing")
    _describe(peer, TOPIC, "altered", ["retention.ms", "segment.bytes"], note="unchanged")


def alter_broker(peer: Peer) -> None:
    peer.create_topic("follows")
    _alter(peer, BROKER, "1", ("log.cleaner.threads", SET, "2"))
    _alter(peer, BROKER, "", ("log.cleaner.threads", SET, "2"), note="all brokers")
    _alter(peer, BROKER, "", ("log.retention.ms", SET, "123456789"), note="all brokers")
    peer.settle(lambda: _retention(peer) == "123456789", "the change")
    keys = ["log.cleaner.threads", "log.retention.ms"]
    _describe(peer, BROKER, "1", keys, include_synonyms=True)
    _describe(peer, BROKER, "", keys, include_synonyms=True)
    _describe(peer, TOPIC, "follows", ["retention.ms"], include_synonyms=True)
    _alter(peer, BROKER, "1", ("node.id", SET, "5"), note="read only")
    _alter(peer, BROKER, "", ("broker.rack", SET, "r"), note="read only, all brokers")
    _alter(peer, BROKER, "1", ("log.cleaner.threads", SET, "many"), note="ill-typed")
    _alter(peer, BROKER, "1", ("no.such.setting", SET, "1"), note="unknown")
    _alter(peer, BROKER, "", ("listeners", SET, "PLAINTEXT://:1"), note="of one broker only")
    for name, key in (("1", "log.cleaner.threads"), ("", "log.cleaner.threads"), ("", "log.retention.ms")):
        _alter(peer, BROKER, name, (key, DELETE, None))
    peer.settle(lambda: _retention(peer) == "360000000", "the change back")
    _describe(peer, BROKER, "1", keys, include_synonyms=True)


def _retention(peer: Peer) -> str | None:
    resources = [{"resource_type": TOPIC, "resource_name": "follows", "configuration_keys": ["retention.ms"]}]
    answer = peer.ask("DescribeConfigs", 4, resources=resources)
    found: str | None = answer.results[0].configs[0].value
    return found


def alter_whole(peer: Peer) -> None:
    peer.create_topic("whole", retention_ms=5000, segment_ms=60000)

    def ask(version: int, *configs: tuple[str, str | None], note: str = "", name: str = "whole", **more: Any) -> None:
        resource = {"resource_type": more.pop("kind", TOPIC), "resource_name": name}
        values = [{"name": key, "value": value} for key, value in configs]
        peer.call("AlterConfigs", version, resources=[{**resource, "configs": values}], note=note, **more)

    for version in range(3):
        ask(version, ("retention.ms", str(7000 + version)))
        _describe(peer, TOPIC, "whole", ["retention.ms", "segment.ms"], note="the other is gone")
    ask(2, ("retention.ms", "1"), validate_only=True, note="only validated")
    ask(2, ("retention.ms", "soon"), note="ill-typed")
    ask(2, ("no.such", "1"), note="unknown key")
    ask(2, ("retention.ms", None), note="null")
    ask(2, ("retention.ms", "1"), ("retention.ms", "2"), note="twice")
    ask(2, ("retention.ms", "1"), name="nowhere", note="unknown topic")
    ask(2, ("retention.ms", "1"), kind=77, note="unknown type")
    ask(2, note="nothing left")
    _describe(peer, TOPIC, "whole", ["retention.ms", "segment.ms"])
    peer.call("AlterConfigs", 2, resources=[], note="no resources")


def group_settings(peer: Peer) -> None:
    _alter(peer, GROUP, "g1", ("consumer.session.timeout.ms", SET, "50000"))
    _describe(peer, GROUP, "g1", ["consumer.session.timeout.ms"], include_synonyms=True)
    _describe(peer, GROUP, "g1", note="all")
    _alter(peer, GROUP, "g1", ("consumer.session.timeout.ms", SET, "5"), note="out of bounds")
    _alter(peer, GROUP, "g1", ("no.such", SET, "5"), note="unknown")
    _alter(peer, GROUP, "g1", ("consumer.session.timeout.ms", DELETE, None))


def resources(peer: Peer) -> None:
    peer.call("ListConfigResources", 0)
    peer.call("ListConfigResources", 1, note="all")
    for kind in (TOPIC, BROKER, LOGGER, METRICS, GROUP, 0, 77, -1):
        peer.call("ListConfigResources", 1, resource_types=[kind])
    peer.call("ListConfigResources", 1, resource_types=[TOPIC, BROKER])
    peer.call("ListConfigResources", 1, resource_types=[TOPIC, TOPIC])


def loggers(peer: Peer) -> None:
    _describe(peer, LOGGER, "1", ["root"])
    _alter(peer, LOGGER, "1", ("root", SET, "WARN"))
    _describe(peer, LOGGER, "1", ["root"])
    _alter(peer, LOGGER, "1", ("root", SET, "LOUD"), note="no such level")
    _alter(peer, LOGGER, "1", ("no.such.logger", SET, "INFO"), note="no such logger")
    _alter(peer, LOGGER, "1", ("root", DELETE, None), note="deletion of the root")
    _alter(peer, LOGGER, "9", ("root", SET, "INFO"), note="another broker")
    _alter(peer, LOGGER, "1", ("root", SET, "INFO"))

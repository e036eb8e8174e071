"""Which messages are generated, and which of them in the straight-line form.

Every API that Kafka lists for broker listeners is generated; those that only controllers speak are not. Older
versions than Kafka 4.2's are put back where clients that never negotiate still send them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import jars
from .merge import merge
from .schema import Message, message, parse_versions, snake_case

HOT = frozenset(
    {
        "Produce",
        "Fetch",
        "ListOffsets",
        "Metadata",
        "FindCoordinator",
        "JoinGroup",
        "SyncGroup",
        "Heartbeat",
        "LeaveGroup",
        "OffsetCommit",
        "OffsetFetch",
        "ApiVersions",
    }
)
"""APIs whose cost is felt: one flat function for each layout, everything in line, in the broker's direction."""

BOTH_WAYS = frozenset({"Produce", "Fetch"})
"""APIs that are flat in the client's direction too."""

OLDER_VERSIONS = {
    "OffsetCommit": "1",
    "CreateTopics": "0-1",
    "DeleteTopics": "0",
    "DescribeAcls": "0",
    "CreateAcls": "0",
    "DeleteAcls": "0",
    "DescribeConfigs": "0",
    "AlterReplicaLogDirs": "0",
    "DescribeLogDirs": "0",
    "CreateDelegationToken": "0",
    "RenewDelegationToken": "0",
    "ExpireDelegationToken": "0",
    "DescribeDelegationToken": "0",
}
"""Versions that Kafka 4 dropped and that librdkafka <= 1.2, Sarama <= 1.45, kafka-go <= 0.4.47 or kafka-python send."""

CLIENT_DATA = ("ConsumerProtocolAssignment", "ConsumerProtocolSubscription", "EndTxnMarker")
"""Stored or embedded messages whose schemas are in kafka-clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A request and its response."""

    key: int
    name: str
    request: Message
    response: Message

    @property
    def module(self) -> str:
        """The name of the module that holds both."""
        return snake_case(self.name)

    def is_flat(self, function: str) -> bool:
        """Whether ``decode_request`` or one of its sisters is flat, one function for each layout."""
        return self.name in BOTH_WAYS or (self.name in HOT and function in {"decode_request", "encode_response"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All there is to generate."""

    apis: tuple[Api, ...]
    data: tuple[Message, ...]
    names: Mapping[int, str]


def read(folder: Path | None) -> Catalogue:
    """Read the schemas of all jars."""
    newer = jars.read_schemas(jars.find(jars.CLIENTS, folder))
    older = jars.read_schemas(jars.find(jars.OLDER_CLIENTS, folder))
    requests = {schema["apiKey"]: schema for schema in newer.values() if schema["type"] == "request"}
    names = {key: requests[key]["name"].removesuffix("Request") for key in sorted(requests)}
    apis = tuple(
        _api(key, name, newer, older)
        for key, name in names.items()
        if "broker" in requests[key].get("listeners", ()) and requests[key]["validVersions"] != "none"
    )
    data = [message(newer[name]) for name in CLIENT_DATA]
    for jar in (jars.GROUP_COORDINATOR, jars.TRANSACTION_COORDINATOR, jars.SHARE_COORDINATOR):
        data += [message(schema) for schema in jars.read_schemas(jars.find(jar, folder)).values()]
    return Catalogue(apis=apis, data=tuple(data), names=names)


def _api(key: int, name: str, newer: Mapping[str, Any], older: Mapping[str, Any]) -> Api:
    request, response = (message(newer[name + suffix]) for suffix in ("Request", "Response"))
    if name in OLDER_VERSIONS:
        old_request, old_response = (message(older[name + suffix]) for suffix in ("Request", "Response"))
        wanted = parse_versions(OLDER_VERSIONS[name], old_request.versions)
        request = merge(request, old_request, wanted)
        response = merge(response, old_response, wanted)
    assert request.versions == response.versions, name
    return Api(key=key, name=name, request=request, response=response)

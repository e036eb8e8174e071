"""A broker that keeps nothing: what the clients and the machine would give if the broker cost nothing at all.

It is a mode of the load program (``bench/clients/nothing.c``), which sends answers that are made here beforehand and
does not look at what it is sent. No broker can be faster with the same client on the same machine.
"""

import importlib
import pathlib
import struct
from typing import Any

from bench import programs
from bench.brokers import Broker
from bench.figures import CEILING
from ottla.protocol.api import ApiKey, api
from ottla.protocol.messages.api_versions import ApiVersion, ApiVersionsResponse
from ottla.protocol.messages.metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from ottla.protocol.messages.produce import PartitionProduceResponse, ProduceResponse, TopicProduceResponse

TOPIC = "nothing"
NODE_ID = 1
#: The only version of each that it knows. Fetch is not answered: a producer looks whether the broker is a recent one.
VERSIONS = {ApiKey.PRODUCE: 7, ApiKey.FETCH: 11, ApiKey.METADATA: 1, ApiKey.API_VERSIONS: 3}
HEAD = struct.Struct(">ii")


class Ceiling(Broker):
    """The broker that keeps nothing; its only topic is ``TOPIC``, of one partition."""

    name = CEILING

    def prepare(self) -> None:
        """Write the answers."""
        folder = pathlib.Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        for key, answer in answers(self.port).items():
            (folder / str(int(key))).write_bytes(answer)

    def command(self) -> list[str]:
        """Return the command line."""
        return [str(programs.LOAD), "nothing", f"bootstrap={self.bootstrap}", f"path={self.folder}"]


def answers(port: int) -> dict[ApiKey, bytes]:
    """Return the answer to each API, its size included, with a correlation id of 0."""
    partition = MetadataResponsePartition(partition_index=0, leader_id=NODE_ID, replica_nodes=[NODE_ID], isr_nodes=[1])
    responses: dict[ApiKey, Any] = {
        ApiKey.API_VERSIONS: ApiVersionsResponse(
            api_keys=[
                ApiVersion(api_key=int(key), min_version=version, max_version=version)
                for key, version in VERSIONS.items()
            ]
        ),
        ApiKey.METADATA: MetadataResponse(
            brokers=[MetadataResponseBroker(node_id=NODE_ID, host="127.0.0.1", port=port)],
            topics=[MetadataResponseTopic(name=TOPIC, partitions=[partition])],
        ),
        ApiKey.PRODUCE: ProduceResponse(
            responses=[TopicProduceResponse(name=TOPIC, partition_responses=[PartitionProduceResponse(base_offset=0)])]
        ),
    }
    return {key: _framed(key, response) for key, response in responses.items()}


def _framed(key: ApiKey, response: Any) -> bytes:
    module = importlib.import_module(f"ottla.protocol.messages.{api(key).module}")
    out = bytearray(HEAD.size)
    module.encode_response(response, VERSIONS[key], out)
    HEAD.pack_into(out, 0, len(out) - 4, 0)
    return bytes(out)

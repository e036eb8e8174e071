"""The least client that a benchmark needs: one blocking connection, our codec, no retries."""

import importlib
import socket
import struct
from collections.abc import Sequence
from typing import Any

from ottla.record.build import build_batch

SIZE = struct.Struct(">i")
HEAD = struct.Struct(">hhih")
CLIENT_ID = b"bench"


def frame(api_key: int, version: int, flexible: bool, module: Any, request: Any, correlation_id: int = 1) -> bytes:
    """Return a whole request frame, its size included."""
    out = bytearray(4)
    out += HEAD.pack(api_key, version, correlation_id, len(CLIENT_ID)) + CLIENT_ID
    if flexible:
        out += b"\0"
    module.encode_request(request, version, out)
    SIZE.pack_into(out, 0, len(out) - 4)
    return bytes(out)


class Client:
    """One connection."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request_frame: bytes) -> bytes:
        """Send one frame and return the answer without its size."""
        self._socket.sendall(request_frame)
        return self._receive(SIZE.unpack(self._receive(4))[0])

    def call(self, api_key: int, version: int, module_name: str, request: Any, *, flexible: bool = False) -> Any:
        """Send one request and return the decoded response."""
        module = importlib.import_module(f"ottla.protocol.messages.{module_name}")
        answer = self.exchange(frame(api_key, version, flexible, module, request))
        return module.decode_response(answer, 5 if flexible else 4, version)

    def brokers(self) -> int:
        """Return how many brokers the node knows of: none before it is ready."""
        from ottla.protocol.messages.metadata import MetadataRequest

        return len(self.call(3, 1, "metadata", MetadataRequest(topics=[])).brokers)

    def _receive(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            received = self._socket.recv(size - len(data))
            if not received:
                raise ConnectionError("the node closed the connection")
            data += received
        return bytes(data)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def create_topic(client: Client, name: str, *, partitions: int = 1, configs: dict[str, str] | None = None) -> None:
    """Create a topic, or fail."""
    from ottla.protocol.messages.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest

    topic = CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=1,
        configs=[CreatableTopicConfig(name=key, value=value) for key, value in (configs or {}).items()],
    )
    response = client.call(19, 4, "create_topics", CreateTopicsRequest(topics=[topic], timeout_ms=60_000))
    assert response.topics[0].error_code == 0, response.topics[0]


def delete_topic(client: Client, name: str) -> None:
    """Delete a topic, or fail."""
    from ottla.protocol.messages.delete_topics import DeleteTopicsRequest

    response = client.call(20, 1, "delete_topics", DeleteTopicsRequest(topic_names=[name], timeout_ms=60_000))
    assert response.responses[0].error_code == 0, response.responses[0]


def has_leaders(client: Client, names: Sequence[str], partitions: int) -> bool:
    """Whether every one of the topics is there with all its partitions, and each of them has a leader."""
    from ottla.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic

    asked = [MetadataRequestTopic(name=name) for name in names]
    response = client.call(3, 1, "metadata", MetadataRequest(topics=asked))
    return all(
        len(topic.partitions) == partitions and all(found.leader_id >= 0 for found in topic.partitions)
        for topic in response.topics
    )


def produce_frame(topic: str, partition: int, batch: bytes | bytearray, *, version: int = 7) -> bytes:
    """Return a Produce request of one batch with acks=all."""
    from ottla.protocol.messages import produce

    request = produce.ProduceRequest(
        acks=-1,
        timeout_ms=30_000,
        topic_data=[
            produce.TopicProduceData(
                name=topic, partition_data=[produce.PartitionProduceData(index=partition, records=batch)]
            )
        ],
    )
    return frame(0, version, False, produce, request)


def fetch_frame(topic: str, partition: int, offset: int, *, max_bytes: int = 1_000_000) -> bytes:
    """Return a Fetch request without a session that does not wait."""
    from ottla.protocol.messages import fetch

    asked = fetch.FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=max_bytes)
    request = fetch.FetchRequest(
        max_wait_ms=0,
        min_bytes=1,
        max_bytes=max_bytes,
        session_epoch=-1,
        topics=[fetch.FetchTopic(topic=topic, partitions=[asked])],
    )
    return frame(1, 11, False, fetch, request)


def api_versions_frame() -> bytes:
    """Return a whole ApiVersions request: the smallest exchange there is."""
    from ottla.protocol.messages import api_versions

    return frame(18, 0, False, api_versions, api_versions.ApiVersionsRequest())


def batch_of(record_bytes: int, batch_bytes: int, *, now_ms: int, keys: int = 0, first: int = 0) -> bytearray:
    """Return an uncompressed batch of equal records; with ``keys``, record n has key n modulo keys."""
    count = max(1, batch_bytes // (record_bytes + 12))
    value = bytes(range(256)) * (record_bytes // 256 + 1)
    return build_batch(
        [
            (now_ms, b"key-%d" % ((first + index) % keys) if keys else None, value[:record_bytes], [])
            for index in range(count)
        ]
    )


def record_count(record_bytes: int, batch_bytes: int) -> int:
    """Return how many records :func:`batch_of` makes."""
    return max(1, batch_bytes // (record_bytes + 12))

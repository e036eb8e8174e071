"""What the settings say about limits, in the shapes that the parts of a node want them in."""

import pytest

from ottla.broker.limits import (
    addresses_of,
    connection_limits,
    connection_quota,
    flush_policy,
    large_buffers,
    socket_buffer_bytes,
)
from ottla.runtime.settings import BrokerConfig, Settings


def config(**given: str) -> BrokerConfig:
    return BrokerConfig(Settings({name.replace("_", "."): text for name, text in given.items()}))


def test_limits_of_a_connection() -> None:
    limits = connection_limits(
        config(
            socket_request_max_bytes="300000",
            ottla_request_max_bytes="200000",
            ottla_connection_write_buffer_bytes="4096",
            ottla_connection_max_in_flight_requests="7",
        )
    )
    assert (limits.max_frame_bytes, limits.max_other_frame_bytes) == (300_000, 200_000)
    assert (limits.write_buffer_bytes, limits.max_in_flight) == (4096, 7)


def test_memory_of_large_requests() -> None:
    assert large_buffers(config()).max_bytes == -1
    assert large_buffers(config(queued_max_request_bytes="200000000")).max_bytes == 200_000_000


@pytest.mark.parametrize("name", ["socket.send.buffer.bytes", "socket.receive.buffer.bytes"])
def test_buffers_of_sockets_are_the_systems_unless_the_operator_says_so(name: str) -> None:
    assert socket_buffer_bytes(config(), name) == -1
    assert socket_buffer_bytes(BrokerConfig(Settings({name: "102400"})), name) == 102_400
    assert socket_buffer_bytes(BrokerConfig(Settings({name: "-1"})), name) == -1


def test_quota_of_the_node_and_of_listeners() -> None:
    settings = config(max_connections="10", max_connections_per_ip="5", max_connection_creation_rate="3")
    settings.set_cluster_dynamic({"listener.name.plaintext.max.connections": "4"})
    settings.set_dynamic({"listener.name.plaintext.max.connection.creation.rate": "2", "max.connections": "8"})
    quota = connection_quota(settings)
    assert (quota.total, quota.per_host, quota.rate) == (8, 5, 3)
    assert quota.of_listeners == {"PLAINTEXT": 4}
    assert quota.rate_of_listeners == {"PLAINTEXT": 2}


def test_overrides_are_by_address() -> None:
    quota = connection_quota(config(max_connections_per_ip_overrides="127.0.0.2:7,localhost:9"))
    assert quota.overrides["127.0.0.2"] == 7
    assert {quota.overrides[address] for address in addresses_of("localhost")} == {9}
    assert "127.0.0.1" in quota.overrides or "::1" in quota.overrides


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "page-cache (no flush asked for"),
        ({"log_flush_interval_messages": "1"}, "fsync (flush.messages=1)"),
        ({"log_flush_interval_messages": "10", "log_flush_interval_ms": "500"}, "flush.messages=10, flush.ms=500"),
    ],
)
def test_what_an_acknowledgement_means(given: dict[str, str], said: str) -> None:
    assert said in flush_policy(config(**given))

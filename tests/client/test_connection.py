"""A connection and what a peer may do to it; every outcome is an error with one line, none is a wait without end."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from tests.client.fake import Answer, Closes, FakeBroker, Hangs, Raw, raw_server, until

from ottla.client import (
    AuthenticationFailed,
    BrokerError,
    Client,
    ClientClosed,
    ConnectionFailed,
    InvalidResponse,
    TimedOut,
    UnsupportedByBroker,
)
from ottla.protocol.api_table import ApiKey
from ottla.protocol.message import Message
from ottla.protocol.messages.api_versions import ApiVersion, ApiVersionsResponse
from ottla.protocol.messages.describe_cluster import DescribeClusterResponse
from ottla.protocol.messages.list_groups import ListGroupsResponse
from ottla.protocol.messages.metadata import MetadataResponse

QUICK = {"request.timeout.ms": "300", "retry.backoff.ms": "5", "socket.connection.setup.timeout.ms": "300"}


async def test_versions_are_agreed_on_and_the_client_says_who_it_is(fake: FakeBroker) -> None:
    fake.versions[ApiKey.METADATA] = (0, 5)
    async with Client(fake.address, {"client.id": "me"}) as client:
        assert await client.admin.list_topics() == []
    assert [(key, version) for key, version, _ in fake.requests] == [(ApiKey.API_VERSIONS, 3), (ApiKey.METADATA, 5)]
    assert fake.client_ids == {"me"}


async def test_an_old_broker_refuses_the_first_version_and_is_asked_in_the_oldest(fake: FakeBroker) -> None:
    # KIP-511: the refusal is in version 0, whatever was asked.
    refused = b"\x00\x00\x00\x0a\x00\x00\x00\x00\x00\x23\x00\x00\x00\x00"

    def answer(request: Message, version: int) -> ApiVersionsResponse | Raw:
        if version > 0:
            return Raw(refused)
        return ApiVersionsResponse(api_keys=[ApiVersion(api_key=3, min_version=0, max_version=7)])

    fake.handlers[ApiKey.API_VERSIONS] = answer
    async with Client(fake.address) as client:
        assert await client.admin.list_topics() == []
    assert [(key, version) for key, version, _ in fake.requests] == [
        (ApiKey.API_VERSIONS, 3),
        (ApiKey.API_VERSIONS, 0),
        (ApiKey.METADATA, 7),
    ]


async def test_what_a_broker_does_not_have_is_said(fake: FakeBroker) -> None:
    fake.versions[ApiKey.LIST_GROUPS] = (0, 3)
    fake.versions[ApiKey.DELETE_TOPICS] = (90, 99)
    async with Client(fake.address) as client:
        with pytest.raises(UnsupportedByBroker, match="states_filter"):
            await client.admin.list_groups(states=["Stable"])
        with pytest.raises(UnsupportedByBroker, match="DeleteTopics in the versions 90 to 99"):
            await client.admin.delete_topics(["a"])


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with Client(f"127.0.0.1:{port}") as client:
            with pytest.raises(ConnectionFailed, match=rf"^cannot reach 127.0.0.1:{port}: nothing listens there"):
                await client.admin.list_topics()


async def test_a_name_that_is_none() -> None:
    async with Client("no.such.host.invalid:9092") as client:
        with pytest.raises(ConnectionFailed, match=r"cannot reach no.such.host.invalid:9092: its name cannot be"):
            await client.connect()


@pytest.mark.parametrize(
    ("answer", "close", "error", "text"),
    [
        (None, True, ConnectionFailed, "lost the connection .*is it a Kafka listener"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, InvalidResponse, "does not answer like a Kafka broker"),
        (b"\xff\xff\xff\xff", False, InvalidResponse, "does not answer like a Kafka broker"),
        (b"\x15\x03\x01\x00\x02\x02\x28", True, InvalidResponse, "does not answer like a Kafka broker"),
        (b"\x00\x00\x00\x04\x00\x00\x00\x63", False, InvalidResponse, "an answer to request 99"),
        (b"\x00\x00\x00\x02\x00\x00", False, InvalidResponse, "an answer of 2 bytes"),
        (b"\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00", False, InvalidResponse, "cannot be read"),
        (None, False, ConnectionFailed, "did not answer within 300 ms"),
    ],
)
async def test_somebody_listens_who_is_no_broker(
    answer: bytes | None, close: bool, error: type[Exception], text: str
) -> None:
    async with raw_server(answer, close=close) as address, Client(address, QUICK) as client:
        with pytest.raises(error, match=text):
            await client.admin.list_topics(timeout_ms=3000)


async def test_all_bootstrap_servers_are_tried(fake: FakeBroker) -> None:
    async with Client(f"127.0.0.1:1, {fake.address}") as client:
        assert (await client.admin.describe_topics([])) == {}
        await client.connect()


async def test_a_login_that_was_not_done_is_guessed(fake: FakeBroker) -> None:
    fake.handlers[ApiKey.METADATA] = lambda request, version: Closes()
    async with Client(fake.address, QUICK) as client:
        with pytest.raises(ConnectionFailed, match="does it want a login"):
            await client.admin.list_topics()


async def test_a_lost_connection_is_made_again(fake: FakeBroker) -> None:
    answers: Iterator[Answer] = iter([Closes(), Closes(), MetadataResponse(cluster_id="at last")])
    async with Client(fake.address, QUICK) as client:
        await client.connect()
        fake.handlers[ApiKey.METADATA] = lambda request, version: next(answers)
        assert await client.admin.list_topics() == []
    assert fake.connections == 3


async def test_a_broker_that_is_away_for_a_while_is_waited_for(fake: FakeBroker) -> None:
    async with Client(fake.address, QUICK) as client:
        await client.connect()
        await fake.stop()
        waiting = asyncio.create_task(client.admin.list_topics())
        await asyncio.wait([waiting], timeout=0.1)
        await fake.start()
        assert await waiting == []


async def test_and_given_up_when_the_time_is_over(fake: FakeBroker) -> None:
    async with Client(fake.address, QUICK) as client:
        await client.connect()
        await fake.stop()
        with pytest.raises(TimedOut, match="gave up after 200 ms: cannot reach") as caught:
            await client.admin.list_topics(timeout_ms=200)
        assert isinstance(caught.value.__cause__, ConnectionFailed)
        await fake.start()


async def test_silence_costs_the_connection_and_ends_with_the_time(fake: FakeBroker) -> None:
    async with Client(fake.address, QUICK) as client:
        await client.connect()
        fake.handlers[ApiKey.METADATA] = lambda request, version: Hangs()
        with pytest.raises(TimedOut):
            await client.admin.list_topics(timeout_ms=500)
    assert fake.connections == 2


async def test_an_answer_that_cannot_be_read_is_not_asked_for_again(fake: FakeBroker) -> None:
    fake.handlers[ApiKey.LIST_GROUPS] = lambda request, version: Raw(b"\x00\x00\x00\x06\x00\x00\x00\x00\x07\x07")
    async with Client(fake.address, QUICK) as client:
        with pytest.raises(InvalidResponse):
            await client.admin.list_groups()
    assert len(fake.of(ApiKey.LIST_GROUPS)) == 1


async def test_an_error_code_is_named_and_one_that_may_pass_is_tried_again(fake: FakeBroker) -> None:
    codes = iter([14, 15, 0])
    fake.handlers[ApiKey.LIST_GROUPS] = lambda request, version: ListGroupsResponse(error_code=next(codes))
    async with Client(fake.address, QUICK) as client:
        assert await client.admin.list_groups() == []
        fake.handlers[ApiKey.LIST_GROUPS] = lambda request, version: ListGroupsResponse(error_code=31)
        with pytest.raises(BrokerError, match=r"CLUSTER_AUTHORIZATION_FAILED \(31\): not authorized") as caught:
            await client.admin.list_groups()
        assert caught.value.code == 31
        fake.handlers[ApiKey.LIST_GROUPS] = lambda request, version: ListGroupsResponse(error_code=9999)
        with pytest.raises(BrokerError, match=r"UNKNOWN \(9999\)"):
            await client.admin.list_groups()


async def test_the_brokers_own_words_are_one_line(fake: FakeBroker) -> None:
    answer = DescribeClusterResponse(error_code=42, error_message="so\nand\r\n  so")
    fake.handlers[ApiKey.DESCRIBE_CLUSTER] = lambda request, version: answer
    async with Client(fake.address) as client:
        with pytest.raises(BrokerError, match=r"^INVALID_REQUEST \(42\): so and so$"):
            await client.admin.describe_cluster()


async def test_a_caller_that_goes_away_costs_nobody_the_connection(fake: FakeBroker) -> None:
    release = asyncio.Event()

    async def slow(request: Message, version: int) -> ListGroupsResponse:
        await release.wait()
        return ListGroupsResponse()

    fake.handlers[ApiKey.LIST_GROUPS] = slow
    async with Client(fake.address) as client:
        await client.connect()
        leaving = asyncio.create_task(client.admin.list_groups())
        staying = asyncio.create_task(client.admin.list_groups())
        await until(lambda: len(fake.of(ApiKey.LIST_GROUPS)) == 1)
        leaving.cancel()
        release.set()
        assert await staying == []
    assert fake.connections == 1


async def test_closing_ends_what_is_under_way(fake: FakeBroker) -> None:
    fake.handlers[ApiKey.LIST_GROUPS] = lambda request, version: Hangs()
    client = Client(fake.address)
    await client.connect()
    waiting = asyncio.create_task(client.admin.list_groups())
    await until(lambda: bool(fake.of(ApiKey.LIST_GROUPS)))
    await client.close()
    with pytest.raises(ClientClosed):
        await waiting
    with pytest.raises(ClientClosed):
        await client.admin.list_topics()
    await client.close()


async def test_tls_with_somebody_who_does_not_speak_it(fake: FakeBroker) -> None:
    async with Client(fake.address, {"security.protocol": "SSL", **QUICK}) as client:
        with pytest.raises((ConnectionFailed, AuthenticationFailed), match=r"TLS|cannot reach"):
            await client.connect()


async def test_closing_ends_who_waits_for_a_connection(fake: FakeBroker) -> None:
    """With ClientClosed: whoever waits was not cancelled."""
    fake.handlers[ApiKey.API_VERSIONS] = lambda request, version: Hangs()
    client = Client(fake.address)
    waiting = asyncio.create_task(client.admin.list_groups())
    await until(lambda: bool(fake.of(ApiKey.API_VERSIONS)))
    await client.close()
    with pytest.raises(ClientClosed):
        await waiting


async def test_a_broker_that_has_gone_silent_is_left_however_short_the_calls(fake: FakeBroker) -> None:
    """A call that gives up before request.timeout.ms leaves its request behind; the connection has that long for it."""
    async with Client(fake.address, {**QUICK, "request.timeout.ms": "300"}) as client:
        await client.connect()
        silent = [True]
        fake.handlers[ApiKey.LIST_GROUPS] = lambda request, version: Hangs() if silent else ListGroupsResponse()
        for _ in range(3):
            with pytest.raises(TimedOut):
                await client.admin.list_groups(timeout_ms=50)
        silent.clear()
        await until(lambda: client._cluster._connections == {} or not _any_open(client))
        assert await client.admin.list_groups() == []
    assert fake.connections == 2


def _any_open(client: Client) -> bool:
    return any(task.done() and task.result().is_open for task in client._cluster._connections.values())

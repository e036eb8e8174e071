"""Incremental fetch sessions (KIP-227): what changed, what was forgotten, wrong epochs, a full cache."""

from tests.harness import calls
from tests.harness.batches import batch, records_of, values
from tests.harness.waiting import eventually
from tests.harness.wire import Connection, Values

SLOTS = 16
# Kafka splits its cache into eight shards, so its limit holds for each of them.
NODE_SETTINGS = {"max.incremental.fetch.session.cache.slots": SLOTS}


def fill(connection: Connection, topic: str) -> None:
    assert calls.produce(connection, topic, batch(values(1)))["error_code"] == 0


def session_fetch(
    connection: Connection, topic: str | None, offset: int, *, session_id: int, epoch: int, max_wait_ms: int = 0
) -> Values:
    request = calls.fetch_request(
        topic or "", offset, session_id=session_id, session_epoch=epoch, max_wait_ms=max_wait_ms
    )
    if topic is None:
        request["topics"] = []
    return connection.call("Fetch", 12, request)


def open_session(connection: Connection, topic: str) -> int:
    answer = session_fetch(connection, topic, 0, session_id=0, epoch=0)
    assert answer["error_code"] == 0
    session_id: int = answer["session_id"]
    return session_id


def close_session(connection: Connection, topic: str, session_id: int) -> None:
    if session_id:
        session_fetch(connection, topic, 0, session_id=session_id, epoch=-1)


def test_session_answers_only_what_changed(connection: Connection, topic: str) -> None:
    fill(connection, topic)
    session_id = open_session(connection, topic)
    assert session_id > 0
    moved = session_fetch(connection, topic, 1, session_id=session_id, epoch=1)
    assert (moved["error_code"], moved["session_id"], moved["responses"]) == (0, session_id, [])
    fill(connection, topic)
    news = session_fetch(connection, None, 0, session_id=session_id, epoch=2)
    (found,) = news["responses"]
    assert [record.offset for record in records_of(found["partitions"][0]["records"])] == [1]


def test_partition_can_leave_a_session(connection: Connection, topic: str) -> None:
    fill(connection, topic)
    session_id = open_session(connection, topic)
    request = calls.fetch_request(topic, 0, session_id=session_id, session_epoch=1)
    request["topics"] = []
    request["forgotten_topics_data"] = [{"topic": topic, "partitions": [0]}]
    assert connection.call("Fetch", 12, request)["responses"] == []
    fill(connection, topic)
    answer = session_fetch(connection, None, 0, session_id=session_id, epoch=2)
    assert answer["error_code"] != 0 or answer["responses"] == []


def test_unknown_session_and_wrong_epoch(connection: Connection, topic: str) -> None:
    assert session_fetch(connection, topic, 0, session_id=123456789, epoch=1)["error_code"] == 70
    session_id = open_session(connection, topic)
    for epoch in (0, 2, 9):
        if epoch:
            wrong = session_fetch(connection, topic, 0, session_id=session_id, epoch=epoch)
            assert (wrong["error_code"], wrong["responses"]) == (71, [])


def test_closing_a_session_forgets_it(connection: Connection, topic: str) -> None:
    session_id = open_session(connection, topic)
    assert session_fetch(connection, topic, 0, session_id=session_id, epoch=-1)["error_code"] == 0
    assert session_fetch(connection, topic, 0, session_id=session_id, epoch=1)["error_code"] == 70


def test_full_cache_gives_no_session_but_serves(connection: Connection, topic: str) -> None:
    fill(connection, topic)
    opened = [session_fetch(connection, topic, 0, session_id=0, epoch=0) for _ in range(10 * SLOTS)]
    assert all(answer["error_code"] == 0 and answer["responses"] for answer in opened)
    given = [answer["session_id"] for answer in opened if answer["session_id"]]
    assert 0 < len(given) <= SLOTS
    assert len(set(given)) == len(given)
    for session_id in given:
        close_session(connection, topic, session_id)
    eventually(lambda: open_session(connection, topic) > 0, "a closed session frees its slot")

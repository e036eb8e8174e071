"""The pytest plugin, in a pytest of its own: fixtures, the marker, xdist, and projects that never use it."""

from pathlib import Path

import pytest
from tests.testing.projects import ASYNCIO, XDIST, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_one_broker_for_the_session_and_a_topic_for_each_test(project: Project) -> None:
    for number in range(2):
        project.write(
            """
            import pytest
            seen = []
            @pytest.mark.parametrize("number", range(2))
            def test_records(ottla_broker, ottla_topic, number):
                seen.append((ottla_broker, ottla_topic))
                ottla_broker.produce(ottla_topic, "v")
                assert [record.value for record in ottla_broker.records(ottla_topic)] == [b"v"]
            def test_they_differ(ottla_broker):
                (one, first), (two, second) = seen
                assert one is two is ottla_broker
                assert first != second
                assert ottla_broker.topics() == {}, "the topics are gone with their tests"
            """,
            f"test_{number}.py",
        )
    assert "6 passed" in project.passes()


def test_the_marker_gives_settings_partitions_and_configs(project: Project) -> None:
    project.write(
        """
        import pytest
        from ottla.testing import Broker

        brokers = {}

        def test_without(ottla_broker: Broker, ottla_topic):
            brokers["plain"] = ottla_broker
            ottla_broker.produce("kept", "v")
            assert ottla_broker.topics()[ottla_topic] == 1

        @pytest.mark.ottla(settings={"num.partitions": 5, "auto.create.topics.enable": False})
        class TestWith:
            def test_one(self, ottla_broker: Broker):
                brokers["own"] = ottla_broker
                assert ottla_broker is not brokers["plain"]
                made = ottla_broker.create_topic()
                assert ottla_broker.topics()[made] == 5

            def test_two_shares_it(self, ottla_broker: Broker, ottla_topic):
                assert ottla_broker is brokers["own"]
                assert ottla_broker.topics()[ottla_topic] == 5

            @pytest.mark.ottla(settings={"num.partitions": 7})
            def test_the_nearest_goes_first(self, ottla_broker: Broker, ottla_topic):
                assert ottla_broker not in brokers.values()
                assert ottla_broker.topics()[ottla_topic] == 7

        @pytest.mark.ottla(partitions=3, config={"cleanup.policy": "compact"})
        def test_of_the_topic_alone(ottla_broker: Broker, ottla_topic):
            assert ottla_broker is brokers["plain"]
            assert ottla_broker.topics() == {"kept": 1, ottla_topic: 3}

        @pytest.mark.ottla(disk=True)
        def test_a_disk(ottla_broker: Broker, tmp_path):
            assert ottla_broker.folder is not None

        def test_the_first_broker_goes_on(ottla_broker: Broker):
            assert ottla_broker is brokers["plain"]
            assert [record.value for record in ottla_broker.records("kept")] == [b"v"]
        """
    )
    output = project.passes()
    assert "test_one[num.partitions=5,auto.create" in output or "test_one[auto.create.topics.enable=False,num" in output


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("ottla(partition=3)", "the marker ottla takes no argument 'partition'; it is ottla(settings={...}"),
        ("ottla({'num.partitions': 1})", "the marker ottla takes arguments by name only"),
        ("ottla(settings={'num.partitionz': 1})", "did you mean num.partitions?"),
    ],
)
def test_a_marker_used_wrongly(project: Project, marker: str, said: str) -> None:
    project.write(
        f"""
        import pytest
        @pytest.mark.{marker}
        def test_it(ottla_broker, ottla_topic):
            pass
        """
    )
    done = project.run()
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


def test_fixtures_of_any_scope_may_use_the_broker(project: Project) -> None:
    project.write(
        """
        import pytest

        @pytest.fixture(scope="session")
        def address(ottla_broker):
            return ottla_broker.bootstrap_servers

        @pytest.fixture(scope="module", autouse=True)
        def application(address):
            assert address.startswith("127.0.0.1:")

        def test_it(address, ottla_broker):
            assert address == ottla_broker.bootstrap_servers
        """
    )
    project.passes()


def test_a_broker_that_a_test_stopped_is_there_for_the_next(project: Project) -> None:
    project.write(
        """
        def test_stops(ottla_broker, ottla_topic):
            ottla_broker.stop()
        def test_goes_on(ottla_broker, ottla_topic):
            ottla_broker.produce(ottla_topic, "v")
        def test_deletes_its_topic_itself(ottla_broker, ottla_topic):
            ottla_broker.delete_topic(ottla_topic)
        """
    )
    project.passes()


def test_names_of_tests_that_no_topic_can_have(project: Project) -> None:
    project.write(
        """
        import pytest
        @pytest.mark.parametrize("text", ["a b/c", "ä" * 10, "x" * 500, "..", ""])
        def test_it(ottla_broker, ottla_topic, text):
            assert ottla_topic in ottla_broker.topics()
        """
    )
    project.passes()


def test_asyncio_tests(project: Project) -> None:
    project.write(
        """
        import aiokafka
        async def test_it(ottla_broker, ottla_topic):
            async with aiokafka.AIOKafkaProducer(bootstrap_servers=ottla_broker.bootstrap_servers) as producer:
                await producer.send_and_wait(ottla_topic, b"v")
            assert len(await ottla_broker.aio.records(ottla_topic, count=1)) == 1
        """
    )
    project.passes("-W", "ignore::DeprecationWarning", *ASYNCIO)


def test_under_xdist_each_worker_has_its_own(project: Project) -> None:
    project.write(
        """
        import os, pathlib, pytest
        @pytest.mark.parametrize("number", range(8))
        def test_it(ottla_broker, ottla_topic, number):
            assert ottla_broker.topics() == {ottla_topic: 1}
            worker = os.environ["PYTEST_XDIST_WORKER"]
            pathlib.Path(f"{worker}-{ottla_broker.port}").touch()
        @pytest.mark.ottla(settings={"num.partitions": 2})
        @pytest.mark.parametrize("number", range(4))
        def test_marked(ottla_broker, ottla_topic, number):
            assert ottla_broker.topics() == {ottla_topic: 2}
        """
    )
    assert "12 passed" in project.passes(*XDIST)
    used = [path.name.split("-") for path in project.folder.glob("gw*")]
    assert len({worker for worker, _ in used}) == len({port for _, port in used}) == len(used) == 2


def test_a_project_that_does_not_use_it_pays_nothing(project: Project) -> None:
    project.write(
        """
        import sys
        def test_it():
            assert {name for name in sys.modules if name.startswith("ottla")} <= {
                "ottla", "ottla.testing", "ottla.testing.plugin"
            }
            assert "uvloop" not in sys.modules
        """
    )
    output = project.passes()
    assert "1 passed" in output


def test_it_says_what_it_has(project: Project) -> None:
    project.write("def test_it(): pass")
    assert "@pytest.mark.ottla(settings={...}, disk=False" in project.run("--markers").stdout
    listed = project.run("--fixtures").stdout
    assert "ottla_broker [session scope]" in listed
    assert "A Kafka broker in memory, one for the session" in listed
    assert "ottla_topic" in listed

"""A broker's life in a test: how it starts, stops and comes back, and what it says to those who use it wrongly."""

import asyncio
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import confluent_kafka
import confluent_kafka.admin
import pytest
from confluent_kafka.admin._config import ConfigResource
from tests.harness.node import ottla_environment

import ottla.testing
from ottla.testing import Broker, BrokerFailed, BrokerMisused

READY_S = 0.05


def accepts(broker: Broker) -> bool:
    try:
        with socket.create_connection((broker.host, broker.port), timeout=5):
            return True
    except ConnectionRefusedError:
        return False


def produce(broker: Broker, value: bytes = b"v", topic: str = "t") -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap_servers})
    producer.produce(topic, value)
    assert producer.flush(10) == 0


def consume(broker: Broker, count: int, topic: str = "t") -> list[bytes | None]:
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "g"})
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    try:
        return [message.value() for message in consumer.consume(count, timeout=10)]
    finally:
        consumer.close()


def test_a_block_has_a_broker() -> None:
    with Broker() as broker:
        assert broker.bootstrap_servers == f"127.0.0.1:{broker.port}"
        produce(broker)
        assert consume(broker, 1) == [b"v"]
    assert not accepts(broker)


async def test_an_async_block_has_one_too() -> None:
    async with Broker() as broker:
        assert accepts(broker)
    assert not accepts(broker)


def test_it_is_ready_at_once() -> None:
    """Best of many, so that a busy machine does not count: it takes about 2 ms."""
    best_s = 1e9
    for _ in range(20):
        started = time.perf_counter()
        with Broker() as broker:
            best_s = min(best_s, time.perf_counter() - started)
        assert not broker.is_running
    assert best_s < READY_S


def test_nothing_is_written_to_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Broker() as broker:
        produce(broker)
        assert broker.folder is None
        assert list(tmp_path.iterdir()) == []
        assert repr(broker) == f"<Broker {broker.bootstrap_servers} in memory>"


def test_a_temporary_folder_is_there_as_long_as_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Broker(disk=True) as broker:
        produce(broker)
        (folder,) = tmp_path.iterdir()
        assert broker.folder == str(folder)
        assert (folder / "t-0" / "00000000000000000000.log").stat().st_size > 60
        broker.restart()
        assert consume(broker, 1) == [b"v"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_the_test_is_kept(tmp_path: Path) -> None:
    for expected in ([b"1"], [b"1", b"2"]):
        with Broker(disk=tmp_path / "data") as broker:
            produce(broker, expected[-1])
            assert consume(broker, len(expected)) == expected
    assert (tmp_path / "data" / "metadata.db").exists()


@pytest.mark.parametrize("disk", [False, True], ids=["memory", "temporary folder"])
def test_a_restarted_broker_is_the_same_one(disk: bool) -> None:
    with Broker(disk=disk, num_partitions=2) as broker:
        address = broker.bootstrap_servers
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": address})
        cluster = admin.list_topics(timeout=10).cluster_id
        produce(broker, b"before")
        broker.restart()
        assert broker.bootstrap_servers == address
        found = admin.list_topics(timeout=10)
        assert found.cluster_id == cluster
        assert len(found.topics["t"].partitions) == 2


def test_clients_come_back_after_a_restart() -> None:
    with Broker() as broker:
        producer = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap_servers, "linger.ms": 0})
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": broker.bootstrap_servers, "group.id": "g", "auto.offset.reset": "earliest"}
        )
        consumer.subscribe(["t"])
        try:
            for number in range(2):
                producer.produce("t", b"%d" % number)
                assert producer.flush(20) == 0
                (message,) = consumer.consume(1, timeout=20)
                assert message.value() == b"%d" % number
                consumer.commit(message=message, asynchronous=False)
                broker.restart()
        finally:
            consumer.close()


def test_a_stopped_broker_keeps_its_port_and_refuses() -> None:
    with Broker() as broker:
        broker.stop()
        assert not accepts(broker)
        with socket.socket() as probe, pytest.raises(OSError, match="in use"):
            probe.bind((broker.host, broker.port))
        broker.stop()
        broker.start()
        assert accepts(broker)


def test_a_broker_can_be_used_again_and_is_new_then() -> None:
    broker = Broker()
    with broker:
        produce(broker)
    with broker:
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        assert admin.list_topics(timeout=10).topics == {}


def test_several_brokers_know_nothing_of_one_another() -> None:
    with Broker() as one, Broker(disk=True) as two, Broker() as three:
        brokers = [one, two, three]
        for number, broker in enumerate(brokers):
            produce(broker, b"%d" % number)
        clusters: set[object] = set()
        for number, broker in enumerate(brokers):
            assert consume(broker, 1) == [b"%d" % number]
            admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": broker.bootstrap_servers})
            clusters.add(admin.list_topics(timeout=10).cluster_id)
        assert len(clusters) == 3
        two.stop()
        produce(one)
        produce(three)


def test_brokers_start_at_once_from_several_threads() -> None:
    ports = set()

    def run() -> None:
        for _ in range(10):
            with Broker() as broker:
                ports.add(broker.port)
                assert accepts(broker)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ports


def test_the_process_is_left_as_it_was() -> None:
    """No signal handlers, no log handlers, no levels, no event loop: they are the test's own."""

    def state() -> tuple[object, ...]:
        root = logging.getLogger()
        levels = [logging.getLogger(name).level for name in ("", "ottla", "asyncio")]
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
        policy = asyncio.get_event_loop_policy()
        interpreter = (gc.get_threshold(), gc.get_freeze_count(), sys.getswitchinterval())
        return handlers, list(root.handlers), levels, logging.raiseExceptions, policy, interpreter

    before = state()
    with Broker() as broker:
        produce(broker)
        assert state() == before
    assert state() == before


# -- settings ------------------------------------------------------------------------------------------------------


def described(broker: Broker) -> dict[str, str | None]:
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    (future,) = admin.describe_configs([resource]).values()
    return {name: entry.value for name, entry in future.result(10).items()}


def test_settings_have_kafkas_names_or_underscores() -> None:
    given: dict[str, object] = {"auto.create.topics.enable": False, "message.max.bytes": 5000}
    with Broker(given, num_partitions=3, log_cleanup_policy=["compact", "delete"]) as broker:
        found = described(broker)
    assert found["auto.create.topics.enable"] == "false"
    assert found["message.max.bytes"] == "5000"
    assert found["num.partitions"] == "3"
    assert found["log.cleanup.policy"] == "compact,delete"


def test_what_is_set_for_tests_gives_way_to_the_test() -> None:
    name = "group.initial.rebalance.delay.ms"
    with Broker() as plain, Broker({name: 7}) as own:
        assert described(plain)[name] == "0"
        assert described(own)[name] == "7"


def test_a_listener_of_the_tests_own() -> None:
    listeners = "PLAINTEXT://127.0.0.1:0,INTERNAL://127.0.0.2:0"
    protocols = "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT"
    with Broker({"listeners": listeners, "listener.security.protocol.map": protocols}) as broker:
        address = broker.bootstrap_servers
        broker.restart()
        assert broker.bootstrap_servers == address


def test_a_port_of_the_tests_own() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Broker(port=port) as broker:
        assert broker.port == port


# -- mistakes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"num.partitionz": 1}, "there is no setting num.partitionz; did you mean num.partitions?"),
        ({"num.partitions": "many"}, "num.partitions cannot be 'many'; give "),
        ({"retention.ms": 1}, "retention.ms is a setting of topics, not of a node; the default for all topics is"),
        ({"listeners": "nonsense"}, "listeners: "),
    ],
)
def test_a_wrong_setting_is_named_where_the_broker_is_made(settings: dict[str, object], said: str) -> None:
    with pytest.raises(BrokerFailed) as raised:
        Broker(settings)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "--set" not in str(raised.value)


@pytest.mark.parametrize("value", [None, object(), {"a": 1}])
def test_a_value_that_no_setting_can_have(value: object) -> None:
    with pytest.raises(BrokerMisused, match=r"^num\.partitions cannot be .*; give a text, a number"):
        Broker(num_partitions=value)


def test_a_setting_given_twice() -> None:
    with pytest.raises(BrokerMisused, match=r"num\.partitions is given twice"):
        Broker({"num.partitions": 1}, num_partitions=2)


def test_a_taken_port_is_said_in_one_line() -> None:
    before = threading.active_count()
    with Broker() as first:
        second = Broker(port=first.port)
        with pytest.raises(BrokerFailed, match=f"cannot listen on .*{first.port}: Address already in use") as raised:
            second.start()
        assert "\n" not in str(raised.value)
        assert raised.value.__cause__ is None
        assert not second.is_running
    assert threading.active_count() == before


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BrokerFailed, match="file cannot be used"), Broker(disk=tmp_path / "file"):
        pass


def test_what_can_be_asked_only_of_a_running_broker() -> None:
    broker = Broker()
    with pytest.raises(BrokerMisused, match="no address before it runs"):
        _ = broker.bootstrap_servers
    for call in (broker.create_topic, broker.topics, broker.groups):
        with pytest.raises(BrokerMisused, match="the broker does not run: use it inside of its `with` block"):
            call()
    with broker:
        pass
    with pytest.raises(BrokerMisused, match="does not run"):
        broker.records("t")


async def test_what_can_be_awaited_only_of_a_running_broker() -> None:
    with pytest.raises(BrokerMisused, match="does not run"):
        await Broker().aio.topics()


def test_a_broker_is_started_once() -> None:
    with Broker() as broker, pytest.raises(BrokerMisused, match="running already"):
        broker.start()


def test_a_forgotten_broker_ends_with_a_warning() -> None:
    before = threading.active_count()
    broker = Broker().start()
    address = (broker.host, broker.port)
    with pytest.warns(ResourceWarning, match="was never closed"):
        del broker
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)


def test_a_process_that_forgets_a_broker_ends(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        from ottla.testing import Broker
        broker = Broker(disk=True).start()
        print(broker.folder)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=ottla_environment(), capture_output=True, text=True, timeout=60, check=True
    )
    assert not Path(done.stdout.strip()).exists()
    assert done.stderr == ""


def test_the_package_is_imported_without_a_broker() -> None:
    program = (
        "import sys, ottla.testing, ottla.testing.plugin\n"
        "print(sorted(name for name in sys.modules if name.startswith('ottla')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=ottla_environment(), capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "['ottla', 'ottla.testing', 'ottla.testing.plugin']"


def test_what_the_package_has() -> None:
    for name in ottla.testing.__all__:
        assert getattr(ottla.testing, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Brokers'"):
        _ = ottla.testing.Brokers


def test_a_disk_that_is_none() -> None:
    with pytest.raises(BrokerMisused, match="disk is False, True or the path of a folder, not None"):
        Broker(disk=None)  # type: ignore[arg-type] # a test of just this


@pytest.mark.parametrize("disk", [False, True, "/tmp/there"])
@pytest.mark.parametrize("name", ["log.dirs", "log.dir"])
def test_where_the_data_is_only_the_argument_says(disk: bool | str, name: str) -> None:
    """It was written there, while the broker named another folder, or memory."""
    with pytest.raises(BrokerMisused, match=f"write disk='/tmp/here', and leave out {name}$"):
        Broker({name: "/tmp/here"}, disk=disk)


@pytest.mark.parametrize("disk", [False, True])
def test_metadata_in_memory_has_no_folder(disk: bool) -> None:
    with pytest.raises(
        BrokerMisused,
        match=f"with disk={disk} the metadata is in memory: leave ottla.metadata.dir out, or write disk=PATH",
    ):
        Broker(disk=disk, ottla_metadata_dir="/tmp/here")


@pytest.mark.parametrize("disk", ["", "one,two"])
def test_a_disk_is_one_folder(disk: str) -> None:
    with pytest.raises(BrokerMisused, match=f"disk is the path of one folder, not '{disk}'"):
        Broker(disk=disk)


def test_a_port_and_listeners() -> None:
    with pytest.raises(BrokerMisused, match="leave out one of the two"):
        Broker({"listeners": "PLAINTEXT://127.0.0.1:0"}, port=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_the_address_and_nothing_else(tmp_path: Path) -> None:
    """What it does at its end leaves the broker alone: the thread and the folder are its parent's."""
    program = textwrap.dedent(
        """
        import os, socket, sys
        from ottla.testing import Broker, BrokerMisused
        with Broker(disk=True) as broker:
            child = os.fork()
            if child == 0:
                try:
                    broker.topics()
                except BrokerMisused as error:
                    print(error, flush=True)
                socket.create_connection((broker.host, broker.port)).close()
                sys.exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            assert os.path.exists(broker.folder)
            broker.produce("t", "v")
            assert len(broker.records("t")) == 1
        assert not os.path.exists(broker.folder or "")
        """
    )
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    done = subprocess.run(command, env=ottla_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the broker runs in the process that this one was forked from: ask it there"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_that_lives_on_holds_no_socket_of_a_broker_that_stops() -> None:
    """A worker that was started with multiprocessing, say: its parent's broker may stop and start meanwhile."""
    program = textwrap.dedent(
        """
        import os, signal, socket
        from ottla.testing import Broker
        with Broker({"ottla.metrics.listener": "127.0.0.1:0"}) as broker:
            broker.produce("t", "v")
            client = socket.create_connection((broker.host, broker.port), timeout=10)
            broker.topics()
            child = os.fork()
            if child == 0:
                signal.pause()
            try:
                broker.stop()
                assert client.recv(1) == b""
                broker.start()
                assert len(broker.records("t")) == 1
            finally:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            client.close()
        """
    )
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    done = subprocess.run(command, env=ottla_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

"""A node: everything that one process serves, put together in order and taken down in the opposite one.

Start: ports are bound (nothing is touched if one is taken), the folders locked, the metadata read and with it the
settings that clients have changed, logs recovered, coordinators loaded, and only then connections accepted. Stop: no
new connections, what is under way is answered, the logs are flushed, and the marker of a clean shutdown is written
last.
"""

import asyncio
import logging
import random
import socket
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING

from ottla.broker.config_schema import SettingsSchema
from ottla.broker.configs import (
    brokers_changed,
    changed_topics,
    group_config,
    log_config,
    log_manager_config,
    put_in_force,
    update_log_manager,
)
from ottla.broker.connections import ConnectionQuota, Connections
from ottla.broker.dispatch import Dispatcher
from ottla.broker.fetch_sessions import FetchSessions
from ottla.broker.journal import TOPIC as OFFSETS_TOPIC
from ottla.broker.journal import PartitionJournal
from ottla.broker.limits import (
    NodeLimits,
    busy_poll_us,
    connection_limits,
    connection_quota,
    large_buffers,
    socket_buffer_bytes,
)
from ottla.broker.storage import DiskStorage, Storage
from ottla.controller.create_topics import TopicDefaults
from ottla.controller.driver import Controller
from ottla.coordinator.group.driver import GroupCoordinator
from ottla.log.cleaner.config import CleanerConfig
from ottla.log.cleaner.manager import Cleaner
from ottla.log.config import LogConfig
from ottla.log.directory import LogDirectory
from ottla.log.log import Log
from ottla.log.manager import LogManager
from ottla.metadata.image import Changes, Image
from ottla.metadata.records import Endpoint
from ottla.model.errors import OperatorError, OttlaError
from ottla.model.ids import TopicPartition, Uuid, uuid_from_entropy, uuid_to_text
from ottla.network.acceptor import Acceptor, bind
from ottla.record.validate import Depth
from ottla.replica.driver import Replicas
from ottla.runtime.clock import Clock, SystemClock
from ottla.runtime.settings import BrokerConfig, SettingError
from ottla.runtime.settings.listeners import Listener, advertised_listeners, client_listeners, metrics_address
from ottla.runtime.tasks import Tasks

if TYPE_CHECKING:
    from ottla.broker.handlers.fetch import FetchWaiter

logger = logging.getLogger(__name__)

DRAIN_MS = 1_500
PATIENCE_MS = 50
"""How long requests of groups may take while the node stops; those of members that wait for one another have no end."""
DRAIN_POLL_MS = 2
SWEEP_MS = 1_000
DEFAULT_NODE_ID = 1


class Node:
    """One broker. ``start`` returns when clients can connect; ``close`` when everything is on the disk.

    Time and storage (disk and metastore) are arguments; without them the node lives on the machine's own.
    """

    def __init__(self, config: BrokerConfig, *, clock: Clock | None = None, storage: Storage | None = None) -> None:
        self.config = config
        self.clock: Clock = clock or SystemClock()
        self.storage: Storage = storage or DiskStorage()
        self.random = random.SystemRandom()
        self.node_id = config.node_id
        self.failure: OttlaError | None = None
        self.tasks = Tasks()
        self.limits = NodeLimits(config)
        self.waiting_fetches: set[FetchWaiter] = set()
        self.fetch_sessions = FetchSessions(
            slots=config.int("max.incremental.fetch.session.cache.slots"), random_below=self.random.randrange
        )
        self.connections = Connections(
            clock=self.clock,
            quota=ConnectionQuota(),
            max_idle_ms=config.int("connections.max.idle.ms"),
            max_waiting=config.int("socket.listen.backlog.size"),
        )
        self.dispatcher = Dispatcher(self)
        self.advertised: dict[str, tuple[str, int]] = {}
        self.listeners: list[Listener] = []
        self._logs_loaded = False
        self._failed = asyncio.Event()
        self.large_buffers = large_buffers(config)
        self._acceptor = Acceptor(
            self.dispatcher,
            connection_limits(config),
            large_buffers=self.large_buffers,
            busy_poll_us=busy_poll_us(config),
        )
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self.loop = asyncio.get_running_loop()
        self.call_soon = self.loop.call_soon
        self.stage: str | None = "starting"
        """What the node is at instead of serving."""
        self.is_drained = False
        """Whether the node stops and has no client any more: nothing may be appended then, behind what is flushed."""
        self.has_figures = False
        """Whether everything is there that the metrics tell of."""
        self.metrics_url: str | None = None
        self._metrics_socket: socket.socket | None = None

    # -- what handlers ask for ------------------------------------------------------------------------------------

    @property
    def image(self) -> Image:
        """The cluster as it is shown to clients."""
        return self.controller.image

    @property
    def cluster_id(self) -> str:
        """The cluster's id, 22 characters."""
        return self.image.cluster_id

    def socket_descriptors(self) -> list[int]:
        """Return the descriptors of the sockets that listen and of the clients' connections."""
        transports = [connection.transport for connection in self.connections.all()]
        found = [transport.get_extra_info("socket").fileno() for transport in transports if transport is not None]
        if self._metrics_socket is not None:
            found.append(self._metrics_socket.fileno())
        return [descriptor for descriptor in found + self._acceptor.socket_descriptors() if descriptor >= 0]

    # -- start ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to serve. Raises OperatorError for what the operator can mend; then nothing was touched."""
        sockets = self._bind()
        try:
            await self._start_metrics()
            self._open_folders()
            self.stage = "starting: reading the metadata"
            await self._start_metadata()
            self.stage = "starting: opening the logs"
            await self._start_storage()
            self.stage = "starting: opening the ports"
            self._start_coordinators()
            backlog = self.config.int("socket.listen.backlog.size")
            for listener, sock in sockets:
                await self._acceptor.listen(sock, listener=listener.name, backlog=backlog)
        except BaseException:
            for _, sock in sockets:
                sock.close()
            raise
        self._start_jobs()
        self.has_figures = True
        self.stage = None

    def _bind(self) -> list[tuple[Listener, socket.socket]]:
        """Bind every listener's port, so that a taken one stops the start before anything is touched."""
        config = self.config
        try:
            wanted = client_listeners(config.values)
            for told in advertised_listeners(config.values):
                self.advertised[told.name] = (told.host, told.port)
        except SettingError as error:
            raise OperatorError(str(error)) from error
        for listener in wanted:
            if listener.protocol != "PLAINTEXT":
                raise OperatorError(
                    f"listeners: {listener.name} speaks {listener.protocol}, which is not served yet; use PLAINTEXT"
                )
        bound: list[tuple[Listener, socket.socket]] = []
        try:
            for listener in wanted:
                try:
                    sock = bind(
                        listener.host,
                        listener.port,
                        receive_buffer_bytes=socket_buffer_bytes(config, "socket.receive.buffer.bytes"),
                        send_buffer_bytes=socket_buffer_bytes(config, "socket.send.buffer.bytes"),
                    )
                except OSError as error:
                    raise OperatorError(
                        f"cannot listen on {listener}: {error.strerror or error}; choose another port with "
                        f"--set listeners={listener.name}://{listener.host}:PORT, or 0 for a free one"
                    ) from error
                bound.append((listener._replace(port=sock.getsockname()[1]), sock))
            self._bind_metrics()
        except OperatorError:
            for _, other in bound:
                other.close()
            raise
        self.listeners = [listener for listener, _ in bound]
        return bound

    def _bind_metrics(self) -> None:
        try:
            address = metrics_address(self.config.values)
        except SettingError as error:
            raise OperatorError(str(error)) from error
        if address is None:
            return
        host, port = address
        try:
            self._metrics_socket = bind(host, port)
        except OSError as error:
            raise OperatorError(
                f"cannot listen on {host}:{port}: {error.strerror or error}; choose another port with "
                f"--set ottla.metrics.listener={host}:PORT, or 0 for a free one"
            ) from error
        shown = f"[{host}]" if ":" in host else host
        self.metrics_url = f"http://{shown or '0.0.0.0'}:{self._metrics_socket.getsockname()[1]}/metrics"

    async def _start_metrics(self) -> None:
        if self._metrics_socket is not None:
            from ottla.broker.metrics.listener import MetricsListener

            listener = MetricsListener(self)
            await listener.start(self._metrics_socket)
            self._closers.append(listener.close)

    def _open_folders(self) -> None:
        config = self.config
        self.logs = LogManager(
            files=self.storage.files,
            clock=self.clock,
            tasks=self.tasks,
            dirs=config.log_dirs,
            default_config=LogConfig.from_settings(config.topic_defaults),
            fresh_uuid=self._fresh_uuid,
            random_below=self.random.randrange,
            config=log_manager_config(config),
            on_directory_failure=self._directory_failed,
        )
        self.logs.open(node_id=self.node_id)
        self._closers.append(self._close_logs)
        self.replicas = Replicas(
            node_id=self.node_id,
            logs=self.logs,
            log_config=lambda topic: log_config(self.config, self.controller.metadata.latest, topic),
            depth=lambda: Depth[self.config.str("ottla.produce.validation").upper()],
            max_topic_figures=config.int("ottla.metrics.max.series"),
        )

    async def _start_storage(self) -> None:
        """Recover the logs, by the settings that are in force, and lead their partitions."""
        await self.tasks.in_thread(self.logs.load)
        self._logs_loaded = True
        self.cleaner = Cleaner(
            directories=self.logs.directories,
            clock=self.clock,
            tasks=self.tasks,
            logs=lambda: self.logs,
            config=CleanerConfig.from_settings(self.config.values),
            runner=self.storage.cleaner_runner,
        )
        await self.controller.register_broker(
            self.node_id,
            incarnation_id=self._fresh_uuid(),
            endpoints=[self._endpoint(listener) for listener in self.listeners],
            rack=self.config.optional_str("broker.rack"),
        )
        self.replicas.load(self.image)
        for topic in self.image.topics:
            if self.image.topic_config(topic):
                self.replicas.update_config(topic)
        self.controller.subscribe(self._prepare)

    async def _close_logs(self) -> None:
        """Stop the logs; if they were never opened there is nothing to be said about how they ended."""
        if self._logs_loaded:
            await self.logs.close()
        else:
            self.logs.release()

    def _start_jobs(self) -> None:
        """Begin with what goes on by itself: retention, checkpoints, compaction."""
        self.logs.cleans_compacted = self.config.bool("log.cleaner.enable")
        self.logs.start()
        self.cleaner.start()
        self._closers.append(self.cleaner.close)
        self.tasks.spawn(self._sweep(), name="sweep connections")

    async def _start_metadata(self) -> None:
        store = self.storage.open_metastore(self.config, tasks=self.tasks, clock=self.clock)
        self._closers.append(store.close)
        self.controller = Controller(
            store,
            node_id=self.node_id,
            tasks=self.tasks,
            schema=SettingsSchema(self.config),
            defaults=self._topic_defaults,
        )
        self._closers.append(self.controller.close)
        await self.controller.start(self.logs.cluster_id)
        put_in_force(self.config, self.image, self.node_id)
        await self._settings_changed()

    def _endpoint(self, listener: Listener) -> Endpoint:
        host, port = self.advertised.get(listener.name, (listener.host, listener.port))
        return Endpoint(listener=listener.name, host=host, port=port, security_protocol=listener.protocol)

    def _topic_defaults(self) -> TopicDefaults:
        return TopicDefaults(
            partition_count=self.config.int("num.partitions"),
            replication_factor=self.config.int("default.replication.factor"),
        )

    def _start_coordinators(self) -> None:
        self.groups = GroupCoordinator(
            journal=PartitionJournal(self.replicas, self.tasks, self.config),
            clock=self.clock,
            tasks=self.tasks,
            partition_count=self._offsets_partitions,
            fresh_id=self._fresh_id,
            config=group_config(self.config),
        )
        topic = self.image.topics.get(OFFSETS_TOPIC)
        if topic is not None:
            for partition in topic.partitions:
                self.groups.elected(partition.index)
        self.groups.start()

    def _offsets_partitions(self) -> int:
        topic = self.image.topics.get(OFFSETS_TOPIC)
        return 0 if topic is None else len(topic.partitions)

    def _fresh_uuid(self) -> Uuid:
        while True:
            uuid = uuid_from_entropy(self.random.randbytes(16))
            if not uuid_to_text(uuid).startswith("-"):
                return uuid

    def _fresh_id(self) -> str:
        text = uuid_from_entropy(self.random.randbytes(16)).hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    # -- the cluster changes --------------------------------------------------------------------------------------

    async def _prepare(self, old: Image, new: Image, changes: Changes) -> None:
        """Make the node ready for ``new`` before anybody is shown it."""
        if brokers_changed(changes) and put_in_force(self.config, new, self.node_id):
            await self._settings_changed()
            self.groups.config = group_config(self.config)
            await self.cleaner.update_config(CleanerConfig.from_settings(self.config.values))
            self.replicas.update_all_configs()
        dropped = self._logs_of_deleted_topics(old, new, changes)
        await self.replicas.apply(old, new, changes)
        for log in dropped:
            self.cleaner.log_deleted(log)
        for topic in changed_topics(changes):
            self.replicas.update_config(topic)
        deleted = []
        for before, after in changes.topics(old, new):
            if before is not None and after is None:
                deleted.append((before.name, before.id))
            elif after is not None and after.name == OFFSETS_TOPIC:
                for partition in after.partitions:
                    self.groups.elected(partition.index)
        if deleted:
            self.groups.topics_deleted(deleted)

    async def _settings_changed(self) -> None:
        """Tell those who keep values of dynamic settings what is in force now; others look when they need one."""
        config = self.config
        self.limits.update(config)
        self.dispatcher.slow.set_limit(config.int("ottla.log.slow.request.ms"))
        self.connections.quota = await self.tasks.in_thread(connection_quota, config)
        update_log_manager(self.logs, config)

    def _logs_of_deleted_topics(self, old: Image, new: Image, changes: Changes) -> list[Log]:
        deleted = [before for before, after in changes.topics(old, new) if before is not None and after is None]
        found = (self.logs.get(TopicPartition(topic.name, one.index)) for topic in deleted for one in topic.partitions)
        return [log for log in found if log is not None]

    def _directory_failed(self, directory: LogDirectory, logs: list[Log]) -> None:
        """Go on with the other folders; with none left there is nothing to write to, but still much to read."""
        self.replicas.log_directory_failed(logs)

    @property
    def storage_failure(self) -> str | None:
        """Say so if there is no log directory left that can be written to."""
        if self._logs_loaded and all(directory.failure is not None for directory in self.logs.directories):
            return "every log directory has failed: nothing can be written"
        return None

    @property
    def not_ready(self) -> str | None:
        """Why clients are not served as they should be; None if they are."""
        return self.stage or self.storage_failure

    # -- running --------------------------------------------------------------------------------------------------

    def ready_line(self) -> str:
        """Say what clients and operators want to know first."""
        return (
            f"ready {','.join(map(str, self.listeners))} cluster={self.cluster_id} node={self.node_id} "
            f"data={self.storage.place(self.config)} "
            f"{'' if self.metrics_url is None else f'metrics={self.metrics_url} '}"
            f"ack={self.storage.promise(self.config)}"
        )

    async def wait_failed(self) -> None:
        """Wait until the node cannot go on; ``failure`` says why."""
        await self._failed.wait()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_MS / 1000)
            self.connections.sweep(perf_counter())
            self.storage.files.release_memory()
            self._acceptor.release_memory()

    # -- stop -----------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Stop: answer what is under way, flush the logs, say that the shutdown was clean."""
        self.stage = "stopping"
        self._acceptor.stop_accepting()
        await self._drain()
        self.is_drained = True
        await self._acceptor.close()
        while self._closers:
            try:
                await self._closers.pop()()
            except Exception:
                logger.exception("a part of the node did not stop as it should; the others are stopped all the same")
        await self.tasks.close()
        self.storage.close()

    async def _drain(self) -> None:
        """Answer what waits, give what is being written a moment to leave, and close every connection.

        Members that wait for others of their group are told at last that this node is their coordinator no longer.
        """
        for waiting in list(self.waiting_fetches):
            waiting.finish_now()
        groups: GroupCoordinator | None = getattr(self, "groups", None)  # none if the start failed before
        started_ms = self.clock.monotonic_ms()
        for connection in self.connections.all():
            connection.drain()
        while len(self.connections) and (passed_ms := self.clock.monotonic_ms() - started_ms) < DRAIN_MS:
            if groups is not None and passed_ms >= PATIENCE_MS:
                groups.close()
            await asyncio.sleep(DRAIN_POLL_MS / 1000)
        if groups is not None:
            groups.close()
        for connection in self.connections.all():
            connection.abort()
        await asyncio.sleep(0)

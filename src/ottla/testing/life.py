"""One broker's life: what it keeps (a disk, its port), and its node, loop and client while it runs.

Everything here may be used from any thread but the loop's own. What is kept outlives a stop, so that a restarted
broker is the same one; :meth:`Life.end` gives it back.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ottla.broker.node import Node
from ottla.broker.storage import Storage
from ottla.model.errors import OttlaError
from ottla.runtime.settings import BrokerConfig

from . import forks
from .errors import BrokerFailed, BrokerMisused
from .loop_thread import LoopThread
from .settings import FOR_TESTS, broker_config, refuse_contradictions

if TYPE_CHECKING:
    from ottla.client import Client

ANY_HOST = ("", "0.0.0.0", "::")


class Life:
    """See the module. ``disk``: False for memory, True for a temporary folder, or the path of a folder."""

    def __init__(self, texts: Mapping[str, str], disk: "bool | str | os.PathLike[str]", port: int) -> None:
        refuse_contradictions(texts, disk, port)
        self.texts = {"listeners": f"PLAINTEXT://127.0.0.1:{port}", **FOR_TESTS, **texts}
        broker_config(self.texts)  # mistakes show where the broker is made
        self.address: tuple[str, int] | None = None
        self.folder: str | None = None
        """The folder on the disk, None for memory."""
        self.loop_thread: LoopThread | None = None
        self.node: Node | None = None
        self._process_id = os.getpid()
        self._disk = disk
        self._is_temporary = disk is True
        self._storage: Storage | None = None
        self._held_ports: list[socket.socket] = []
        self._client: Client | None = None

    @property
    def is_running(self) -> bool:
        """Whether clients can connect."""
        return self.node is not None

    @property
    def is_of_another_process(self) -> bool:
        """Whether this is a process forked from the one that made it: its thread is there, and not here."""
        return os.getpid() != self._process_id

    def loop(self) -> LoopThread:
        """Return the thread of the running broker; BrokerMisused if there is none."""
        if self.is_of_another_process:
            raise BrokerMisused("the broker runs in the process that this one was forked from: ask it there")
        if self.loop_thread is None:
            raise BrokerMisused("the broker does not run: use it inside of its `with` block, or call start()")
        return self.loop_thread

    # -- start ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread and the node in it. BrokerFailed with the reason; nothing is left behind then."""
        storage = self._open_storage()
        config = broker_config(self.texts)
        loop_thread = LoopThread(f"ottla broker {config.node_id}")
        self._release_ports()
        try:
            self.node = loop_thread.run(_start(config, storage))
        except OttlaError as error:
            loop_thread.close()
            raise BrokerFailed(str(error).replace("--set ", "")) from None
        except BaseException:
            loop_thread.close()
            raise
        self.loop_thread = loop_thread
        forks.watch(self.node)
        self._remember_ports(self.node)

    def _open_storage(self) -> Storage:
        if self._storage is not None:
            return self._storage
        if self._disk is False:
            from ottla.broker.memory_storage import MemoryStorage

            self._storage = MemoryStorage()
        else:
            from .folder import make_folder, storage_in

            self.folder = make_folder() if self._is_temporary else os.fspath(self._folder_given)
            self._storage = storage_in(is_temporary=self._is_temporary)
        self.texts.setdefault("log.dirs", self.folder or "/memory")
        return self._storage

    @property
    def _folder_given(self) -> "str | os.PathLike[str]":
        assert not isinstance(self._disk, bool)
        return self._disk

    def _remember_ports(self, node: Node) -> None:
        """Listen on the same ports after a restart: clients know them."""
        self.texts["listeners"] = ",".join(map(str, node.listeners))
        plain = next(one for one in node.listeners if one.protocol == "PLAINTEXT")
        self.address = ("127.0.0.1" if plain.host in ANY_HOST else plain.host, plain.port)

    # -- stop ----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop cleanly; the ports stay taken, so that nobody else gets them before the next start."""
        node, self.node = self.node, None
        loop_thread, self.loop_thread = self.loop_thread, None
        if node is None or loop_thread is None or self.is_of_another_process:
            return
        client, self._client = self._client, None
        loop_thread.close(_stop(node, client))
        self._hold_ports(node)

    def end(self) -> None:
        """Stop, and give back what was kept."""
        if self.is_of_another_process:
            return
        try:
            self.stop()
        finally:
            self._give_back()

    def forgotten(self) -> None:
        """End because nobody has the broker any more.

        At the end of the interpreter no thread can be had any more: then it ends at once, answering nobody.
        """
        loop_thread = self.loop_thread
        is_last_moment = not threading.main_thread().is_alive()
        if loop_thread is not None and is_last_moment and not self.is_of_another_process:
            self.node = self.loop_thread = None
            loop_thread.close()
        self.end()

    def _give_back(self) -> None:
        self._release_ports()
        self._storage = None
        folder, self.folder = self.folder, None
        if folder is not None and self._is_temporary:
            from .folder import remove_folder

            remove_folder(folder)
            del self.texts["log.dirs"]

    def _hold_ports(self, node: Node) -> None:
        """Bind without listening: clients are refused, and the system gives the port to nobody else."""
        for listener in node.listeners:
            with contextlib.suppress(OSError):
                family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
                holder = socket.socket(family, socket.SOCK_STREAM)
                self._held_ports.append(holder)
                if not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows means something else by it
                    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                holder.bind((listener.host, listener.port))

    def _release_ports(self) -> None:
        held, self._held_ports = self._held_ports, []
        for holder in held:
            holder.close()

    # -- the client ----------------------------------------------------------------------------------------------

    def client(self) -> "Client":
        """Return the client that the broker's helpers share, on the broker's loop; it connects by the wire."""
        assert self.address is not None
        if self._client is None:
            from ottla.client import Client

            host, port = self.address
            self._client = Client(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        return self._client


async def _start(config: BrokerConfig, storage: Storage) -> Node:
    node = Node(config, storage=storage)
    try:
        await node.start()
    except BaseException:
        await node.close()
        raise
    return node


async def _stop(node: Node, client: "Client | None") -> None:
    try:
        if client is not None:
            await client.close()
    finally:
        await node.close()

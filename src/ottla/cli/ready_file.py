"""``--ready-file``: how a program that starts a node learns that it is ready, and where.

The file appears whole, by a rename, once clients can connect. Its first line is ``host:port`` to bootstrap from, its
second the node's ``ready`` line. One that is left from an earlier run is removed before anything else, and it goes
when the node stops: while the file is there, the node is.
"""

# ruff: noqa: PTH105, PTH108, PTH123 - pathlib costs 10 ms of the start

import contextlib
import os

from ottla.model.errors import OperatorError
from ottla.runtime.settings.listeners import Listener

ANY_HOST = ("", "0.0.0.0", "::")


class ReadyFile:
    """The file at ``path``; None stands for no file at all."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def clear(self) -> None:
        """Remove what an earlier run left; OperatorError if the file cannot be written later on."""
        if self._path is None:
            return
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
            self._write("")
            os.unlink(self._beside)
        except OSError as error:
            raise OperatorError(
                f"the ready file {self._path} cannot be written: {error.strerror or error}; choose another --ready-file"
            ) from None

    def write(self, listeners: list[Listener], ready_line: str) -> None:
        """Say that the node is ready."""
        if self._path is not None:
            self._write(f"{bootstrap_address(listeners)}\n{ready_line}\n")
            os.replace(self._beside, self._path)

    def remove(self) -> None:
        """Say that it is no longer."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)

    @property
    def _beside(self) -> str:
        return f"{self._path}.{os.getpid()}.tmp"

    def _write(self, text: str) -> None:
        with open(self._beside, "w", encoding="utf-8") as file:
            file.write(text)


def bootstrap_address(listeners: list[Listener]) -> str:
    """Return ``host:port`` of the first listener that any client can use, as this machine reaches it."""
    listener = next((one for one in listeners if one.protocol == "PLAINTEXT"), listeners[0])
    host = "127.0.0.1" if listener.host in ANY_HOST else listener.host
    return f"[{host}]:{listener.port}" if ":" in host else f"{host}:{listener.port}"

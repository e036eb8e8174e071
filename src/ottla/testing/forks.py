"""Processes that a test forks, with ``multiprocessing`` perhaps, while a broker runs: they let go of its sockets.

A forked process has a copy of every open socket. As long as it lives a stopped broker's port would stay taken, and its
clients would not be told that it is gone.
"""

import contextlib
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ottla.broker.node import Node

_nodes: "weakref.WeakSet[Node]" = weakref.WeakSet()


def watch(node: "Node") -> None:
    """Have the sockets of ``node`` closed in every process that is forked from now on."""
    _nodes.add(node)


def _let_go() -> None:
    """Put something harmless in the place of every socket: whoever has its number may still close it."""
    descriptors = [descriptor for node in _nodes for descriptor in node.socket_descriptors()]
    if not descriptors:
        return
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)

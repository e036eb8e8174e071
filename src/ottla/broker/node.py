"""A node: everything that one process serves, put together in order and taken down in the opposite one.

Start: ports are bound (nothing is touched if one is taken), the folders locked, logs recovered, the metadata read,
coordinators loaded, and only then connections accepted. Stop: no new connections, what is under way is answered, the
logs are flushed, and the marker of a clean shutdown is written last.
"""

import asyncio
import logging
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

from ottla.broker.connections import ConnectionQuota, Connections
from ottla.broker.dispatch import Dispatcher
from ottla.broker.fetch_sessions import FetchSessions
from ottla.broker.journal import PartitionJournal
from ottla.broker.listeners import Listener, parse_listeners
from ottla.controller.driver import Controller
from ottla.coordinator.group.driver import GroupCoordinator
from ottla.log.config import LogConfig
from ottla.log.manager import LogManager
from ottla.metadata.image import Image
from ottla.metastore.embedded import EmbeddedMetastore
from ottla.model.errors import OperatorError
from ottla.network.driver import Acceptor, ConnectionLimits, bind
from ottla.replica.driver import Replicas
from ottla.runtime.clock import Clock, SystemClock
from ottla.runtime.files import Files, RealFiles
from ottla.runtime.settings import BrokerConfig
from ottla.runtime.tasks import Tasks

logger = logging.getLogger(__name__)

"""Listeners: where a node listens and what it tells clients to dial (``listeners``, ``advertised.listeners``)."""

import re
from typing import NamedTuple

from ottla.model.errors import OperatorError

ENDPOINT = re.compile(r"(?P<name>[^:]+)://(?P<host>\[[0-9a-fA-F:.%]*\]|[^:\[\]]*):(?P<port>-?\d+)")
SERVED_PROTOCOLS = ("PLAINTEXT",)


class Listener(NamedTuple):
    """One endpoint; ``host`` is empty for every interface, ``port`` 0 for a free one."""

    name: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.name}://{host}:{self.port}"


def parse_listeners(setting: str, texts: list[str], protocol_of: dict[str, str]) -> list[Listener]:
    """Return the listeners of a setting's value; raise OperatorError for what cannot be one.

    ``protocol_of`` is ``listener.security.protocol.map``: it says which protocol a listener's name stands for.
    """
    listeners: list[Listener] = []
    for text in texts:
        match = ENDPOINT.fullmatch(text.strip())
        if match is None:
            raise OperatorError(f"{setting}: {text!r} is no listener; write one like PLAINTEXT://127.0.0.1:9092")
        name, host, port = match["name"].upper(), match["host"].strip("[]"), int(match["port"])
        if not 0 <= port <= 65535:
            raise OperatorError(f"{setting}: port {port} of {text!r} is outside 0 to 65535")
        protocol = protocol_of.get(name)
        if protocol is None:
            raise OperatorError(
                f"{setting}: no security protocol is set for listener {name}; add it to listener.security.protocol.map"
            )
        if protocol not in SERVED_PROTOCOLS:
            raise OperatorError(f"{setting}: listener {name} speaks {protocol}, which is not served yet; use PLAINTEXT")
        if any(other.name == name for other in listeners):
            raise OperatorError(f"{setting}: listener name {name} stands there twice; each needs a name of its own")
        listeners.append(Listener(name, host, port))
    return listeners

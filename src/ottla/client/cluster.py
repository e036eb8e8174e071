"""What is known of the cluster, and the connections to its brokers."""

from .settings import ClientSettings


class Cluster:
    """To come."""

    def __init__(self, bootstrap_servers: str, settings: ClientSettings) -> None:
        self._settings = settings

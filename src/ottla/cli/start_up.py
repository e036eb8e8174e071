"""What happens before a node exists: settings are read, and the process gets the descriptors it may need."""

import logging
import sys

from ottla.runtime.settings import BrokerConfig, load

logger = logging.getLogger(__name__)


def load_settings(config_path: str | None, overrides: tuple[str, ...]) -> BrokerConfig:
    """Return the node's settings from a ``server.properties`` and ``--set`` arguments, the latter going first.

    Raises OperatorError for a file that cannot be read and for a setting that is unknown (``--set`` only; in a file
    it is a warning, as in Kafka) or has a value it cannot have.
    """
    settings = load(config_path, overrides)
    for warning in settings.warnings:
        logger.warning("%s", warning)
    if settings.without_effect:
        logger.warning("known but without effect here: %s (ottla's settings page says why)", settings.without_effect)
    return BrokerConfig(settings)


def raise_descriptor_limit() -> None:
    """Lift the soft limit of open files to the hard one: connections and logs need more than the usual 1,024."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = hard if hard != resource.RLIM_INFINITY else 1 << 20
        if soft != resource.RLIM_INFINITY and soft < wanted:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, 1 << 20), hard))
            except (ValueError, OSError):
                # macOS refuses more than kern.maxfilesperproc, whatever the hard limit says.
                logger.warning("the limit of open files stays at %d; raise it with ulimit -n", soft)

"""What happens before a node exists: settings are read, and the process gets the descriptors it may need."""

import logging
import sys
from pathlib import Path

from ottla.model.errors import OperatorError
from ottla.runtime.settings import BrokerConfig, load

logger = logging.getLogger(__name__)


def load_settings(config_path: str | None, overrides: tuple[str, ...]) -> BrokerConfig:
    """Return the node's settings from a ``server.properties`` and ``--set`` arguments, the latter going first.

    Raises OperatorError for a file that cannot be read and for a setting that is unknown (``--set`` only; in a file
    it is a warning, as in Kafka) or has a value it cannot have.
    """
    text = ""
    if config_path is not None:
        try:
            text = Path(config_path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(f"cannot read the settings file {config_path}: {error}") from error
    pairs = []
    for override in overrides:
        name, equals, value = override.partition("=")
        if not equals or not name.strip():
            raise OperatorError(f"--set {override!r} is no setting; write --set key=value")
        pairs.append((name.strip(), value))
    settings = load(text, pairs, source=config_path or "")
    for warning in settings.warnings:
        logger.warning("%s", warning)
    return BrokerConfig(settings)


def raise_descriptor_limit() -> None:
    """Lift the soft limit of open files to the hard one: connections and logs need more than the usual 1,024."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 1 << 20
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, 1 << 20), hard))
        except (ValueError, OSError):
            # macOS refuses more than kern.maxfilesperproc, whatever the hard limit says.
            logger.warning("the limit of open files stays at %d; raise it with ulimit -n", soft)

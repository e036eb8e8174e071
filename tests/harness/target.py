"""Which broker the tests of a whole node run against.

- nothing set: Ottla, started by the tests from this checkout;
- ``OTTLA_TEST_TARGET=kafka``: Apache Kafka, started by the tests from ``.kafka/libs`` (``make clients``), to prove
  that what a test asks for is what Kafka does;
- ``OTTLA_TEST_BOOTSTRAP=host:port``: a broker that runs already (``OTTLA_TEST_TARGET`` says which it is, Kafka unless
  told); what needs a restart or the data folder is skipped.
"""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def bootstrap() -> str | None:
    """The broker that runs already, if the tests were given one."""
    return os.environ.get("OTTLA_TEST_BOOTSTRAP") or None


def name() -> str:
    """``ottla`` or ``kafka``."""
    return os.environ.get("OTTLA_TEST_TARGET") or ("kafka" if bootstrap() else "ottla")


def is_kafka() -> bool:
    """Whether the other side is Apache Kafka itself."""
    return name() == "kafka"


def kafka_libs() -> Path | None:
    """The folder of Apache Kafka's jars, or None where they are not."""
    folder = Path(os.environ.get("OTTLA_KAFKA_LIBS") or ROOT / ".kafka" / "libs")
    return folder if any(folder.glob("kafka-clients-*.jar")) else None


def java_missing() -> str | None:
    """Why Kafka's Java tools cannot be run here, or None when they can."""
    if shutil.which("java") is None:
        return "java is not installed"
    if kafka_libs() is None:
        return "Apache Kafka's jars are not in .kafka/libs (make clients fetches them)"
    return None


def slow_factor() -> float:
    """By what deadlines are stretched: the JVM needs longer than we do."""
    return float(os.environ.get("OTTLA_TEST_PATIENCE", "3" if is_kafka() else "1"))

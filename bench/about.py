"""Where figures come from: the machine, the versions, and what both sides were set to."""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Sequence

from bench.brokers import KAFKA_JARS, KAFKA_JVM, ROOT

PAGE_REPORTING = pathlib.Path("/sys/module/page_reporting/parameters/page_reporting_order")
LARGEST_ORDER = 10


def about(*, begin_s: float, seconds: float, quick: bool, parts: Sequence[str], build: str) -> dict[str, object]:
    """Return what a reader has to know of a run."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(begin_s)),
        "seconds": round(seconds),
        "quick": quick,
        "parts": list(parts),
        "machine": machine(),
        "build": build,
        "versions": versions(),
        "kafka_jvm": KAFKA_JVM,
    }


def machine() -> dict[str, object]:
    """Return processor, cores, memory and system."""
    return {
        "cpu": _first(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo")) or platform.processor() or "unknown",
        "cores": os.cpu_count(),
        "memory_gb": round(int(_first(r"^MemTotal:\s+(\d+) kB", pathlib.Path("/proc/meminfo")) or 0) * 1024 / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "memory_goes_back": memory_goes_back(PAGE_REPORTING),
    }


def memory_goes_back(page_reporting: pathlib.Path) -> bool:
    """Return whether a virtual machine gives pages back to its host as soon as they are free.

    Then every page of a new file has to be asked for again, which on some hosts costs several microseconds: more than
    a broker takes for it, and most for the broker that writes fastest. ``page_reporting_order`` above the largest order
    of a page (10) switches it off.
    """
    order = _first(r"^(\d+)$", page_reporting)
    return order is not None and int(order) <= LARGEST_ORDER


def versions() -> dict[str, str]:
    """Return the version of everything that takes part."""
    ottla = _output("git", "-C", str(ROOT), "describe", "--always", "--dirty") or "unknown"
    jar = next((path.name for path in KAFKA_JARS.glob("kafka_*.jar")), "")
    return {
        "ottla": ottla,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "kafka": kafka_version(jar),
        "java": _java_version(),
        "librdkafka": _output("pkg-config", "--modversion", "rdkafka") or "unknown",
    }


def kafka_version(jar: str) -> str:
    """Return the version that a jar such as ``kafka_2.13-4.2.0.jar`` names."""
    found = re.search(r"-(\d[\w.]*)\.jar$", jar)
    return found[1] if found else "not measured"


def _java_version() -> str:
    if shutil.which("java") is None:
        return "not measured"
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "([^"]+)"', done.stderr)
    return found[1] if found else "unknown"


def _output(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _first(pattern: str, path: pathlib.Path) -> str | None:
    if not path.exists():
        return None
    found = re.search(pattern, path.read_text(), re.MULTILINE)
    return found[1].strip() if found else None

"""Running one of Kafka's tools, and reading the broker's refusal out of what it prints."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.harness.console_clients import JavaTools

CODES = {
    "OffsetOutOfRangeException": 1,
    "UnknownTopicOrPartitionException": 3,
    "does not exist as expected": 3,
    "RecordTooLargeException": 10,
    "InvalidTopicException": 17,
    "TopicExistsException": 36,
    "InvalidPartitionsException": 37,
    "InvalidConfigurationException": 40,
    "GroupNotEmptyException": 68,
    "is not empty": 68,
    "GroupIdNotFoundException": 69,
}
"""What stands in a complaint, and Kafka's code for it: tools have no other way to tell."""
STACK = re.compile(r"\s*(at |\.\.\. )|.*main (ERROR|WARN) *$")
COMPLAINT = re.compile(r"\bERROR\b|Exception|^Error", re.MULTILINE)


class ToolError(Exception):
    """A tool's complaint; ``errno`` is Kafka's code where its words tell."""

    def __init__(self, printed: str) -> None:
        lines = [line for line in printed.splitlines() if line.strip() and not STACK.match(line)]
        super().__init__(" / ".join(lines)[:1000])
        self.errno = next((code for words, code in CODES.items() if words in printed), None)


class Tools(JavaTools):
    """The tools with the archive of classes that ``setup.sh`` made."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        super().__init__(bootstrap, folder)
        self.bootstrap = bootstrap
        home = os.environ.get("COMPAT_HOME")
        archive = [f"-XX:SharedArchiveFile={home}/classes.jsa"] if home else []
        # The JVM complains on standard output of an archive that it cannot use.
        self._jvm = ("-Xmx256m", *self.JVM[1:], *archive, "-Xlog:disable")

    def command(self, main: str, *arguments: str) -> list[str]:
        """A tool's command line, short names standing for ``org.apache.kafka.tools``."""
        java, *rest = super().command(main, *arguments)
        return [java, *self._jvm, *rest[len(self.JVM) :]]

    def call(self, main: str, *arguments: str, data: bytes | None = None, timeout_s: float) -> str:
        """Run a tool against the broker; what it printed, or ToolError when it ended with a complaint."""
        command = self.command(main, "--bootstrap-server", self._bootstrap, *arguments)
        return call(command, data=data, timeout_s=timeout_s)


def call(command: Sequence[str], *, data: bytes | None = None, timeout_s: float) -> str:
    """Run a command line to its end."""
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{command[-1]}: the tool does not end") from None
    printed = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode != 0 or (not done.stdout.strip() and COMPLAINT.search(printed)):
        raise ToolError(printed)
    return done.stdout.decode("utf-8", "replace")

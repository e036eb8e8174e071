"""A broker's process: its output in files, its signals, its memory."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class BrokerProcess:
    """One child process with ``stdout`` and ``stderr`` going to files in ``folder``.

    Files rather than pipes: a broker that writes much can never block on a test that does not read.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.command = list(command)
        self._stdout_path = folder / f"stdout-{time.monotonic_ns()}"
        self._stderr_path = folder / f"stderr-{time.monotonic_ns()}"
        self.started_at = time.monotonic()
        with self._stdout_path.open("wb") as out, self._stderr_path.open("wb") as err:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env=dict(environment) if environment is not None else None,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: the signal that ended it), or None while it runs."""
        return self._popen.poll()

    @property
    def stdout(self) -> str:
        """All that it has printed so far."""
        return self._stdout_path.read_text("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """All that it has complained about so far."""
        return self._stderr_path.read_text("utf-8", "replace")

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process itself."""
        self._popen.send_signal(number)

    def wait(self, timeout_s: float) -> int:
        """Wait for the end and return the exit code; kills it and fails when it does not come."""
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill_group()
            raise AssertionError(f"process still runs after {timeout_s} s\n{self.tail()}") from None

    def kill(self) -> None:
        """kill -9 of the process alone, as an operator or the kernel would."""
        self._popen.kill()
        self._popen.wait()

    def kill_group(self) -> None:
        """kill -9 of the process and of whatever it started and left behind."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def children(self) -> list[int]:
        """The process ids of its direct children."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def rss_bytes(self) -> int:
        """Resident memory of the process, its children left out."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the process has no resident memory: it has ended")

    def cpu_seconds(self) -> float:
        """User and system time that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        """How many descriptors it holds."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def tail(self, lines: int = 40) -> str:
        """The end of what it wrote, for a failure's message."""
        return "\n".join([*self.stdout.splitlines()[-lines:], *self.stderr.splitlines()[-lines:]])

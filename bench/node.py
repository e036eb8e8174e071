"""A node under measurement: started as a user starts it, looked at from outside."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"


class Node:
    """One ``ottla serve`` on a folder."""

    def __init__(self, folder: str, *settings: str) -> None:
        self.folder = folder
        self.settings = settings
        self.port = 0
        self.ready_ms = 0.0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> "Node":
        """Start it and wait for the ``ready`` line; ``ready_ms`` says how long that took from process start."""
        arguments = [sys.executable, "-m", "ottla", "serve", "--set", f"log.dirs={self.folder}"]
        for setting in ("listeners=PLAINTEXT://127.0.0.1:0", *self.settings):
            arguments += ["--set", setting]
        environment = os.environ | {"PYTHONPATH": str(SOURCE)}
        # An installed Ottla has its bytecode; a shell that forbids writing it would have every start compile anew.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        begin = time.perf_counter()
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.ready_ms = (time.perf_counter() - begin) * 1000
                found = re.search(r"PLAINTEXT://127\.0\.0\.1:(\d+)", line)
                assert found is not None
                self.port = int(found[1])
                return self
        raise RuntimeError("the node ended before it was ready")

    @property
    def pid(self) -> int:
        """Process id."""
        assert self.process is not None
        return self.process.pid

    def resident_mb(self) -> float:
        """Resident memory, in MB (10^6 bytes)."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        assert found is not None
        return int(found[1]) * 1024 / 1e6

    def cpu_seconds(self) -> float:
        """CPU time used so far by the process."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self) -> int:
        """How many files and sockets are open."""
        return len(list(pathlib.Path(f"/proc/{self.pid}/fd").iterdir()))

    def stop(self, how: int = signal.SIGTERM) -> float:
        """Stop it and return how many seconds that took."""
        assert self.process is not None
        begin = time.perf_counter()
        self.process.send_signal(how)
        self.process.wait(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return time.perf_counter() - begin

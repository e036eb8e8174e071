"""Runs the real command: through pipes, on a terminal of some size, and stopped half way."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.harness import target
from tests.harness.node import ottla_command, ottla_environment

TIMEOUT_S = 30.0
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()

    def table(self) -> list[list[str]]:
        """The cells of a table on stdout, heading first, as far as they have no blanks."""
        return [line.split() for line in self.lines()]


class Ottla:
    """The command against one cluster."""

    def __init__(self, bootstrap: str = "127.0.0.1:1") -> None:
        self.bootstrap = bootstrap

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the command finds in its environment."""
        environment = ottla_environment() | {"OTTLA_BOOTSTRAP": self.bootstrap, "TERM": "xterm-256color"}
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "OTTLA_TRACEBACK"):
            environment.pop(name, None)
        return environment | dict(more or {})

    def start(self, *arguments: str, more: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """Start the command with pipes on all sides."""
        return subprocess.Popen(
            ottla_command(*arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(more),
        )

    def raw(
        self, *arguments: str, stdin: bytes = b"", more: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run the command through pipes; bytes as they came."""
        return subprocess.run(
            ottla_command(*arguments),
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT_S * target.slow_factor(),
            env=self.environment(more),
            check=False,
        )

    def __call__(self, *arguments: str, stdin: str | bytes = b"", more: Mapping[str, str] | None = None) -> Result:
        """Run the command through pipes."""
        done = self.raw(*arguments, stdin=stdin.encode() if isinstance(stdin, str) else stdin, more=more)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def well(self, *arguments: str, stdin: str | bytes = b"", more: Mapping[str, str] | None = None) -> Result:
        """Run the command, which must succeed."""
        result = self(*arguments, stdin=stdin, more=more)
        assert result.code == 0, result
        return result


class Terminal:
    """A command on a pseudo terminal. ``text`` is all that it has written, escapes and all."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        columns: int = 80,
        rows: int = 24,
        stdin: int | None = None,
        stdout: int | None = None,
    ) -> None:
        self.text = ""
        self._fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=inner if stdin is None else stdin,
            stdout=inner if stdout is None else stdout,
            stderr=inner,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(inner)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self._fd)

    def type(self, text: str) -> None:
        """Type at the keyboard."""
        os.write(self._fd, text.encode())

    def _read(self, timeout_s: float) -> bool:
        """Take what comes next; False at the end."""
        readable, _, _ = select.select([self._fd], [], [], timeout_s)
        if not readable:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # the other side is closed
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)

    def wait_for(self, wanted: str) -> None:
        """Wait until the command has written something."""
        deadline = time.monotonic() + TIMEOUT_S * target.slow_factor()
        while wanted not in self.text:
            assert time.monotonic() < deadline, self.text
            assert self._read(0.1), self.text

    def wait(self) -> int:
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + TIMEOUT_S * target.slow_factor()
        while self._read(0.1):
            assert time.monotonic() < deadline, self.text
        return self.process.wait(TIMEOUT_S)

    @property
    def plain(self) -> str:
        """What was written, without escapes."""
        return ESCAPE.sub("", self.text).replace("\r\n", "\n")


def _take_terminal() -> None:
    """In the child: make stderr the terminal that Ctrl-C is typed at."""
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)


def on_terminal(
    ottla: Ottla,
    *arguments: str,
    columns: int = 80,
    more: Mapping[str, str] | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
) -> Terminal:
    """Start the command on a terminal; ``stdin`` and ``stdout`` may be something else."""
    environment = ottla.environment(more)
    return Terminal(ottla_command(*arguments), environment, columns=columns, stdin=stdin, stdout=stdout)

"""A driver process and the requests to it (the protocol: ``compat/README.md``)."""

import itertools
import json
import queue
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from compat.manifest import Client

READY_TIMEOUT_S = 60.0
GRACE_S = 15.0
CLOSE_TIMEOUT_S = 10.0

Json = dict[str, Any]


class NoFeature(Exception):
    """The client has no such thing."""


class DriverError(Exception):
    """What the client reported; ``code`` is Kafka's error code where the client tells it."""

    def __init__(self, message: str, code: int | None) -> None:
        super().__init__(message)
        self.code = code


class DriverDied(Exception):
    """The driver ended, or did not keep to the protocol."""


class Pending:
    """A request whose answer is still to come."""

    def __init__(self, driver: "Driver", number: int, what: str, deadline: float) -> None:
        self._driver = driver
        self._number = number
        self._what = what
        self._deadline = deadline

    def result(self) -> Json:
        """Wait for the answer. Raises NoFeature, DriverError, DriverDied."""
        return self._driver.wait_answer(self._number, self._what, self._deadline)

    def arrived(self) -> bool:
        """Whether ``result`` would return at once."""
        return self._driver.answered


class Driver:
    """One process of a client. Used by one thread at a time."""

    def __init__(self, client: Client, bootstrap: str, log: Path) -> None:
        self.client = client
        self._bootstrap = bootstrap
        self._log = log
        self._numbers = itertools.count(1)
        self._lines: queue.Queue[str | None] = queue.Queue()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as err:
            self._popen = subprocess.Popen(
                client.command(client.run),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
                env=client.environment(),
                cwd=log.parent,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        hello = self._next(time.monotonic() + READY_TIMEOUT_S, "getting ready")
        if not hello.get("ready"):
            raise DriverDied(f"the driver's first line is {hello}")
        self.version = str(hello.get("version", "?"))
        self.commits_alone = hello.get("commits") == "auto"

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _next(self, deadline: float, what: str) -> Json:
        try:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            self.kill()
            raise DriverDied(f"no answer in {what}; {self.tail()}") from None
        if line is None:
            code = self._popen.wait()
            raise DriverDied(f"the driver ended with {code} in {what}; {self.tail()}")
        try:
            found = json.loads(line)
        except ValueError:
            raise DriverDied(f"the driver printed {line[:200]!r} in {what}") from None
        if not isinstance(found, dict):
            raise DriverDied(f"the driver printed {line[:200]!r} in {what}")
        return found

    def start(self, do: str, *, timeout_s: float = 20.0, **arguments: Any) -> Pending:
        """Send a request and come back at once; the next one only after this one's ``result``."""
        number = next(self._numbers)
        common: Json = {"id": number, "do": do, "bootstrap": self._bootstrap, "timeout_ms": int(timeout_s * 1000)}
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(json.dumps(common | arguments) + "\n")
            self._popen.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise DriverDied(f"the driver had ended before {do}; {self.tail()}") from None
        return Pending(self, number, do, time.monotonic() + timeout_s + GRACE_S)

    def call(self, do: str, *, timeout_s: float = 20.0, **arguments: Any) -> Json:
        """Send a request and return what stands under ``ok``."""
        return self.start(do, timeout_s=timeout_s, **arguments).result()

    def wait_answer(self, number: int, what: str, deadline: float) -> Json:
        """The answer to a request."""
        answer = self._next(deadline, what)
        if answer.get("id") != number:
            raise DriverDied(f"answer {answer.get('id')} came for request {number} ({what})")
        if "none" in answer:
            raise NoFeature(str(answer["none"]))
        if "error" in answer:
            code = answer.get("code")
            raise DriverError(f"{what}: {one_line(answer['error'])}", code if isinstance(code, int) else None)
        found = answer.get("ok")
        if not isinstance(found, dict):
            raise DriverDied(f"the driver answered {str(answer)[:200]} to {what}")
        return found

    @property
    def answered(self) -> bool:
        """Whether a line waits to be read."""
        return not self._lines.empty()

    @property
    def alive(self) -> bool:
        """Whether it can take requests."""
        return self._popen.poll() is None

    def kill(self) -> None:
        """kill -9."""
        self._popen.kill()
        self._finish()

    def close(self) -> None:
        """End in good order, or by force when that takes long."""
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.close()
            self._popen.wait(CLOSE_TIMEOUT_S)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self._popen.kill()
        self._finish()

    def _finish(self) -> None:
        self._popen.wait()
        self._reader.join(5)
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                try:
                    stream.close()
                except (BrokenPipeError, ValueError):
                    continue

    def tail(self, lines: int = 3) -> str:
        """The end of what it logged, in one line."""
        try:
            text = self._log.read_text("utf-8", "replace")
        except OSError:
            return "it logged nothing"
        return "its log ends: " + one_line(" / ".join(text.splitlines()[-lines:]))


def one_line(text: object, limit: int = 300) -> str:
    """Text for a table."""
    flat = " ".join(str(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"

"""Python client libraries, each in worker processes of its own (``tests/clients/workers``)."""

import base64
import itertools
import json
import os
import queue
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.harness import target
from tests.harness.clients import ClientError, Json, Record


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _data(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _from_json(item: Json) -> Record:
    return Record(
        key=_data(item["key"]),
        value=_data(item["value"]),
        headers=tuple((name, _data(data)) for name, data in item["headers"]),
        timestamp=item["timestamp"],
        partition=item["partition"],
        offset=item["offset"],
    )


class WorkerProcess:
    """One worker of a Python library, asked one thing at a time."""

    def __init__(self, client: str, python: Path, bootstrap: str, log: Path) -> None:
        self._log = log
        environment = dict(os.environ) | {"PYTHONPATH": str(target.ROOT), "PYTHONWARNINGS": "ignore"}
        command = [str(python), "-m", "tests.clients.workers.main", client, bootstrap]
        with log.open("wb") as err:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
                env=environment,
                cwd=log.parent,
                text=True,
            )
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._answers.put(line)
        self._answers.put("")

    def call(self, op: str, *, patience_s: float = 60, **args: Any) -> Any:
        """Do something and return its result; the client's exception comes as :class:`ClientError`."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps({"op": op, "args": args}) + "\n")
        self._popen.stdin.flush()
        try:
            line = self._answers.get(timeout=patience_s * target.slow_factor())
        except queue.Empty:
            raise AssertionError(f"{op} did not return in {patience_s} s\n{self._tail()}") from None
        if not line:
            raise AssertionError(f"the worker ended in {op}\n{self._tail()}")
        answer = json.loads(line)
        if (error := answer.get("error")) is not None:
            if error["unsupported"]:
                pytest.skip(f"client has no such call: {error['message']}")
            raise ClientError(error)
        return answer["result"]

    def _tail(self) -> str:
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-30:])

    def kill(self) -> None:
        """kill -9."""
        self._popen.kill()
        self._finish()

    def close(self) -> None:
        """End in good order, or by force when that takes long."""
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.close()
            self._popen.wait(10)
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
                except BrokenPipeError:
                    continue


class WorkerMember:
    """A group member in a worker process of its own."""

    def __init__(self, worker: WorkerProcess, topic: str, group: str, options: Json) -> None:
        self.worker = worker
        worker.call("join", topic=topic, group=group, options=options)

    def take(self) -> list[Record]:
        return [_from_json(item) for item in self.worker.call("take")["records"]]

    def leave(self) -> list[Record]:
        records = self.worker.call("commit") + self.worker.call("leave")
        self.worker.close()
        return [_from_json(item) for item in records]

    def crash(self) -> None:
        self.worker.kill()


class LibraryClient:
    """A Python library: one worker for producing, reading and administration, one more for each group member."""

    def __init__(self, name: str, python: Path, features: frozenset[str], bootstrap: str, folder: Path) -> None:
        self.name = name
        self.features = features
        self._python = python
        self._bootstrap = bootstrap
        self._folder = folder
        self._count = itertools.count(1)
        self._workers: list[WorkerProcess] = []
        self._main: WorkerProcess | None = None

    def _new_worker(self) -> WorkerProcess:
        log = self._folder / f"{self.name}-{next(self._count)}.log"
        worker = WorkerProcess(self.name, self._python, self._bootstrap, log)
        self._workers.append(worker)
        return worker

    def call(self, op: str, **args: Any) -> Any:
        """Something done by the main worker."""
        if self._main is None:
            self._main = self._new_worker()
        return self._main.call(op, **args)

    def admin(self, call: str, **args: Any) -> Any:
        """An administrative call; the test is skipped when the client has none like it."""
        return self.call("admin", call=call, args=args)

    def create_topic(self, topic: str, partitions: int) -> None:
        self.admin("create_topic", name=topic, partitions=partitions, configs={})

    def produce(self, topic: str, records: Sequence[Record], *, codec: str = "none", idempotence: bool = False) -> None:
        sent = [
            {
                "key": _text(each.key),
                "value": _text(each.value),
                "headers": [[name, _text(data)] for name, data in each.headers],
                "timestamp": each.timestamp,
                "partition": each.partition,
            }
            for each in records
        ]
        options = {"idempotence": True} if idempotence else {}
        places = self.call("produce", topic=topic, records=sent, codec=codec, options=options)
        assert len(places) == len(records)
        assert all(offset >= 0 for _, offset in places), places

    def read(self, topic: str, partitions: int, count: int, *, timeout_s: float = 20) -> list[Record]:
        arguments = {"topic": topic, "partitions": list(range(partitions)), "count": count}
        found = self.call("read", timeout_s=timeout_s, **arguments)
        return [_from_json(item) for item in found]

    def join(self, topic: str, group: str, **options: Any) -> WorkerMember:
        return WorkerMember(self._new_worker(), topic, group, options)

    def close(self) -> None:
        for worker in self._workers:
            worker.close()

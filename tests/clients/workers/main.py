"""A worker process: ``python -m tests.clients.workers.main CLIENT HOST:PORT`` (protocol in ``base``)."""

import json
import queue
import sys
import threading
import traceback
from typing import Any

from tests.clients.workers.base import Adapter, Json, NotSupportedError

POLL_S = 0.05


def make_adapter(client: str, bootstrap: str) -> Adapter:
    """The adapter of a client; its library is imported only here."""
    if client == "confluent":
        from tests.clients.workers.confluent import ConfluentAdapter

        return ConfluentAdapter(bootstrap)
    if client == "aiokafka":
        from tests.clients.workers.aiokafka import AiokafkaAdapter

        return AiokafkaAdapter(bootstrap)
    if client in ("kafka-python-2.0.2", "kafka-python-3"):
        from tests.clients.workers.kafka_python import KafkaPythonAdapter

        return KafkaPythonAdapter(bootstrap)
    raise ValueError(client)


class Worker:
    """Serves requests from stdin and keeps the group member polling."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._requests: queue.Queue[str | None] = queue.Queue()
        self._records: list[Json] = []
        self._member = False

    def run(self) -> None:
        """Until stdin ends."""
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            try:
                line = self._requests.get(timeout=0 if self._member else None)
            except queue.Empty:
                self._poll()
                continue
            if line is None:
                break
            print(json.dumps(self._answer(json.loads(line))), flush=True)
        self._adapter.close()

    def _read(self) -> None:
        for line in sys.stdin:
            self._requests.put(line)
        self._requests.put(None)

    def _poll(self) -> None:
        try:
            self._records += self._adapter.poll(POLL_S)
        except Exception as error:
            traceback.print_exc()
            print(f"poll failed: {error!r}", file=sys.stderr, flush=True)

    def _answer(self, request: Json) -> Json:
        try:
            return {"result": self._call(request["op"], request["args"])}
        except Exception as error:
            traceback.print_exc()
            code = getattr(error, "errno", None)
            inner: Any = error.args[0] if error.args else None
            if hasattr(inner, "code"):
                code = inner.code()
            return {
                "error": {
                    "type": type(error).__name__,
                    "code": code if isinstance(code, int) else None,
                    "message": str(error),
                    "unsupported": isinstance(error, NotSupportedError),
                }
            }

    def _call(self, op: str, args: Json) -> Any:
        if op == "join":
            self._adapter.join(**args)
            self._member = True
            return None
        if op == "take":
            return {"records": self._taken(), "assignment": self._adapter.assignment()}
        if op == "commit":
            self._adapter.commit()
            return self._taken()
        if op == "leave":
            self._member = False
            self._adapter.leave()
            return self._taken()
        if op == "admin":
            return self._adapter.admin(**args)
        if op not in ("produce", "read", "offset_for_time", "read_from_time"):
            raise ValueError(op)
        return getattr(self._adapter, op)(**args)

    def _taken(self) -> list[Json]:
        records, self._records = self._records, []
        return records


if __name__ == "__main__":
    Worker(make_adapter(sys.argv[1], sys.argv[2])).run()

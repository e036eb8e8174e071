"""``make bench``: what a node does with bytes, time and memory on this machine, beside a raw floor in the same run.

``make bench ARGS=produce`` runs one part. Figures are printed as a table and written to ``bench-results/latest.json``.
Everything alternates between the two sides for several rounds and the median is shown with the spread, because
machines are noisy: trust the ratios.
"""

import json
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable

from bench.client import Client, batch_of, create_topic, fetch_frame, produce_frame, record_count
from bench.node import Node

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS = 3
Figures = dict[str, object]


def main() -> int:
    """Run the chosen parts."""
    parts: dict[str, Callable[[str], Figures]] = {
        "produce": produce,
        "consume": consume,
        "start": start,
        "memory": memory,
        "compaction": compaction,
        "partitions": partitions,
    }
    chosen = sys.argv[1:] or list(parts)
    unknown = [name for name in chosen if name not in parts]
    if unknown:
        print(f"bench: no part is called {unknown[0]}; there are {', '.join(parts)}", file=sys.stderr)
        return 2
    figures: Figures = {"machine": machine()}
    for name in chosen:
        folder = tempfile.mkdtemp(prefix="ottla-bench-")
        try:
            figures[name] = show(name, parts[name](folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    results = HERE.parent / "bench-results"
    results.mkdir(exist_ok=True)
    (results / "latest.json").write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def machine() -> Figures:
    """Say where the figures come from."""
    model = "unknown"
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next(
            (line.partition(":")[2].strip() for line in cpuinfo.open() if line.startswith("model name")), model
        )
    import os

    return {"cpu": model, "cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def show(name: str, figures: Figures) -> Figures:
    """Print one part's figures."""
    print(f"\n{name}")
    for key, value in figures.items():
        print(f"  {key:<58} {value}")
    sys.stdout.flush()
    return figures


def spread(values: list[float]) -> str:
    """Return the median and the range."""
    return f"{statistics.median(values):8.1f}   ({min(values):.1f} to {max(values):.1f})"


def run_load(port: int, frames: pathlib.Path, requests: int) -> float:
    """Send frames from a process of its own and return MB (10^6 bytes) a second."""
    done = subprocess.run(
        [sys.executable, str(HERE / "load.py"), f"127.0.0.1:{port}", str(frames), str(requests)],
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    return float(max(result["sent"], result["received"])) / float(result["seconds"]) / 1e6


def produce(folder: str) -> Figures:
    """Produce 1 KiB and 100-byte records in small and large batches, beside a socket-to-file copy of the bytes."""
    figures: Figures = {}
    for record_bytes, batch_bytes in ((1024, 1_000_000), (1024, 100_000), (100, 1_000_000), (100, 16_000)):
        batch = batch_of(record_bytes, batch_bytes, now_ms=time.time_ns() // 1_000_000)
        frames = pathlib.Path(folder) / f"frames-{record_bytes}-{batch_bytes}"
        frames.write_bytes(produce_frame("bench", 0, batch) * 4)
        requests = max(200, 1_000_000_000 // len(batch))
        floors, nodes, cpu = [], [], []
        for index in range(ROUNDS):
            floors.append(floor(folder, frames, requests))
            node = Node(f"{folder}/data-{record_bytes}-{batch_bytes}-{index}").start()
            client = Client("127.0.0.1", node.port)
            create_topic(client, "bench", configs={"segment.bytes": "268435456"})
            before = node.cpu_seconds()
            nodes.append(run_load(node.port, frames, requests))
            cpu.append((node.cpu_seconds() - before) * 1e9 / (requests * len(batch)))
            client.close()
            node.stop()
            shutil.rmtree(node.folder)
        name = f"{record_bytes} B records, {batch_bytes} B batches"
        per_batch = record_count(record_bytes, batch_bytes)
        figures[f"{name}: raw floor, MB/s"] = spread(floors)
        figures[f"{name}: Ottla, MB/s"] = spread(nodes)
        figures[f"{name}: Ottla, records/s"] = f"{statistics.median(nodes) * 1e6 / len(batch) * per_batch:,.0f}"
        figures[f"{name}: Ottla, CPU s/GB"] = spread(cpu)
        figures[f"{name}: ratio to the floor"] = f"{statistics.median(nodes) / statistics.median(floors):.2f}"
    return figures


def consume(folder: str) -> Figures:
    """Read a log from end to end in answers of 1 MB, and ask for one small batch after the other."""
    figures: Figures = {}
    for record_bytes, batch_bytes in ((1024, 100_000), (100, 16_000)):
        batch = batch_of(record_bytes, batch_bytes, now_ms=time.time_ns() // 1_000_000)
        frames = pathlib.Path(folder) / "frames"
        frames.write_bytes(produce_frame("bench", 0, batch))
        node = Node(f"{folder}/data-{record_bytes}").start()
        client = Client("127.0.0.1", node.port)
        create_topic(client, "bench")
        batches = 1_000_000_000 // len(batch)
        run_load(node.port, frames, batches)
        per_batch = record_count(record_bytes, batch_bytes)
        step = max(1, 1_000_000 // len(batch))
        frames.write_bytes(
            b"".join(fetch_frame("bench", 0, offset * per_batch) for offset in range(0, batches - step, step))
        )
        rates, cpu = [], []
        for _ in range(ROUNDS):
            before = node.cpu_seconds()
            rates.append(run_load(node.port, frames, batches // step - 1))
            cpu.append((node.cpu_seconds() - before) * 1e9 / (batches * len(batch)))
        name = f"{record_bytes} B records, {batch_bytes} B batches, 1 MB answers"
        figures[f"{name}: MB/s"] = spread(rates)
        figures[f"{name}: CPU s/GB"] = spread(cpu)
        client.close()
        node.stop()
        shutil.rmtree(node.folder)
    return figures


def floor(folder: str, frames: pathlib.Path, requests: int) -> float:
    """Send the same frames to the raw floor."""
    path = f"{folder}/floor"
    process = subprocess.Popen([sys.executable, str(HERE / "floor.py"), path, "50"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[1])
        return run_load(port, frames, requests)
    finally:
        process.kill()
        process.communicate()
        pathlib.Path(path).unlink(missing_ok=True)


def start(folder: str) -> Figures:
    """Process start to ``ready``: fresh, after a clean stop, after a kill with 100 MB of log."""
    fresh, clean, killed = [], [], []
    for index in range(5):
        node = Node(f"{folder}/start-{index}").start()
        fresh.append(node.ready_ms)
        node.stop()
        clean.append(node.start().ready_ms)
        client = Client("127.0.0.1", node.port)
        create_topic(client, "bench")
        client.close()
        frames = pathlib.Path(folder) / "frames"
        frames.write_bytes(produce_frame("bench", 0, batch_of(1024, 1_000_000, now_ms=time.time_ns() // 1_000_000)))
        run_load(node.port, frames, 100)
        node.stop(9)
        killed.append(node.start().ready_ms)
        node.stop()
    return {
        "fresh folder, ms to ready": spread(fresh),
        "after a clean stop, ms to ready": spread(clean),
        "after a kill -9 with 100 MB of log, ms to ready": spread(killed),
    }


def memory(folder: str) -> Figures:
    """Resident memory: idle, and after ten million records."""
    node = Node(f"{folder}/memory").start()
    idle = node.resident_mb()
    client = Client("127.0.0.1", node.port)
    create_topic(client, "bench")
    frames = pathlib.Path(folder) / "frames"
    frames.write_bytes(produce_frame("bench", 0, batch_of(100, 1_000_000, now_ms=time.time_ns() // 1_000_000)))
    requests = 10_000_000 // record_count(100, 1_000_000) + 1
    run_load(node.port, frames, requests)
    after = node.resident_mb()
    client.close()
    node.stop()
    return {"idle, MB": f"{idle:8.1f}", "after ten million records of 100 B, MB": f"{after:8.1f}"}


def compaction(folder: str) -> Figures:
    """How long a node keeps a client waiting while it compacts a gigabyte, seen by a request every 2 ms."""
    node = Node(f"{folder}/compaction", "log.cleaner.backoff.ms=200").start()
    client = Client("127.0.0.1", node.port)
    configs = {"cleanup.policy": "compact", "segment.bytes": "67108864", "min.cleanable.dirty.ratio": "0.01"}
    create_topic(client, "bench", configs=configs)
    frames = pathlib.Path(folder) / "frames"
    now_ms = time.time_ns() // 1_000_000
    frames.write_bytes(
        b"".join(
            produce_frame("bench", 0, batch_of(200, 500_000, now_ms=now_ms, keys=100_000, first=index * 2000))
            for index in range(20)
        )
    )
    waits: list[float] = []
    stop = threading.Event()

    def probe() -> None:
        from ottla.protocol.messages import api_versions

        prober = Client("127.0.0.1", node.port)
        module_frame = _api_versions_frame(api_versions)
        while not stop.is_set():
            begin = time.perf_counter()
            prober.exchange(module_frame)
            waits.append((time.perf_counter() - begin) * 1000)
            time.sleep(0.002)
        prober.close()

    run_load(node.port, frames, 1000)
    thread = threading.Thread(target=probe)
    thread.start()
    before = folder_bytes(node.folder)
    deadline = time.monotonic() + 120
    size = before
    while time.monotonic() < deadline and size > before / 4:
        time.sleep(0.5)
        size = folder_bytes(node.folder)
    stop.set()
    thread.join()
    client.close()
    node.stop()
    waits.sort()
    return {
        "log before and after, MB": f"{before / 1e6:8.1f} to {size / 1e6:.1f}",
        "requests while it ran": len(waits),
        "a small request waits, ms: median": f"{waits[len(waits) // 2]:8.2f}",
        "a small request waits, ms: p99.9": f"{waits[int(len(waits) * 0.999)]:8.2f}",
        "a small request waits, ms: longest": f"{waits[-1]:8.2f}",
    }


def _api_versions_frame(module: object) -> bytes:
    from bench.client import frame
    from ottla.protocol.messages.api_versions import ApiVersionsRequest

    return frame(18, 0, False, module, ApiVersionsRequest())


def folder_bytes(folder: str) -> int:
    """Return how much log there is below a folder, without what waits to be deleted."""
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*.log") if path.exists())


def partitions(folder: str) -> Figures:
    """5,000 partitions: created, left alone, stopped, started again."""
    node = Node(f"{folder}/partitions").start()
    client = Client("127.0.0.1", node.port)
    begin = time.perf_counter()
    for index in range(50):
        create_topic(client, f"bench-{index}", partitions=100)
    created = time.perf_counter() - begin
    resident = node.resident_mb()
    before = node.cpu_seconds()
    begin = time.perf_counter()
    time.sleep(10)
    idle = (node.cpu_seconds() - before) / (time.perf_counter() - begin) * 100
    descriptors = node.descriptors()
    client.close()
    stopped = node.stop()
    ready_ms = node.start().ready_ms
    node.stop()
    return {
        "created, s": f"{created:8.2f}",
        "resident, MB": f"{resident:8.1f}",
        "idle CPU, %": f"{idle:8.2f}",
        "open files": descriptors,
        "clean stop, s": f"{stopped:8.2f}",
        "started again, s": f"{ready_ms / 1000:8.2f}",
    }


if __name__ == "__main__":
    sys.exit(main())

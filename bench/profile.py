"""``make profile LOAD=produce``: a flame graph of Ottla under a chosen load, by py-spy.

``ARGS="--size 100 --partitions 16"`` says more about the load (``ARGS=--help`` shows what), ``--native`` adds
C functions. The broker runs as a child of py-spy, so that no privilege is needed; the first moments of the graph are
its start.
"""

import argparse
import pathlib
import shutil
import signal
import sys
import tempfile

from bench import builds
from bench.brokers import ROOT, Ottla
from bench.client import Client, create_topic, has_leaders
from bench.programs import load
from bench.stage import wait_for

LOADS = ("produce", "consume", "ping", "latency")
SAMPLES_A_SECOND = 400
TOPIC = "profile"


class ProfiledOttla(Ottla):
    """Ottla as a child of py-spy, which writes its graph when it is interrupted."""

    def __init__(self, folder: str, output: pathlib.Path, *, native: bool, source: pathlib.Path) -> None:
        super().__init__(folder, source=source)
        self.output = output
        self.native = native

    def command(self) -> list[str]:
        """Return the command line."""
        spy = shutil.which("py-spy", path=str(pathlib.Path(sys.executable).parent)) or "py-spy"
        record = [spy, "record", "--rate", str(SAMPLES_A_SECOND), "--output", str(self.output)]
        return [*record, *(["--native"] if self.native else []), "--", *super().command()]


def main() -> int:
    """Put a broker under load and draw where its time goes."""
    options = _options()
    output: pathlib.Path = options.output or ROOT / "bench-results" / f"profile-{options.load}.svg"
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="ottla-profile-")
    source = builds.source(builds.COMPILED if options.compiled else builds.PURE)
    broker = ProfiledOttla(f"{folder}/node", output, native=options.native, source=source)
    try:
        broker.start()
        client = Client("127.0.0.1", broker.port)
        create_topic(client, TOPIC, partitions=options.partitions)
        wait_for(lambda: has_leaders(client, [TOPIC], options.partitions), 30)
        client.close()
        print(_load(broker, options))
        # The broker ends by itself with the interrupt that ends py-spy.
        broker.stop(signal.SIGINT)
    finally:
        broker.remove()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"flame graph: {output}")
    return 0


def _load(broker: Ottla, options: argparse.Namespace) -> str:
    shape: dict[str, str | float] = {"topic": TOPIC, "size": options.size, "partitions": options.partitions}
    if options.load == "consume":
        made = load(broker, "produce", seconds=2, codec=options.codec, **shape)
        shares = []
        spent = 0.0
        while spent < options.seconds:
            read = load(broker, "consume", clients=options.clients, bytes=int(made["bytes"]), seconds=60, **shape)
            spent += read["seconds"]
            shares.append(read["bytes"] / read["seconds"] / 1e6)
        return f"consume: {sum(shares) / len(shares):,.0f} MB/s"
    if options.load == "produce":
        clients = options.clients
        made = load(broker, "produce", seconds=options.seconds, codec=options.codec, clients=clients, **shape)
        return f"produce: {made['bytes'] / made['seconds'] / 1e6:,.0f} MB/s"
    if options.load == "ping":
        answered = load(broker, "ping", seconds=options.seconds, **shape)
        return f"ping: {answered['requests'] / answered['seconds']:,.0f} requests/s"
    times = load(broker, "latency", seconds=options.seconds, rate=options.rate, **shape)
    return f"latency: p50 {times['p50_ms']:.2f} ms, p99 {times['p99_ms']:.2f} ms"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make profile", description="Draw a flame graph of Ottla under load.")
    parser.add_argument("load", nargs="?", default="produce", choices=LOADS)
    parser.add_argument("--size", type=int, default=1024, help="bytes of a record")
    parser.add_argument("--codec", default="none")
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1000, help="records a second, for latency")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--compiled", action="store_true", help="the compiled build; --native shows what is in it")
    parser.add_argument("--native", action="store_true", help="show C functions, too")
    parser.add_argument("--output", type=pathlib.Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

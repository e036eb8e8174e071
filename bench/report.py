"""``docs/benchmarks.md`` and ``docs/benchmarks.svg``, drawn from the JSON of a run.

``python -m bench.report [FILE]`` draws them from a file of ``bench-results/``, the latest one if none is named. Nothing
on the page is written by hand, so that it cannot say other than what was measured.
"""

import json
import pathlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any, cast

from bench import chart
from bench.brokers import ROOT
from bench.builds import PURE
from bench.figures import CEILING, FLOOR, KAFKA, METRICS, OTTLA, Figure, Figures, show_number, show_ratio
from bench.table import cell, details, markdown, verdict
from bench.targets import BASE, Outcome, outcomes

PAGE = ROOT / "docs" / "benchmarks.md"
CHART = ROOT / "docs" / "benchmarks.svg"
LATEST = ROOT / "bench-results" / "latest.json"
#: Part, its heading, and what was done there.
SECTIONS = {
    "ping": (
        "One record per request",
        "One producer, `acks=all`, one request under way, one record of 100 B in each. *One in flight*: librdkafka has "
        "the next record at hand. *One after the other*: the application waits for each acknowledgement before it "
        "hands over the next.",
    ),
    "ceiling": (
        "How far the clients let a broker go",
        "The same again beside a broker that keeps nothing: a C program that sends an answer made beforehand and does "
        "not look at what it is sent. The last column is the highest ratio to Kafka that any broker could show with "
        "this client on this machine.",
    ),
    "latency": (
        "End to end",
        "Records of 100 B are due at a fixed rate, whatever happens; the time runs from when a record was due to when "
        "a consumer has it, so that a stall is charged to every record that was due meanwhile (corrected for "
        "coordinated omission). `linger.ms=0`, everything else librdkafka's default.",
    ),
    "tools": (
        "Kafka's own tools",
        "ProducerPerformance after its warm-up records, ConsumerPerformance without the time that joining its group "
        "takes, and EndToEndLatency, whose percentiles are whole milliseconds. A JVM of their own for every run.",
    ),
    "start": (
        "Start",
        "From process start to the first answer to a Metadata request, asked for every 2 ms. Kafka's folder is "
        "formatted beforehand.",
    ),
    "memory": ("Memory", "Resident memory of the broker's process and its children."),
    "groups": (
        "Groups",
        "Consumers of one group that all start at once, until every partition has an owner for good, and then one that "
        "leaves. Both brokers wait three seconds for more members by default.",
    ),
    "partitions": ("5,000 partitions", "Fifty topics of a hundred partitions."),
    "compaction": (
        "While a gigabyte is compacted",
        "100,000 keys, segments of 64 MiB; meanwhile a small request every 2 ms.",
    ),
    "raw": (
        "Beside a raw floor",
        "The same prepared request frames to each side, without a client library. The floor is a Python process that "
        "only copies the bytes from a socket to a file, or from a file to a socket. MB are those of the batches.",
    ),
}


def main() -> int:
    """Draw the page from a file."""
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else LATEST
    draw(cast(Mapping[str, Any], json.loads(path.read_text())))
    return 0


def draw(document: Mapping[str, Any]) -> None:
    """Write the page and its chart."""
    figures = Figures.from_json(document["figures"])
    PAGE.write_text(page(document["about"], figures))
    CHART.write_text(chart.draw(figures, subtitle(document["about"])))


def subtitle(about: Mapping[str, Any]) -> str:
    """Return where and with what was measured, in a line."""
    machine, versions = about["machine"], about["versions"]
    return (
        f"{machine['cores']} cores of {machine['cpu']}, clients on the same cores · Ottla {versions['ottla']}, "
        f"{_build(about)}, {versions['python']} · Apache Kafka {versions['kafka']} · {about['date'][:10]}"
    )


def _runs(about: Mapping[str, Any]) -> str:
    """Say whether all figures are of one run: ``runs`` is written by whoever puts parts of several together."""
    runs = about.get("runs", 1)
    return "in one run" if runs == 1 else f"in {runs} runs, each part in one of them"


def page(about: Mapping[str, Any], figures: Figures) -> str:
    """Return the page."""
    blocks = [
        "# Benchmarks",
        f"Ottla beside Apache Kafka on one machine, {_runs(about)}, in turns, both with default settings. `make bench` "
        "does it again on yours. This page and the chart are drawn from these figures by `python -m bench.report`.",
        "![Bars of Ottla beside Apache Kafka](benchmarks.svg)",
        "## What is to be reached",
        "Ratios of Ottla to Apache Kafka, medians of the same run. A target is reached if each case that it names is. "
        "What the clients allow is the ratio of a broker that keeps nothing, where it was measured.",
        _targets(figures),
        *_throughput(figures),
    ]
    for part, (title, text) in SECTIONS.items():
        measured = figures.select(part)
        if measured:
            blocks += [f"## {title}", text, _table(measured)]
    failures = about.get("failures")
    if failures:
        blocks += ["## What failed", "\n".join(f"- {part}: {what}" for part, what in failures.items())]
    blocks += ["## How it is measured", _method(about), "## The machine", _machine(about)]
    return "\n\n".join(blocks) + "\n"


def _targets(figures: Figures) -> str:
    header = ["what", "to reach", "measured", "the clients allow", "all cases, mean", ""]
    return markdown(header, (_target_row(outcome, figures) for outcome in outcomes(figures)))


def _target_row(outcome: Outcome, figures: Figures) -> list[str]:
    limit = details(outcome).partition(" - ")[0]
    measured = "<br>".join(f"{_short(case)}: {show_ratio(ratio)}" for case, ratio in outcome.ratios.items())
    mean = outcome.mean_of_all
    others = f"{show_ratio(mean)} ({len(outcome.others) + len(outcome.ratios)})" if outcome.others else ""
    word = verdict(outcome)
    word = f"**{word}**" if word == "not reached" else word
    return [outcome.target.title, limit, measured or "–", _allowed(outcome, figures), others, word]


def _allowed(outcome: Outcome, figures: Figures) -> str:
    """Return the ratios of a broker that keeps nothing, for the cases of which there are some."""
    found = {case: figures.get("ceiling", case, outcome.target.metric) for case in outcome.target.cases}
    return "<br>".join(
        f"{_short(case)}: {show_ratio(figure.ratio(CEILING))}" for case, figure in found.items() if figure is not None
    )


def _short(case: str) -> str:
    return case.removesuffix(", none, 1 partition, 1 client")


def _throughput(figures: Figures) -> Iterator[str]:
    measured = figures.select("throughput")
    if not measured:
        return
    yield "## Throughput and CPU time"
    yield (
        "librdkafka's defaults on both sides, `acks=all`. MB and GB are those of the records' values before "
        "compression. With ten clients, ten producers write and ten consumers each read everything. CPU is the "
        "broker's process with its children, user and kernel."
    )
    yield markdown(
        ["records of 100 B and 1 KiB", "Ottla", "Kafka", "ratio"],
        (
            [f"{_short(figure.case)}, {_metric(figure)}", cell(figure, OTTLA), cell(figure, KAFKA), _ratio(figure)]
            for figure in measured
            if figure.case in BASE
        ),
    )
    for metric in ("produce", "consume"):
        yield f"### {metric.capitalize()}: every case"
        yield _matrix(figures, metric)


def _matrix(figures: Figures, metric: str) -> str:
    header = ["records, codec, partitions, clients", "Ottla MB/s", "Kafka MB/s", "ratio"]
    header += ["Ottla CPU s/GB", "Kafka CPU s/GB", "ratio"]
    rows = []
    for figure in figures.select("throughput", metric):
        cpu = figures.get("throughput", figure.case, f"{metric}_cpu")
        row = [figure.case]
        for found in (figure, cpu):
            decimals = METRICS[found.metric].decimals if found else 0
            row += [show_number(found.median(side) if found else None, decimals) for side in (OTTLA, KAFKA)]
            row.append(_ratio(found))
        rows.append(row)
    return markdown(header, rows)


def _table(measured: list[Figure]) -> str:
    has_floor = any(FLOOR in figure.values for figure in measured)
    has_ceiling = any(CEILING in figure.values for figure in measured)
    header = ["", "Ottla", "Kafka", "ratio"]
    header += ["floor", "Ottla to the floor"] if has_floor else []
    header += ["keeps nothing", "to Kafka"] if has_ceiling else []
    rows = []
    for figure in measured:
        row = [f"{figure.case}: {_metric(figure)}", cell(figure, OTTLA), cell(figure, KAFKA), _ratio(figure)]
        if has_floor:
            row += [cell(figure, FLOOR), show_ratio(figure.ratio(base=FLOOR))]
        if has_ceiling:
            row += [cell(figure, CEILING), show_ratio(figure.ratio(CEILING))]
        rows.append(row)
    return markdown(header, rows)


def _metric(figure: Figure) -> str:
    metric = METRICS[figure.metric]
    return f"{metric.title}, {metric.unit}" if metric.unit else metric.title


def _ratio(figure: Figure | None) -> str:
    return show_ratio(figure.ratio() if figure else None)


def _method(about: Mapping[str, Any]) -> str:
    return f"""\
- The sides take turns, and who begins changes with every round. What is shown is the median of the rounds, with the
  least and the greatest in brackets. The machine's own noise is in every figure; the ratios bear it best.
- Brokers that are measured under load run through the whole of it and are warmed up before, Kafka four times as long:
  its compiler needs that until the figures no longer rise.
- Kafka is set to nothing but what one node needs: listeners, folders, and replication factors of 1 for its internal
  topics. Its JVM has the options of its own start script: `{about["kafka_jvm"]}`.
- Ottla is started with `ottla serve`, a port and a folder. Topics of the benchmark have `file.delete.delay.ms=1000` on
  both sides, so that deleted data is not written to the disk while the next case runs.
- The clients are a small C program on librdkafka (`bench/clients/`) with the library's defaults unless a section says
  otherwise, and Kafka's own tools. They share the machine with the broker.
- Records look like an application's: lines of JSON from a small vocabulary with random identifiers, times and numbers.
  lz4 makes a batch of them 2.9 times smaller, zstd 4.6 times. No record comes twice within 32 MB."""


def _memory_remark(machine: Mapping[str, Any]) -> str:
    if not machine.get("memory_goes_back"):
        return ""
    return "; what is freed goes back to the host, and writing to a fresh file costs several times as much as else"


def _build(about: Mapping[str, Any]) -> str:
    """Say which build was measured; there was but one when nothing is said of it."""
    return f"{about.get('build', PURE)} build"


def _machine(about: Mapping[str, Any]) -> str:
    machine, versions = about["machine"], about["versions"]
    return markdown(
        ["", ""],
        [
            ["processor", f"{machine['cpu']}, {machine['cores']} cores"],
            ["memory", f"{machine['memory_gb']} GB{_memory_remark(machine)}"],
            ["system", str(machine["system"])],
            ["Ottla", f"{versions['ottla']}, {_build(about)}, under {versions['python']}"],
            ["Apache Kafka", f"{versions['kafka']} under Java {versions['java']}"],
            ["librdkafka", str(versions["librdkafka"])],
            ["measured", f"{about['date']}, in {about['seconds'] / 60:.0f} minutes"],
        ],
    )


if __name__ == "__main__":
    sys.exit(main())

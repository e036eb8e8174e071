"""The process and its interpreter, by the names that every Prometheus client gives them, and the event loop."""

import gc
import platform
from typing import TYPE_CHECKING

from ottla.broker.metrics.outside import Outside
from ottla.broker.metrics.samples import Collected, Samples, labelled
from ottla.runtime.metrics import Kind, Metric
from ottla.runtime.metrics_text import histogram_samples

if TYPE_CHECKING:
    from ottla.broker.metrics.watch import Watch

CPU = Metric("process_cpu_seconds_total", Kind.COUNTER, "Processor time of the process, user and system.")
RESIDENT = Metric("process_resident_memory_bytes", Kind.GAUGE, "Resident memory.")
VIRTUAL = Metric("process_virtual_memory_bytes", Kind.GAUGE, "Virtual memory.")
OPEN_FILES = Metric("process_open_fds", Kind.GAUGE, "Open file descriptors.")
MAX_FILES = Metric("process_max_fds", Kind.GAUGE, "How many file descriptors there may be.")
THREADS = Metric("process_threads", Kind.GAUGE, "Threads.")
START = Metric("process_start_time_seconds", Kind.GAUGE, "When the process started, in seconds since 1970.")
PYTHON = Metric("python_info", Kind.GAUGE, "Which Python runs the node.", ("implementation", "version"))
COLLECTIONS = Metric(
    "python_gc_collections_total", Kind.COUNTER, "Runs of the garbage collector, by generation.", ("generation",)
)
COLLECTED_OBJECTS = Metric(
    "python_gc_objects_collected_total", Kind.COUNTER, "Objects that it has freed, by generation.", ("generation",)
)
GC_PAUSE = Metric(
    "python_gc_pause_seconds", Kind.HISTOGRAM, "Time that it has held everything else up, since metrics are served."
)
LOOP_LAG = Metric(
    "ottla_loop_lag_seconds",
    Kind.HISTOGRAM,
    "How much later than asked for the event loop called back, asked ten times a second: how long everything waits.",
    (),
    "kafka.network:type=SocketServer,name=NetworkProcessorAvgIdlePercent",
)
LOG_LINES = Metric(
    "ottla_log_lines_total", Kind.COUNTER, "Lines written to the log, by level, since metrics are served.", ("level",)
)

METRICS = (
    CPU,
    RESIDENT,
    VIRTUAL,
    OPEN_FILES,
    MAX_FILES,
    THREADS,
    START,
    PYTHON,
    COLLECTIONS,
    COLLECTED_OBJECTS,
    GC_PAUSE,
    LOOP_LAG,
    LOG_LINES,
)


def collect(watch: "Watch", outside: Outside) -> Collected:
    """Yield what is told of the process."""
    yield CPU, _known(outside.cpu_seconds)
    yield RESIDENT, _known(outside.resident_bytes)
    yield VIRTUAL, _known(outside.virtual_bytes)
    yield OPEN_FILES, _known(outside.open_files)
    yield MAX_FILES, _known(outside.max_files)
    yield THREADS, _known(outside.threads)
    yield START, _known(outside.start_seconds)
    yield PYTHON, labelled(PYTHON, [((platform.python_implementation(), platform.python_version()), 1)])
    found = list(enumerate(gc.get_stats()))
    yield COLLECTIONS, labelled(COLLECTIONS, ((number, figures["collections"]) for number, figures in found))
    yield COLLECTED_OBJECTS, labelled(COLLECTED_OBJECTS, ((number, figures["collected"]) for number, figures in found))
    for metric, histogram in ((GC_PAUSE, watch.gc_pause), (LOOP_LAG, watch.loop_lag)):
        yield metric, histogram_samples("", histogram.bounds, histogram.counts, histogram.sum)
    yield LOG_LINES, labelled(LOG_LINES, list(watch.log_lines.items()))


def _known(value: float | None) -> Samples:
    return () if value is None else (("", "", value),)

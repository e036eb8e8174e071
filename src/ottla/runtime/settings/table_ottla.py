"""Settings that only Ottla has; their names begin with ``ottla.``.

To add one: a row here, a description in ``descriptions_ottla.py``, and the reference page made anew.
"""

from .model import Setting
from .rules import Choice, Range
from .vocabulary import CLUSTER_WIDE, INT, LOW, MEDIUM, STRING, at_least

OTTLA = (
    Setting("ottla.connection.max.in.flight.requests", INT, 32, LOW, at_least(1)),
    Setting("ottla.connection.write.buffer.bytes", INT, 1048576, LOW, at_least(1024)),
    Setting("ottla.fetch.response.max.bytes", INT, 4_194_304, LOW, at_least(1024)),
    Setting("ottla.log.slow.request.ms", INT, 1000, LOW, at_least(-1), CLUSTER_WIDE),
    Setting("ottla.metadata.dir", STRING, None, MEDIUM),
    Setting("ottla.metrics.listener", STRING, None, MEDIUM),
    Setting("ottla.metrics.max.series", INT, 10_000, LOW, at_least(1)),
    Setting("ottla.network.busy.poll.us", INT, 200, LOW, Range(0, 10_000)),
    Setting(
        "ottla.produce.validation", STRING, "lengths", MEDIUM, Choice("header", "lengths", "records"), CLUSTER_WIDE
    ),
    Setting("ottla.request.max.bytes", INT, 4_194_304, LOW, at_least(65_536)),
)

"""A page of small bar charts as SVG, drawn by hand: for each case a bar of Ottla above one of Apache Kafka.

A bar is as long as the median, the thin line across its end goes from the least to the greatest round, and at the right
stands the ratio. Every panel has a scale of its own that begins at zero, and says which direction is the better one.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from bench.figures import KAFKA, METRICS, OTTLA, Figure, Figures, show_number, show_ratio
from bench.targets import BASE

WIDTH = 980
MARGIN = 24
GAP = 28
COLUMNS = 2
PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP * (COLUMNS - 1)) // COLUMNS
LABEL_WIDTH = 128
RATIO_WIDTH = 52
VALUE_WIDTH = 62
BAR_HEIGHT = 12
CASE_HEIGHT = 38
HEAD_HEIGHT = 34
TOP = 98
COLOURS = {OTTLA: "#0f766e", KAFKA: "#a8b0b9"}
NAMES = {OTTLA: "Ottla", KAFKA: "Apache Kafka"}
CAPTION = "Bars are medians, thin lines go from the least to the greatest round, × is Ottla to Apache Kafka."
INK = "#1f2933"
FAINT = "#6b7785"
LINE = "#dfe4e9"
FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One case of a panel: where its figure is, and what it is called there."""

    label: str
    part: str
    case: str
    metric: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Panel:
    """One small chart."""

    title: str
    rows: tuple[Row, ...]


def _base(size: str) -> str:
    return f"{size}, none, 1 partition, 1 client"


def _rows(part: str, metric: str, *pairs: tuple[str, str]) -> tuple[Row, ...]:
    return tuple(Row(label=label, part=part, case=case, metric=metric) for label, case in pairs)


SIZES = (("100 B", BASE[0]), ("1 KiB", BASE[1]), ("10 KiB", _base("10 KiB")))
PANELS = (
    Panel(title="Produce, MB/s", rows=_rows("throughput", "produce", *SIZES)),
    Panel(title="Consume, MB/s", rows=_rows("throughput", "consume", *SIZES)),
    Panel(title="Broker CPU, producing, s/GB", rows=_rows("throughput", "produce_cpu", *SIZES)),
    Panel(title="Broker CPU, consuming, s/GB", rows=_rows("throughput", "consume_cpu", *SIZES)),
    Panel(
        title="One record per request, requests/s",
        rows=_rows(
            "ping", "requests", ("one in flight", "one in flight"), ("one after the other", "one after the other")
        ),
    ),
    Panel(
        title="End to end, p99, ms",
        rows=_rows(
            "latency", "p99", *((f"{rate} records/s", f"{rate} records/s") for rate in ("1,000", "5,000", "20,000"))
        ),
    ),
    Panel(
        title="Process start to first answer, s",
        rows=_rows(
            "start",
            "start",
            ("fresh folder", "fresh"),
            ("after a clean stop", "after a clean stop"),
            ("after a kill, 1 GB", "after a kill -9 with 1 GB of log"),
        ),
    ),
    Panel(
        title="Resident memory, MB",
        rows=_rows(
            "memory",
            "resident",
            ("idle", "idle"),
            ("after 10 M records", "after 10 million records"),
            ("after all of the load", "after everything under throughput"),
        ),
    ),
)


def draw(figures: Figures, subtitle: str) -> str:
    """Return the chart of what was measured; panels without a figure are left out."""
    panels = [(panel, drawn) for panel in PANELS if (drawn := _measured(figures, panel))]
    body: list[str] = []
    y = TOP
    for index in range(0, len(panels), COLUMNS):
        beside = panels[index : index + COLUMNS]
        for column, (panel, drawn) in enumerate(beside):
            body += _panel(panel, drawn, MARGIN + column * (PANEL_WIDTH + GAP), y)
        y += HEAD_HEIGHT + CASE_HEIGHT * max(len(drawn) for _, drawn in beside) + GAP
    height = y - GAP + MARGIN
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'{FONT} role="img" aria-label="Ottla beside Apache Kafka">',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        _text(MARGIN, 34, "Ottla beside Apache Kafka", size=19, weight=600),
        _text(MARGIN, 55, subtitle, size=12, colour=FAINT),
        _text(MARGIN, 73, CAPTION, size=12, colour=FAINT),
        *_legend(WIDTH - MARGIN, 34),
    ]
    return "\n".join([*head, *body, "</svg>"]) + "\n"


def _measured(figures: Figures, panel: Panel) -> list[tuple[str, Figure]]:
    found = ((row.label, figures.get(row.part, row.case, row.metric)) for row in panel.rows)
    return [(label, figure) for label, figure in found if figure is not None and figure.values]


def _legend(right: int, y: int) -> Iterator[str]:
    x = right - 178
    for side in (OTTLA, KAFKA):
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" rx="2" fill="{COLOURS[side]}"/>'
        yield _text(x + 18, y, NAMES[side], size=12)
        x += 76


def _panel(panel: Panel, drawn: Sequence[tuple[str, Figure]], x: int, y: int) -> list[str]:
    metric = METRICS[panel.rows[0].metric]
    better = "more is better" if metric.higher_is_better else "less is better"
    right = x + PANEL_WIDTH
    out = [
        _text(x, y + 14, panel.title, size=14, weight=600),
        _text(right, y + 14, better, size=11, colour=FAINT, anchor="end"),
        f'<line x1="{x}" y1="{y + 23}" x2="{right}" y2="{y + 23}" stroke="{LINE}"/>',
    ]
    room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH - RATIO_WIDTH
    longest = max(value for _, figure in drawn for values in figure.values.values() for value in values)
    scale = room / longest if longest > 0 else 0
    for index, (label, figure) in enumerate(drawn):
        top = y + HEAD_HEIGHT + index * CASE_HEIGHT
        out.append(_text(x, top + 17, label, size=12))
        out += _bars(figure, x + LABEL_WIDTH, top, scale, metric.decimals)
        ratio = figure.ratio()
        if ratio is not None:
            good = ratio >= 1 if metric.higher_is_better else ratio <= 1
            colour = COLOURS[OTTLA] if good else "#b4451f"
            out.append(
                _text(right, top + 17, f"×{show_ratio(ratio)}", size=13, weight=600, colour=colour, anchor="end")
            )
    return out


def _bars(figure: Figure, x: int, y: int, scale: float, decimals: int) -> Iterator[str]:
    for side in (OTTLA, KAFKA):
        median, spread = figure.median(side), figure.spread(side)
        if median is None or spread is None:
            continue
        width = max(1.0, median * scale)
        yield f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" rx="1.5" fill="{COLOURS[side]}"/>'
        end = max(width, spread[1] * scale)
        if len(figure.values[side]) > 1:
            middle = y + BAR_HEIGHT / 2
            yield (
                f'<line x1="{x + spread[0] * scale:.1f}" y1="{middle}" x2="{x + spread[1] * scale:.1f}" y2="{middle}" '
                f'stroke="{INK}" stroke-opacity="0.75"/>'
            )
        yield _text(x + end + 5, y + 10, show_number(median, decimals), size=11, colour=FAINT)
        y += BAR_HEIGHT + 2


def _text(
    x: float, y: float, text: str, *, size: int, weight: int = 400, colour: str = INK, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )

"""The figures as a table: for a terminal, and as Markdown."""

from collections.abc import Iterable, Sequence

from bench.figures import CEILING, FLOOR, KAFKA, METRICS, OTTLA, Figure, Figures, show_number, show_ratio
from bench.targets import Outcome, outcomes

SIDES = {OTTLA: "Ottla", KAFKA: "Kafka", FLOOR: "floor", CEILING: "keeps nothing"}


def plain(figures: Figures) -> str:
    """Return everything for a terminal, the targets last."""
    lines = []
    part = None
    for figure in figures:
        if figure.part != part:
            part = figure.part
            lines += ["", part]
        lines.append(_plain_line(figure))
    lines += ["", "targets"]
    lines += [
        f"  {verdict(outcome):<12} {outcome.target.title:<34} {details(outcome)}" for outcome in outcomes(figures)
    ]
    return "\n".join(lines)


def _plain_line(figure: Figure) -> str:
    metric = METRICS[figure.metric]
    words = [f"  {f'{figure.case}: {metric.title}, {metric.unit}'.rstrip(', '):<76}"]
    words += [f"{SIDES.get(side, side)} {cell(figure, side):<32}" for side in figure.values]
    ratio = figure.ratio()
    if ratio is not None:
        words.append(f"to Kafka {show_ratio(ratio)}")
    floor = figure.ratio(base=FLOOR)
    if floor is not None:
        words.append(f"to the floor {show_ratio(floor)}")
    return " ".join(words).rstrip()


def cell(figure: Figure, side: str) -> str:
    """Return the median of a side and, of several rounds, the range."""
    decimals = METRICS[figure.metric].decimals
    median, spread = figure.median(side), figure.spread(side)
    if median is None or spread is None:
        return "–"
    shown = show_number(median, decimals)
    if len(figure.values[side]) == 1:
        return shown
    return f"{shown} ({show_number(spread[0], decimals)} to {show_number(spread[1], decimals)})"


def verdict(outcome: Outcome) -> str:
    """Say whether a target is reached."""
    return {True: "reached", False: "not reached", None: "not measured"}[outcome.reached]


def details(outcome: Outcome) -> str:
    """Return what was asked for and what each case gave."""
    sign = "at least" if METRICS[outcome.target.metric].higher_is_better else "at most"
    limit = f"{outcome.target.limit:.3f}".rstrip("0")
    cases = "; ".join(f"{case}: {show_ratio(ratio)}" for case, ratio in outcome.ratios.items())
    return f"{sign} {limit}" + (f" - {cases}" if cases else "")


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, all columns but the first to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)

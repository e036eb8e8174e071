"""``ottla consume``: records to standard output."""

import sys

import click

from .completing import GROUP, TOPIC
from .options import MAX_INT64, Target, WholeNumber, target_options
from .tree import HELP


@click.command(context_settings=HELP)
@click.argument("topic", type=TOPIC)
@click.option(
    "--from",
    "from_",
    metavar="WHERE",
    help="beginning, end, an OFFSET, -N for the last N, or a TIME: ISO 8601, -90s, -1h, -7d. "
    "[default: beginning; with --follow the end, unless there is a --group]",
)
@click.option(
    "-p",
    "--partition",
    "partitions",
    metavar="N",
    type=WholeNumber(0),
    multiple=True,
    help="Only this partition, or several.",
)
@click.option("-g", "--group", metavar="GROUP", type=GROUP, help="Be a member of this group: go on where it stopped.")
@click.option("-n", "--max", "max_records", type=WholeNumber(1, MAX_INT64), metavar="N", help="End after N records.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more at the end.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@click.option(
    "-F", "--format", "template", metavar="FORMAT", help="%k key, %v value, %p partition, %o offset ...; see above."
)
@click.option("--null-marker", metavar="TEXT", help="What to print for null. [default: nothing; null on a terminal]")
@target_options
def consume(
    topic: str,
    from_: str | None,
    partitions: tuple[int, ...],
    group: str | None,
    max_records: int | None,
    follow: bool,
    as_json: bool,
    template: str | None,
    null_marker: str | None,
    bootstrap: str | None,
    command_config: str | None,
) -> None:
    """Print the records of a topic: their values, a line each, unless told otherwise.

    It ends where the topic ended when it began; with --follow it waits for more. With --group it joins the group,
    commits what it has printed, and goes on there the next time; --from then says where a new group begins.

    In a file or pipe values are the bytes that they are; on a terminal what cannot be printed is escaped.
    Placeholders of --format: %k key, %v value, %h headers, %t topic, %p partition, %o offset, %T timestamp in ms,
    %I the same in ISO 8601, %K and %S the sizes of key and value, %% a percent sign; \\n, \\t, \\x1f as usual.

    \b
    Examples:
      ottla consume orders
      ottla consume orders --follow --from -10
      ottla consume orders --from -1h --partition 0 --json | jq .value
      ottla consume orders --group billing --max 100
      ottla consume orders --format '%p %o %I %k=%v'
    """
    from .consume_command import Consumption
    from .consume_start import parse_start

    if as_json and template is not None:
        raise click.UsageError("--json and --format exclude each other.")
    default = "end" if follow and group is None else "beginning"
    consumption = Consumption(
        topic=topic,
        start=parse_start(from_ or default),
        partitions=partitions,
        group=group,
        max_records=max_records,
        follow=follow,
    )
    target = Target(bootstrap, command_config)
    sys.exit(consumption.run(target, as_json=as_json, template=template, null_marker=null_marker))

"""``ottla group``: list, describe, reset and delete consumer groups."""

import sys

import click

from .completing import GROUP, TOPIC
from .options import MAX_INT64, Target, WholeNumber, json_option, target_options, yes_option
from .tree import HELP, CommandGroup


@click.group(cls=CommandGroup, context_settings=HELP)
def group() -> None:
    """List, describe, reset and delete consumer groups.

    \b
    Examples:
      ottla group list
      ottla group describe billing
    """


@group.command("list", context_settings=HELP)
@click.option(
    "--state", "states", metavar="STATE", multiple=True, help="Only groups in this state (Stable, Empty ...)."
)
@json_option
@target_options
def list_(states: tuple[str, ...], as_json: bool, bootstrap: str | None, command_config: str | None) -> None:
    """List the groups.

    \b
    Examples:
      ottla group list
      ottla group list --state Empty --json
    """
    from .group_commands import list_groups

    sys.exit(list_groups(Target(bootstrap, command_config), states, as_json=as_json))


@group.command(context_settings=HELP)
@click.argument("names", metavar="GROUP...", nargs=-1, required=True, type=GROUP)
@json_option
@target_options
def describe(names: tuple[str, ...], as_json: bool, bootstrap: str | None, command_config: str | None) -> None:
    """Show a group's members and, for each partition, how far the group is and how far it lags behind.

    \b
    Examples:
      ottla group describe billing
      ottla group describe billing --json
    """
    from .group_commands import describe_groups

    sys.exit(describe_groups(Target(bootstrap, command_config), names, as_json=as_json))


@group.command("reset-offsets", context_settings=HELP)
@click.argument("name", metavar="GROUP", type=GROUP)
@click.option(
    "-t",
    "--topic",
    "topics",
    metavar="TOPIC[:P,...]",
    multiple=True,
    type=TOPIC,
    help="A topic, or some partitions of one. [default: all that the group has offsets for]",
)
@click.option("--to-earliest", is_flag=True, help="To the first record there is.")
@click.option("--to-latest", is_flag=True, help="Behind the last record.")
@click.option("--to-offset", type=WholeNumber(0, MAX_INT64), metavar="OFFSET", help="To this offset.")
@click.option(
    "--to-datetime", metavar="TIME", help="To the first record not older than this: ISO 8601, -90s, -1h, -7d."
)
@click.option("--shift-by", type=int, metavar="N", help="N records on, or back with a negative N.")
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@yes_option
@json_option
@target_options
def reset_offsets(
    name: str,
    topics: tuple[str, ...],
    to_earliest: bool,
    to_latest: bool,
    to_offset: int | None,
    to_datetime: str | None,
    shift_by: int | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    bootstrap: str | None,
    command_config: str | None,
) -> None:
    """Let a group go on somewhere else. Shows what would change and asks first; the group must have no members.

    An offset beyond the ends of a partition becomes its nearest end.

    \b
    Examples:
      ottla group reset-offsets billing --to-earliest
      ottla group reset-offsets billing --topic orders:0,2 --to-datetime 2026-03-01T12:00:00
      ottla group reset-offsets billing --topic orders --shift-by -100 --yes
      ottla group reset-offsets billing --to-latest --dry-run
    """
    from .group_reset import Reset, run_reset

    wanted = {
        "--to-earliest": to_earliest or None,
        "--to-latest": to_latest or None,
        "--to-offset": to_offset,
        "--to-datetime": to_datetime,
        "--shift-by": shift_by,
    }
    given = [option for option, value in wanted.items() if value is not None]
    if len(given) != 1:
        raise click.UsageError(f"Say where to, with one of {', '.join(wanted)}.")
    reset = Reset(
        group=name,
        topics=topics,
        to_latest=to_latest,
        to_offset=to_offset,
        to_datetime=to_datetime,
        shift_by=shift_by,
    )
    sys.exit(run_reset(Target(bootstrap, command_config), reset, dry_run=dry_run, yes=yes, as_json=as_json))


@group.command(context_settings=HELP)
@click.argument("names", metavar="GROUP...", nargs=-1, required=True, type=GROUP)
@yes_option
@target_options
def delete(names: tuple[str, ...], yes: bool, bootstrap: str | None, command_config: str | None) -> None:
    """Delete groups and the offsets they have committed. Asks first; a group must have no members.

    \b
    Examples:
      ottla group delete billing
      ottla group delete billing audit --yes
    """
    from .group_commands import delete_groups

    sys.exit(delete_groups(Target(bootstrap, command_config), names, yes=yes))

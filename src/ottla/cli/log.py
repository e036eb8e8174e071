"""``ottla log``: the files of a log directory, without a broker."""

import sys

import click

from .options import json_option
from .tree import HELP, CommandGroup


@click.group(cls=CommandGroup, context_settings=HELP)
def log() -> None:
    """Look into the files of a data folder.

    \b
    Example:
      ottla log dump ottla-data/orders-0
    """


@log.command(context_settings=HELP)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--records", "with_records", is_flag=True, help="Show the records in each batch, too.")
@click.option(
    "--topic",
    metavar="NAME",
    help="Take the records for those of this topic (__consumer_offsets ...), where the folder's name does not say it.",
)
@json_option
def dump(files: tuple[str, ...], with_records: bool, topic: str | None, as_json: bool) -> None:
    """Show what stands in segments, indexes, snapshots and checkpoints.

    FILE is a file or a folder with such files, of Ottla or of Apache Kafka; no broker is needed. Every checksum is
    checked, and indexes against the segment beside them. Records of __consumer_offsets, __transaction_state and
    __share_group_state are decoded. Whatever is wrong is said with its position, and the exit code is 1.
    With --json each entry is a line.

    \b
    Examples:
      ottla log dump ottla-data/orders-0
      ottla log dump --records ottla-data/orders-0/00000000000000000000.log
      ottla log dump --records --json ottla-data/__consumer_offsets-7 | jq .decoded
    """
    from .log_dump import Dump

    sys.exit(Dump(with_records=with_records, as_json=as_json, topic=topic).run(files))

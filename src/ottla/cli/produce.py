"""``ottla produce``: records from standard input."""

import os
import sys

import click

from .completing import TOPIC
from .options import Target, WholeNumber, split_pairs, target_options
from .tree import HELP

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


@click.command(context_settings=HELP)
@click.argument("topic", type=TOPIC)
@click.option(
    "-K", "--key-separator", metavar="TEXT", help="What stands between key and value of a line, such as : or \\t."
)
@click.option("-k", "--key", metavar="KEY", help="The key of every record that has none of its own.")
@click.option("-H", "--header", "headers", metavar="KEY=VALUE", multiple=True, help="A header of every record.")
@click.option("--json", "as_json", is_flag=True, help="Each line is a JSON object with value, key, headers ...")
@click.option("-p", "--partition", metavar="N", type=WholeNumber(0), help="Where to. [default: by the key, or evenly]")
@click.option("-z", "--compression", type=click.Choice(CODECS), help="[default: none]")
@click.option("--acks", type=click.Choice(["all", "1", "0"]), help="Who must have a record. [default: all]")
@click.option("--linger-ms", type=WholeNumber(0), metavar="MS", help="How long a batch waits for company. [default: 5]")
@click.option("--null-marker", metavar="TEXT", help="A line, or key, that is this text is null.")
@click.option("-q", "--quiet", is_flag=True, help="Do not say how many were produced.")
@target_options
def produce(
    topic: str,
    key_separator: str | None,
    key: str | None,
    headers: tuple[str, ...],
    as_json: bool,
    partition: int | None,
    compression: str | None,
    acks: str | None,
    linger_ms: int | None,
    null_marker: str | None,
    quiet: bool,
    bootstrap: str | None,
    command_config: str | None,
) -> None:
    """Write each line of standard input as a record, as soon as it is there.

    The end of the input ends it. Ctrl-C does, too, once every whole line that was read is written. How many records
    were written is said on stderr. A line that is no record, or a record that is refused, ends it with exit code 1;
    the lines before it are written.

    With --json a line is an object: {"key": "k", "value": "v", "headers": {"h": "x"}, "partition": 0, "timestamp":
    1767225600000}. Only "value" must be there; "value_base64" and "key_base64" are for bytes that are no text.

    \b
    Examples:
      echo hello | ottla produce orders
      tail -f /var/log/syslog | ottla produce syslog --header host=web1 --compression zstd
      printf 'a:1\\nb:2\\n' | ottla produce orders --key-separator :
      ottla consume orders --json | ottla produce copy --json
    """
    from .produce_command import Production
    from .produced_lines import LineReader

    if as_json and key_separator is not None:
        raise click.UsageError("--json and --key-separator exclude each other.")
    from .escapes import unescaped

    reader = LineReader(
        as_json=as_json,
        key_separator=None if key_separator is None else unescaped(key_separator),
        null_marker=None if null_marker is None else unescaped(null_marker),
        key=None if key is None else unescaped(key),
        headers=[(name, os.fsencode(value)) for name, value in split_pairs(headers, "--header").items()],
        partition=partition,
    )
    settings = {"compression_type": compression, "acks": acks, "linger_ms": linger_ms}
    production = Production(topic, reader, {name: value for name, value in settings.items() if value is not None})
    sys.exit(production.run(Target(bootstrap, command_config), quiet=quiet))

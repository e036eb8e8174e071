"""``ottla <noun> <verb>``: the entry point. Commands are imported when they are called, so that each starts at once."""

import os
import sys

import click

from ottla import __version__

from . import exits
from .tree import HELP, CommandGroup

COMPLETE_VARIABLE = "_OTTLA_COMPLETE"
"""A shell sets it to ask what could be typed next."""

COMMANDS = {
    "topic": "ottla.cli.topic:topic",
    "produce": "ottla.cli.produce:produce",
    "consume": "ottla.cli.consume:consume",
    "group": "ottla.cli.group:group",
    "config": "ottla.cli.config:config",
    "cluster": "ottla.cli.cluster:cluster",
    "log": "ottla.cli.log:log",
    "completion": "ottla.cli.completion:completion",
    "version": "ottla.cli.version:version",
}
"""The commands besides ``serve``, in the order in which the help lists them."""


@click.group(cls=CommandGroup, lazy=COMMANDS, context_settings=HELP)
@click.version_option(__version__, message="ottla %(version)s")
def cli() -> None:
    """The Kafka platform in one pip install.

    \b
    Examples:
      ottla serve
      ottla topic create orders --partitions 3
      echo hello | ottla produce orders
      ottla consume orders --from beginning
    """


@cli.command()
@click.option("--config", "config_path", type=click.Path(dir_okay=False), help="A Kafka server.properties file.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A setting; goes before the file's.")
@click.option(
    "--memory", is_flag=True, help="Keep everything in memory: nothing is on disk, and all is gone at the end."
)
@click.option("--ready-file", metavar="FILE", help="Write host:port into FILE once clients can connect.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when the process ends that started this one.")
def serve(
    config_path: str | None, overrides: tuple[str, ...], memory: bool, ready_file: str | None, exit_with_parent: bool
) -> None:
    """Run a node in the foreground.

    Without arguments it listens on 127.0.0.1:9092 and keeps its data in ./ottla-data. Once clients can connect it
    prints one line that begins with "ready". An acknowledged record is in the operating system's page cache: it
    survives the death of the process. Set flush.messages (of a topic) or log.flush.interval.messages to 1 to have
    it on the disk before the acknowledgement. SIGTERM and SIGINT stop the node cleanly.

    \b
    Examples:
      ottla serve --set listeners=PLAINTEXT://0.0.0.0:9092 --set log.dirs=/var/lib/ottla
      ottla serve --memory --set listeners=PLAINTEXT://127.0.0.1:0 --ready-file ready --exit-with-parent
    """
    from ottla.cli.serve import run

    sys.exit(run(config_path, overrides, memory=memory, ready_file=ready_file, exit_with_parent=exit_with_parent))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; whatever goes wrong is one line on stderr."""
    _open_missing_streams()
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BaseException as error:
        return exits.code_for(error)
    return code


def _open_missing_streams() -> None:
    """Let what is written to a stream that was closed before the start go nowhere, and keep its descriptor taken."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _run(arguments: list[str]) -> int:
    """Run a command, or say to a shell what could be typed next. Not cli.main(): it has other exit codes."""
    if instruction := os.environ.get(COMPLETE_VARIABLE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "ottla", COMPLETE_VARIABLE, instruction)
    try:
        with cli.make_context("ottla", arguments) as context:
            cli.invoke(context)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
    except click.exceptions.Exit as error:
        return error.exit_code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else exits.DONE
    return exits.DONE

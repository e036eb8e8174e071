"""``ottla <noun> <verb>``: the entry point. Commands are imported when they are called, so that each starts at once."""

import sys

import click

from ottla import __version__

from . import exits
from .tree import HELP, LazyGroup

COMMANDS = {
    "log": "ottla.cli.log:log",
    "completion": "ottla.cli.completion:completion",
    "version": "ottla.cli.version:version",
}
"""The commands besides ``serve``, in the order in which the help lists them."""


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings=HELP)
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
def serve(config_path: str | None, overrides: tuple[str, ...]) -> None:
    """Run a node in the foreground.

    Without arguments it listens on 127.0.0.1:9092 and keeps its data in ./ottla-data. Once clients can connect it
    prints one line that begins with "ready". An acknowledged record is in the operating system's page cache: it
    survives the death of the process. Set flush.messages (of a topic) or log.flush.interval.messages to 1 to have
    it on the disk before the acknowledgement. SIGTERM and SIGINT stop the node cleanly.

    \b
    Example:
      ottla serve --set listeners=PLAINTEXT://0.0.0.0:9092 --set log.dirs=/var/lib/ottla
    """
    from ottla.cli.serve import run

    sys.exit(run(config_path, overrides))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; whatever goes wrong is one line on stderr."""
    try:
        code = cli.main(arguments, prog_name="ottla", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return exits.DONE
    except SystemExit:
        raise
    except BaseException as error:
        return exits.code_for(error)
    return code if isinstance(code, int) else exits.DONE

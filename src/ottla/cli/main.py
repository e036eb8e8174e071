"""``ottla <noun> <verb>``: the entry point. Commands are imported when they are called, so that each starts at once."""

import sys

import click

from ottla import __version__
from ottla.model.errors import OperatorError

EXIT_FAILED = 1
EXIT_MISUSED = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="ottla %(version)s")
def cli() -> None:
    """The Kafka platform in one pip install."""


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


def main() -> int:
    """Run the command line; an error of the operator's is one line and exit code 2."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return 0
    except click.ClickException as error:
        click.echo(f"ottla: {error.format_message()}", err=True)
        return EXIT_MISUSED
    except click.Abort:
        return 130
    except OperatorError as error:
        click.echo(f"ottla: {error}", err=True)
        return EXIT_MISUSED
    return 0

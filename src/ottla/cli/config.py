"""``ottla config``: the settings of topics, brokers and groups."""

import sys

import click

from .completing import RESOURCE_NAME
from .options import Target, json_option, target_options
from .tree import HELP, CommandGroup

KINDS = click.Choice(["topic", "broker", "group"])


@click.group(cls=CommandGroup, context_settings=HELP)
def config() -> None:
    """Show and change the settings of topics, brokers and groups.

    \b
    Examples:
      ottla config describe topic orders
      ottla config alter topic orders --set retention.ms=3600000
    """


@config.command(context_settings=HELP)
@click.argument("kind", type=KINDS)
@click.argument("name", type=RESOURCE_NAME)
@click.option("--all", "show_all", is_flag=True, help="Show every setting, not only those that somebody set.")
@json_option
@target_options
def describe(
    kind: str, name: str, show_all: bool, as_json: bool, bootstrap: str | None, command_config: str | None
) -> None:
    """Show the settings of a topic, a broker or a group, and where each value comes from.

    NAME of a broker is its id, or "default" for what is set for all brokers.

    \b
    Examples:
      ottla config describe topic orders
      ottla config describe broker 1 --all
      ottla config describe group billing --json
    """
    from .config_commands import describe_configs

    sys.exit(describe_configs(Target(bootstrap, command_config), kind, name, show_all=show_all, as_json=as_json))


@config.command(context_settings=HELP)
@click.argument("kind", type=KINDS)
@click.argument("name", type=RESOURCE_NAME)
@click.option("-s", "--set", "set_", metavar="KEY=VALUE", multiple=True, help="A setting to set.")
@click.option("-d", "--delete", "deleted", metavar="KEY", multiple=True, help="A setting to bring back to its default.")
@click.option("--append", metavar="KEY=VALUE", multiple=True, help="Something to add to a setting that is a list.")
@click.option("--subtract", metavar="KEY=VALUE", multiple=True, help="Something to take out of such a list.")
@click.option("--dry-run", is_flag=True, help="Only ask the broker whether it could be done.")
@target_options
def alter(
    kind: str,
    name: str,
    set_: tuple[str, ...],
    deleted: tuple[str, ...],
    append: tuple[str, ...],
    subtract: tuple[str, ...],
    dry_run: bool,
    bootstrap: str | None,
    command_config: str | None,
) -> None:
    """Change settings of a topic, a broker or a group; those that are not named stay as they are.

    \b
    Examples:
      ottla config alter topic orders --set retention.ms=3600000 --set segment.ms=600000
      ottla config alter topic orders --append cleanup.policy=compact
      ottla config alter broker default --delete log.cleaner.threads
    """
    from .config_commands import Changes, alter_configs

    changes = Changes(set_=set_, deleted=deleted, append=append, subtract=subtract)
    if not any(changes):
        raise click.UsageError("Nothing to change: give --set or --delete.")
    sys.exit(alter_configs(Target(bootstrap, command_config), kind, name, changes, dry_run=dry_run))

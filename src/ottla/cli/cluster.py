"""``ottla cluster``: the cluster and its brokers."""

import sys

import click

from .options import Target, json_option, target_options
from .tree import HELP, CommandGroup


@click.group(cls=CommandGroup, context_settings=HELP)
def cluster() -> None:
    """Look at the cluster.

    \b
    Example:
      ottla cluster describe
    """


@cluster.command(context_settings=HELP)
@json_option
@target_options
def describe(as_json: bool, bootstrap: str | None, command_config: str | None) -> None:
    """Show the cluster's id, its brokers, how its partitions are, and what its log directories hold.

    \b
    Examples:
      ottla cluster describe
      ottla cluster describe --bootstrap kafka.example.com:9092 --json
    """
    from .cluster_commands import describe_cluster

    sys.exit(describe_cluster(Target(bootstrap, command_config), as_json=as_json))

"""``ottla topic``: create, list, describe, alter and delete topics."""

import sys

import click

from .completing import TOPIC
from .options import MAX_INT16, Target, WholeNumber, json_option, target_options, yes_option
from .tree import HELP, CommandGroup


@click.group(cls=CommandGroup, context_settings=HELP)
def topic() -> None:
    """Create, list, describe, alter and delete topics.

    \b
    Examples:
      ottla topic create orders --partitions 3
      ottla topic list
    """


@topic.command(context_settings=HELP)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "-p", "--partitions", metavar="N", type=WholeNumber(1), help="How many. [default: the broker's num.partitions]"
)
@click.option(
    "-r",
    "--replication-factor",
    metavar="N",
    type=WholeNumber(1, MAX_INT16),
    help="Replicas of each. [default: the broker's]",
)
@click.option("-c", "--config", "configs", metavar="KEY=VALUE", multiple=True, help="A setting of the topic.")
@click.option("--if-not-exists", is_flag=True, help="A topic that exists already is no error.")
@click.option("--dry-run", is_flag=True, help="Only ask the broker whether it could be done.")
@json_option
@target_options
def create(
    names: tuple[str, ...],
    partitions: int | None,
    replication_factor: int | None,
    configs: tuple[str, ...],
    if_not_exists: bool,
    dry_run: bool,
    as_json: bool,
    bootstrap: str | None,
    command_config: str | None,
) -> None:
    """Create topics.

    \b
    Examples:
      ottla topic create orders
      ottla topic create orders --partitions 6 --config retention.ms=86400000
      ottla topic create customers --config cleanup.policy=compact
    """
    from .topic_commands import Creation

    creation = Creation(
        names=names,
        partitions=partitions,
        replication_factor=replication_factor,
        configs=configs,
        if_not_exists=if_not_exists,
        dry_run=dry_run,
    )
    sys.exit(creation.run(Target(bootstrap, command_config), as_json=as_json))


@topic.command("list", context_settings=HELP)
@click.option("--internal", is_flag=True, help="Show Kafka's own topics, too, such as __consumer_offsets.")
@json_option
@target_options
def list_(internal: bool, as_json: bool, bootstrap: str | None, command_config: str | None) -> None:
    """List the topics.

    \b
    Examples:
      ottla topic list
      ottla topic list --internal --json
    """
    from .topic_commands import list_topics

    sys.exit(list_topics(Target(bootstrap, command_config), internal=internal, as_json=as_json))


@topic.command(context_settings=HELP)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=TOPIC)
@json_option
@target_options
def describe(names: tuple[str, ...], as_json: bool, bootstrap: str | None, command_config: str | None) -> None:
    """Show a topic's partitions, replicas, offsets, and the settings that are its own.

    \b
    Examples:
      ottla topic describe orders
      ottla topic describe orders customers --json
    """
    from .topic_commands import describe_topics

    sys.exit(describe_topics(Target(bootstrap, command_config), names, as_json=as_json))


@topic.command(context_settings=HELP)
@click.argument("name", type=TOPIC)
@click.option(
    "-p", "--partitions", metavar="N", type=WholeNumber(1), help="How many it shall have; it can only become more."
)
@click.option("-c", "--config", "configs", metavar="KEY=VALUE", multiple=True, help="A setting to set.")
@click.option(
    "--delete-config", "deleted", metavar="KEY", multiple=True, help="A setting to bring back to its default."
)
@click.option("--dry-run", is_flag=True, help="Only ask the broker whether it could be done.")
@target_options
def alter(
    name: str,
    partitions: int | None,
    configs: tuple[str, ...],
    deleted: tuple[str, ...],
    dry_run: bool,
    bootstrap: str | None,
    command_config: str | None,
) -> None:
    """Change a topic's settings, or give it more partitions.

    More partitions cannot be taken back, and from then on a key may go to another partition than before.

    \b
    Examples:
      ottla topic alter orders --partitions 12
      ottla topic alter orders --config retention.ms=3600000 --delete-config segment.ms
    """
    from .topic_commands import alter_topic

    if partitions is None and not configs and not deleted:
        raise click.UsageError("Nothing to change: give --partitions, --config or --delete-config.")
    target = Target(bootstrap, command_config)
    sys.exit(alter_topic(target, name, partitions=partitions, configs=configs, deleted=deleted, dry_run=dry_run))


@topic.command(context_settings=HELP)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=TOPIC)
@click.option("--if-exists", is_flag=True, help="A topic that does not exist is no error.")
@yes_option
@target_options
def delete(
    names: tuple[str, ...], if_exists: bool, yes: bool, bootstrap: str | None, command_config: str | None
) -> None:
    """Delete topics with all their records. Asks first.

    \b
    Examples:
      ottla topic delete orders
      ottla topic delete orders customers --yes
    """
    from .topic_commands import delete_topics

    sys.exit(delete_topics(Target(bootstrap, command_config), names, if_exists=if_exists, yes=yes))

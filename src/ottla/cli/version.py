"""``ottla version``: what is installed here, and whose behaviour it has."""

import platform
import sys

import click

from ottla import __version__

from .build_kind import build_kind
from .options import Target, json_option, target_options
from .tree import HELP

KAFKA_VERSION = "4.2"
"""The Apache Kafka whose protocol, files and settings this is."""


@click.command(context_settings=HELP)
@json_option
@target_options
@click.pass_context
def version(context: click.Context, as_json: bool, bootstrap: str | None, command_config: str | None) -> None:
    """Say which version of Ottla, Kafka's protocol and Python this is; of a cluster too, if one is named.

    \b
    Examples:
      ottla version
      ottla version --json
      ottla version --bootstrap kafka.example.com:9092
    """
    facts = {
        "ottla": __version__,
        "build": build_kind(),
        "kafka": KAFKA_VERSION,
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
    }
    # What the variable says is for commands that cannot do without a cluster.
    is_named = context.get_parameter_source("bootstrap") is click.core.ParameterSource.COMMANDLINE
    if is_named or command_config:
        from .version_of_cluster import ask

        facts |= ask(Target(bootstrap, command_config))
    if as_json:
        from .output.json_text import show_json

        show_json(facts)
    else:
        from .output.table import show_fields

        show_fields(facts.items())

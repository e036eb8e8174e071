"""``ottla version``: what is installed here, and whose behaviour it has."""

import platform
import sys

import click

from ottla import __version__

from .options import json_option
from .tree import HELP

KAFKA_VERSION = "4.2"
"""The Apache Kafka whose protocol, files and settings this is."""


@click.command(context_settings=HELP)
@json_option
def version(as_json: bool) -> None:
    """Say which version of Ottla, Kafka's protocol and Python this is.

    \b
    Examples:
      ottla version
      ottla version --json
    """
    facts = {
        "ottla": __version__,
        "kafka": KAFKA_VERSION,
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
    }
    if as_json:
        from .output.json_text import show_json

        show_json(facts)
    else:
        from .output.table import show_fields

        show_fields(facts.items())

"""Asking before something is done that cannot be undone."""

import sys

import click

from ottla.model.errors import OperatorError

from .output.terminal import is_terminal


def confirmed(question: str, *, yes: bool) -> bool:
    """Ask on stderr and return the answer; OperatorError where nobody is there to be asked and ``--yes`` is missing."""
    if yes:
        return True
    if not is_terminal(sys.stdin):
        raise OperatorError(
            f"{question} stdin is no terminal to ask at; --yes answers beforehand (nothing was changed)"
        )
    if click.confirm(question, err=True):
        return True
    click.echo("nothing was changed", err=True)
    return False

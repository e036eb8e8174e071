"""Asking before something is done that cannot be undone."""

import signal
import sys

import click

from ottla.model.errors import OperatorError

from .output.terminal import is_terminal


def confirmed(question: str, *, yes: bool) -> bool:
    """Ask on stderr and return the answer; OperatorError where nobody is there to be asked and ``--yes`` is missing.

    Ctrl-C ends the process there and then: nothing is open yet that would have to be brought to an end, and Python's
    own way can miss one that comes just before it waits for the answer.
    """
    if yes:
        return True
    if not is_terminal(sys.stdin):
        raise OperatorError(
            f"{question} stdin is no terminal to ask at; --yes answers beforehand (nothing was changed)"
        )
    usual = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        answer = click.confirm(question, err=True)
    finally:
        signal.signal(signal.SIGINT, usual)
    if not answer:
        click.echo("nothing was changed", err=True)
    return answer

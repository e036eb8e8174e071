"""How a command ends: exit codes, and errors in one line.

0: done. 1: it failed, or a part of it did. 2: it was called wrongly, or with a setting that cannot be: nothing was
done. 130: interrupted with Ctrl-C before it was done.
"""

import os
import sys

import click

from ottla.model.errors import OperatorError, OttlaError

from .output import progress
from .output.terminal import RED, painted
from .output.text import one_line

DONE = 0
FAILED = 1
MISUSED = 2
INTERRUPTED = 130

TRACEBACK_VARIABLE = "OTTLA_TRACEBACK"


def say(line: str) -> None:
    """Print a line of what was done."""
    progress.end()
    sys.stdout.write(line + "\n")


def complain(message: str) -> None:
    """Print an error: one line on stderr."""
    try:
        progress.end()
        sys.stderr.write(f"{painted('ottla:', RED, stream=sys.stderr)} {one_line(message)}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # nobody is there to read it


def code_for(error: BaseException) -> int:
    """Say what went wrong and return the exit code for it."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        stop_writing()
        return DONE  # whoever read our output has seen enough
    if isinstance(error, click.ClickException):
        complain(_click_message(error))
        return MISUSED
    if isinstance(error, OperatorError):
        complain(str(error))
        return MISUSED
    if isinstance(error, (OttlaError, OSError)):
        complain(str(error))
        return FAILED
    if os.environ.get(TRACEBACK_VARIABLE):
        raise error
    complain(f"internal error: {type(error).__name__}: {error} ({TRACEBACK_VARIABLE}=1 shows where)")
    return FAILED


def _click_message(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"({error.ctx.command_path} --help shows how)"
        return f"{message.rstrip('.')} {hint}"
    return message


def stop_writing() -> None:
    """Let whatever is still buffered for stdout go nowhere: its reader is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        return
    finally:
        os.close(nowhere)

"""Installs or builds a client into its own folder, once for each state of its lock files and sources."""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from compat.manifest import HOME, Client

TIMEOUT_S = 1200
_lock = threading.Lock()


class MissingError(Exception):
    """The client cannot be had on this machine; the message says what is missing and what to do."""


@contextlib.contextmanager
def locked(what: str) -> Iterator[None]:
    """Alone among all runs of this checkout."""
    HOME.mkdir(exist_ok=True)
    with (HOME / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _inputs(client: Client) -> Iterator[Path]:
    for pattern in client.inputs:
        yield from sorted(path for path in client.folder.glob(pattern) if path.is_file())


def _digest(client: Client) -> str:
    digest = hashlib.sha256(repr(client.command(client.setup)).encode())
    for path in _inputs(client):
        digest.update(str(path.relative_to(client.folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _is_ready(stamp: Path, wanted: str) -> bool:
    try:
        return stamp.read_text() == wanted
    except FileNotFoundError:
        return False


def install(client: Client) -> None:
    """Make the client ready to run; at once when it is. Raises :class:`MissingError`.

    One after the other, whoever asks: compilers take all the cores there are. What is ready waits for nobody.
    """
    for program, advice in client.needs:
        if shutil.which(program) is None:
            raise MissingError(f"{program} is missing: {advice}")
    if not client.setup:
        return
    stamp = client.home / ".ready"
    wanted = _digest(client)
    if _is_ready(stamp, wanted):
        return
    with _lock, locked("install"):
        if _is_ready(stamp, wanted):
            return
        stamp.unlink(missing_ok=True)
        client.home.mkdir(parents=True, exist_ok=True)
        _run_setup(client)
        stamp.write_text(wanted)


def _run_setup(client: Client) -> None:
    log = HOME / f"{client.name}.log"
    with log.open("wb") as out:
        try:
            done = subprocess.run(
                client.command(client.setup),
                cwd=client.folder,
                env=client.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MissingError(f"its set-up took over {TIMEOUT_S} s ({log})") from None
        except OSError as error:
            raise MissingError(f"its set-up cannot be started: {error}") from None
    if done.returncode != 0:
        lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
        raise MissingError(f"its set-up failed: {lines[-1] if lines else 'it said nothing'} ({log})")

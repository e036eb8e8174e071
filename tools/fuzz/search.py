"""How the inputs of a search are found: by atheris, which follows the branches of what is searched, or by chance.

atheris (``requirements/fuzz.lock``) has wheels for CPython 3.12 to 3.14 on Linux. Without it inputs are made at random
for the given time, which finds much less.
"""

import random
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec

SECONDS = 60
INPUTS_PER_LOOK = 500
"""How many inputs are tried between two looks at the clock."""


def search(
    arguments: Sequence[str], *, guided: Callable[[bytes], None], by_chance: Callable[[random.Random], None]
) -> int:
    """Look for an input that raises anything, for as long as ``--seconds`` says; return the exit code.

    ``guided`` takes atheris' bytes, ``by_chance`` makes an input of its own. The other arguments are libFuzzer's
    options and corpus folders. atheris ends the process by itself.
    """
    rest = list(arguments)
    seconds = float(SECONDS)
    if "--seconds" in rest:
        at = rest.index("--seconds")
        seconds = float(rest[at + 1])
        del rest[at : at + 2]
    if find_spec("atheris") is not None:
        _with_atheris([f"-max_total_time={seconds:.0f}", *rest], guided)
    else:
        print(f"{_at_random(seconds, by_chance)} inputs, nothing found")
    return 0


def _with_atheris(arguments: list[str], guided: Callable[[bytes], None]) -> None:
    import atheris

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *arguments], guided)
    atheris.Fuzz()


def _at_random(seconds: float, by_chance: Callable[[random.Random], None]) -> int:
    """Try for some time; return how many inputs that were."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"no atheris here: random damage for {seconds:g} s, seed {seed}")
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:
        for _ in range(INPUTS_PER_LOOK):
            by_chance(chance)
        tried += INPUTS_PER_LOOK
    return tried

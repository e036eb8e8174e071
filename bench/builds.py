"""Which build of Ottla is measured: the sources of this checkout, or the same with compiled modules (decision 0007)."""

import pathlib
import shutil
import subprocess
import sys
import sysconfig

from bench.brokers import ROOT

PURE = "pure Python"
COMPILED = "compiled"
SOURCES = {PURE: ROOT / "src", COMPILED: ROOT / ".bench" / "compiled"}


def usual() -> str:
    """Return the build that is measured if nothing else is said: the faster one, where it can be made."""
    if can_compile():
        return COMPILED
    print("bench: no C compiler, or not Python's header files: the pure build is measured", file=sys.stderr)
    return PURE


def can_compile() -> bool:
    """Whether there is a C compiler, and what a module in C needs of Python."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = pathlib.Path(sysconfig.get_path("include"))
    return shutil.which(compiler) is not None and (headers / "Python.h").exists()


def source(build: str) -> pathlib.Path:
    """Return the folder that a build lies in, made before if it has to be."""
    if build == COMPILED:
        subprocess.run(["make", "--silent", "compiled"], cwd=ROOT, check=True, stdout=sys.stderr)
    return SOURCES[build]

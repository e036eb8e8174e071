"""A process under measurement, its children included, seen from outside."""

import os
import pathlib
import re
import time

PROC = pathlib.Path("/proc")
CPUCLOCK_SCHED = 2


def family(pid: int) -> list[int]:
    """Return the process and everything that it started and that still runs."""
    found = [pid]
    for parent in found:
        for children in PROC.glob(f"{parent}/task/*/children"):
            found += [int(child) for child in _read(children).split()]
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time used so far by a process, by its children and by those that have ended (user and kernel)."""
    total = 0.0
    for member in family(pid):
        # What glibc's clock_getcpuclockid returns: nanoseconds, where /proc counts in hundredths of a second.
        try:
            total += time.clock_gettime(~member << 3 | CPUCLOCK_SCHED)
        except OSError:
            continue
        total += _ended_children(_read(PROC / str(member) / "stat"))
    return total


def _ended_children(stat: str) -> float:
    # After the name in brackets come state, parent, ...; the 14th and 15th fields are cutime and cstime.
    fields = stat.rpartition(")")[2].split()
    return sum(int(field) for field in fields[13:15]) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process and its children, in MB (10^6 bytes)."""
    return sum(resident_kib(_read(PROC / str(member) / "status")) for member in family(pid)) * 1024 / 1e6


def resident_kib(status: str) -> int:
    """Return what ``/proc/PID/status`` says of resident memory, in KiB."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) if found else 0


def descriptors(pid: int) -> int:
    """Return how many files and sockets a process has open."""
    return len(list((PROC / str(pid) / "fd").iterdir()))


def _read(path: pathlib.Path) -> str:
    """Return what a file says, or nothing when its process has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""

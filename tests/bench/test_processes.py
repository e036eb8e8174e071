"""A process and its children are seen from outside."""

import os
import subprocess
import sys

from bench.processes import cpu_seconds, descriptors, family, resident_kib, resident_mb

BURN = """
import time
end = time.process_time() + 0.2
while time.process_time() < end:
    pass
print("done", flush=True)
input()
"""


def test_children_count_while_they_run_and_after_they_ended() -> None:
    before = cpu_seconds(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "done\n"
    assert child.pid in family(os.getpid())
    assert 0.2 <= cpu_seconds(child.pid) < 10
    assert cpu_seconds(os.getpid()) - before >= 0.2
    child.communicate("")
    assert child.pid not in family(os.getpid())
    # What has ended is counted in hundredths of a second.
    assert cpu_seconds(os.getpid()) - before >= 0.19


def test_memory_and_files_of_this_process() -> None:
    assert 5 < resident_mb(os.getpid()) < 2000
    assert descriptors(os.getpid()) >= 3


def test_resident_memory_is_read_from_the_status() -> None:
    assert resident_kib("Name:\tpython\nVmHWM:\t  99 kB\nVmRSS:\t   2048 kB\n") == 2048
    assert resident_kib("") == 0

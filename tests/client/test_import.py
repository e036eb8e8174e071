"""The client starts fast because it imports little: a command line that lists topics must be there at once."""

import subprocess
import sys

CODE = """
import sys
import ottla.client
import ottla.client.admin
print("\\n".join(sorted(name for name in sys.modules)))
"""


def test_importing_the_client_brings_nothing_that_is_used_later() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60)
    modules = done.stdout.split()
    ours = {name for name in modules if name.startswith("ottla.")}
    assert "ottla.client.cluster" in ours
    for part in ("broker", "cli", "coordinator", "controller", "log", "metastore", "replica", "record", "testing"):
        assert not {name for name in ours if f"{name}.".startswith(f"ottla.{part}.")}, part
    assert {name for name in ours if name.startswith("ottla.protocol.messages.")} == {
        "ottla.protocol.messages.api_versions"
    }
    assert not {name for name in ours if name.startswith("ottla.runtime.settings")}
    for heavy in ("cramjam", "lz4", "fastcrc", "dataclasses", "uuid", "pathlib", "tempfile", "random"):
        assert heavy not in modules, heavy

#!/bin/sh
# Make the checkout importable, the command line callable and the pytest plugin known to the virtual environment, without
# the network: an editable install would fetch its build backend first.
set -eu
bin=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$(cd "$bin" && pwd)/python
cat > "$bin/ottla" <<SCRIPT
#!$python
import sys
from ottla.cli.main import main
sys.exit(main())
SCRIPT
chmod +x "$bin/ottla"
"$bin/python" - "$root" <<'PYTHON'
import pathlib
import shutil
import sys
import sysconfig
import tomllib

root = pathlib.Path(sys.argv[1])
site = pathlib.Path(sysconfig.get_path("purelib"))
project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
(site / "ottla-checkout.pth").write_text(f"{root / 'src'}\n")
for old in site.glob("ottla-*.dist-info"):
    shutil.rmtree(old)
info = site / f"ottla-{project['version']}.dist-info"
info.mkdir()
(info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ottla\nVersion: {project['version']}\n")
(info / "INSTALLER").write_text("tools/setup/install_ottla.sh\n")
groups = {"console_scripts": project["scripts"], **project["entry-points"]}
lines = [line for name, entries in groups.items() for line in (f"[{name}]", *(f"{k} = {v}" for k, v in entries.items()))]
(info / "entry_points.txt").write_text("\n".join(lines) + "\n")
files = ["ottla-checkout.pth", *(f"{info.name}/{name}" for name in ("METADATA", "INSTALLER", "entry_points.txt", "RECORD"))]
(info / "RECORD").write_text("".join(f"{name},,\n" for name in files))
PYTHON

#!/bin/sh
# Make the checkout importable and the command line callable from the virtual environment, without the network:
# an editable install would fetch its build backend first.
set -eu
bin=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
site=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$root/src" > "$site/ottla-checkout.pth"
python=$(cd "$bin" && pwd)/python
cat > "$bin/ottla" <<SCRIPT
#!$python
import sys
from ottla.cli.main import main
sys.exit(main())
SCRIPT
chmod +x "$bin/ottla"

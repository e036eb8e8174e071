#!/bin/sh
# A venv in $COMPAT_HOME with what locks/NAME.lock pins. Usage: setup.sh NAME
set -eu
rm -rf "$COMPAT_HOME/venv"
"$COMPAT_PYTHON" -m venv "$COMPAT_HOME/venv"
exec "$COMPAT_HOME/venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "locks/$1.lock"

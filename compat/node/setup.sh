#!/bin/sh
# Installs one client of this folder into $COMPAT_HOME, at the versions of its lock file. Usage: setup.sh FOLDER
set -eu
here=$COMPAT_HERE/$1
cp "$here/package.json" "$here/package-lock.json" "$COMPAT_HOME/"
cd "$COMPAT_HOME"
# Only what build.sh asks for is built: packages' own install scripts do not run.
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
if [ -x "$here/build.sh" ]; then
    "$here/build.sh" "$COMPAT_HOME"
fi

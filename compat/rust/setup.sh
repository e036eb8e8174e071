#!/bin/sh
# Builds one driver of this folder into $COMPAT_HOME/target, at the versions of its lock file. Usage: setup.sh FOLDER
set -eu
cd "$COMPAT_HERE/$1"
nice cargo build --locked --jobs 2 --target-dir "$COMPAT_HOME/target"

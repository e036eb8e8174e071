#!/bin/sh
# Build one driver: build.sh FOLDER. What it is built from is pinned by that folder's go.mod and go.sum.
set -eu
cd "$COMPAT_HERE/$1"
exec go build -mod=readonly -trimpath -o "$COMPAT_HOME/driver" .

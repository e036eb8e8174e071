#!/bin/sh
# What the tests with foreign clients need of the system: kcat, librdkafka to compile against, Kafka's jars.
# (The Python clients, each in a place of its own: python -m compat --install.)
#
#   setup_clients.sh [kcat] [librdkafka] [java]      (nothing named: all three)
#
# A part that is there already costs nothing; a part that cannot be had here is named in one line with what to do about
# it, and its tests are reported as skipped with that reason. The exit code is 0 then as well.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
parts=${*:-kcat librdkafka java}

say() { printf 'setup: %s\n' "$*"; }

digest() { cksum <"$1" | tr ' ' '-'; }

# install_packages NAME PACKAGES... installs what Debian calls PACKAGES; NAME is what the user is told is missing.
install_packages() {
    name=$1
    shift
    if ! command -v apt-get >/dev/null 2>&1; then
        say "$name is missing: install it with your package manager; what needs it is skipped"
        return
    fi
    if [ "$(id -u)" -eq 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo -n"; else
        say "$name is missing: run 'sudo apt-get install $*'; what needs it is skipped"
        return
    fi
    export DEBIAN_FRONTEND=noninteractive
    install="$as_root apt-get install -qq -y --no-install-recommends $*"
    $install >/dev/null 2>&1 || { $as_root apt-get update -qq >/dev/null 2>&1 && $install >/dev/null 2>&1; } ||
        say "$name could not be installed with apt-get; what needs it is skipped"
}

setup_kcat() {
    if command -v kcat >/dev/null 2>&1; then return; fi
    install_packages kcat kcat
}

# For the programs in C: the benchmark's, and the driver of the compatibility table (which reads JSON).
setup_librdkafka() {
    if command -v cc >/dev/null 2>&1 && pkg-config --exists rdkafka jansson 2>/dev/null; then return; fi
    install_packages "librdkafka's development package" gcc libc6-dev pkg-config librdkafka-dev libjansson-dev
}

setup_java() {
    pom="$root/tools/setup/kafka-pom.xml"
    stamp="$root/.kafka/digest"
    older=org.apache.kafka:kafka-clients:3.9.1 # has the schemas of versions that 4.2 no longer serves
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$older-$(digest "$pom")" ]; then return; fi
    for program in java mvn; do
        if ! command -v "$program" >/dev/null 2>&1; then
            say "$program is missing (Java 17 and Maven fetch Apache Kafka's tools); the tests marked 'java' are skipped"
            return
        fi
    done
    rm -rf "$root/.kafka"
    if mvn -q -B -f "$pom" dependency:copy-dependencies "-DoutputDirectory=$root/.kafka/libs" &&
        mvn -q -B -f "$pom" dependency:copy "-Dartifact=$older" "-DoutputDirectory=$root/.kafka/older"; then
        echo "$older-$(digest "$pom")" >"$stamp"
    else
        rm -rf "$root/.kafka"
        say "Apache Kafka's jars could not be fetched with mvn; the tests marked 'java' are skipped"
    fi
}

for part in $parts; do
    case $part in
        kcat) setup_kcat ;;
        librdkafka) setup_librdkafka ;;
        java) setup_java ;;
        *) say "unknown part '$part': one of kcat, librdkafka, java"; exit 2 ;;
    esac
done

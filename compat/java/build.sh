#!/bin/sh
# Fetch the jars of one version of the client and compile the driver against them: build.sh FOLDER.
# FOLDER/pom.xml pins every jar's version, FOLDER/jars.sha256 its content.
set -eu
lock="$COMPAT_HERE/$1"
rm -rf "$COMPAT_HOME/jars" "$COMPAT_HOME/classes"
mkdir -p "$COMPAT_HOME/jars" "$COMPAT_HOME/classes"
mvn -q -B -f "$lock/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$COMPAT_HOME/jars" ||
    { echo "Maven could not fetch the jars of $1/pom.xml"; exit 1; }
cd "$COMPAT_HOME/jars"
if command -v sha256sum >/dev/null 2>&1; then sum=sha256sum; else sum="shasum -a 256"; fi
$sum ./*.jar >../jars.sha256
diff "$lock/jars.sha256" ../jars.sha256 >&2 || { echo "the jars are not those of $1/jars.sha256" >&2; exit 1; }
exec javac -nowarn -Xlint:-options --release 17 -d "$COMPAT_HOME/classes" -cp "$COMPAT_HOME/jars/*" "$COMPAT_HERE"/src/*.java

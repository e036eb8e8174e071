#!/bin/sh
# Kafka's jars as the tests use them (pinned by tools/setup/kafka-pom.xml), and an archive of the classes that its
# tools load, which halves what each start of a JVM costs.
set -eu
libs=${OTTLA_KAFKA_LIBS:-$COMPAT_ROOT/.kafka/libs}
if ! ls "$libs"/kafka-tools-*.jar >/dev/null 2>&1; then
    "$COMPAT_ROOT/tools/setup/setup_clients.sh" java
    ls "$libs"/kafka-tools-*.jar >/dev/null 2>&1 ||
        { echo "Apache Kafka's jars are not there: tools/setup/setup_clients.sh java fetches them (needs Maven)"; exit 1; }
fi
rm -f "$COMPAT_HOME/classes.jsa"
printf 'default.api.timeout.ms=500\nrequest.timeout.ms=500\n' >"$COMPAT_HOME/hurry.properties"
# Nobody listens there: the tool loads its classes, fails, and leaves the archive behind.
java -Xmx192m -XX:+UseSerialGC -XX:ArchiveClassesAtExit="$COMPAT_HOME/classes.jsa" -cp "$libs/*" \
    org.apache.kafka.tools.TopicCommand --bootstrap-server 127.0.0.1:1 --list \
    --command-config "$COMPAT_HOME/hurry.properties" >/dev/null 2>&1 || true

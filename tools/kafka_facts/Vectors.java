// Asks Apache Kafka what it does with settings, case by case, and writes the answers as JSON.
//
//   java -cp 'libs/*' Vectors.java ../../tests/runtime/data/kafka_settings_answers.json
//
// The cases are ours; the answers come from the code of the release on the class path.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.StringReader;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import kafka.server.ConfigHelper;
import kafka.server.ControllerConfigurationValidator;
import kafka.server.KafkaConfig;
import kafka.server.logger.RuntimeLoggerManager;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.message.DescribeConfigsRequestData.DescribeConfigsResource;
import org.apache.kafka.common.message.DescribeConfigsResponseData;
import org.apache.kafka.common.message.IncrementalAlterConfigsRequestData;
import org.apache.kafka.common.metadata.ConfigRecord;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.metadata.ConfigRepository;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.metadata.MetadataCache;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.slf4j.LoggerFactory;

public class Vectors {
    static final String LONG = "9223372036854775807";

    static Map<String, String> map(String... pairs) {
        Map<String, String> map = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) map.put(pairs[i], pairs[i + 1]);
        return map;
    }

    static Properties props(Map<String, String> map) {
        Properties props = new Properties();
        map.forEach((key, value) -> { if (value != null) props.setProperty(key, value); });
        return props;
    }

    static Map<String, String> node(Map<String, String> more) {
        Map<String, String> all = map(
            "process.roles", "broker,controller", "node.id", "1", "controller.listener.names", "CONTROLLER",
            "listeners", "PLAINTEXT://:9092,CONTROLLER://:9093", "controller.quorum.voters", "1@localhost:9093",
            "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        all.putAll(more);
        return all;
    }

    static KafkaConfig config(Map<String, String> more) {
        return new KafkaConfig(new java.util.HashMap<>(node(more)), false);
    }

    interface Call { void run() throws Throwable; }

    /** [code, message], or null if all is well. */
    static Object refusal(Call call) {
        try {
            call.run();
            return null;
        } catch (Throwable thrown) {
            Throwable error = thrown instanceof InvocationTargetException wrapped ? wrapped.getCause() : thrown;
            return Arrays.asList(ApiError.fromThrowable(error).error().name(), error.getClass().getSimpleName(), error.getMessage());
        }
    }

    public static void main(String[] args) throws Throwable {
        Map<String, Object> answers = new LinkedHashMap<>();
        answers.put("properties", properties());
        answers.put("doubles", doubles());
        answers.put("static", statics());
        answers.put("topic", topics());
        answers.put("group", groups());
        answers.put("client_metrics", clientMetrics());
        answers.put("dynamic", dynamics());
        answers.put("alter", alters());
        answers.put("loggers", loggers());
        answers.put("describe", describes());
        StringBuilder out = new StringBuilder("{\n");
        ObjectMapper json = new ObjectMapper();
        int left = answers.size();
        for (Map.Entry<String, Object> section : answers.entrySet()) {
            List<?> items = (List<?>) section.getValue();
            out.append(json.writeValueAsString(section.getKey())).append(": [\n");
            int rest = items.size();
            for (Object item : items) out.append(json.writeValueAsString(item)).append(--rest > 0 ? ",\n" : "\n]");
            out.append(--left > 0 ? ",\n" : "\n");
        }
        Files.writeString(Path.of(args[0]), out.append("}\n"));
    }

    // --- java.util.Properties

    static List<Object> properties() {
        String[] atoms = {"a", "b", "key", "=", ":", " ", "  ", "\t", "\f", "\\", "\\\\", "\n", "\r\n", "\r", "#", "!", "\\n", "\\t", "\\u0041",
            "\\u00e9", "\\u12", "\\=", "\\:", "\\ ", "\\#", "\u00fc", "x=y", "\n\n", "\\\n", "\\\r\n", "\\\n  ", "\\ud83d\\ude00", "1"};
        Random random = new Random(42);
        List<Object> cases = new ArrayList<>();
        List<String> texts = new ArrayList<>(List.of("", "a", "a=", "=a", "a=b\na=c", "#a=b\nc=d", " # x\n", "a\\\n#b=c", "\\\n#b=c", "a=b\\", "a\\", "a b=c",
            "a\\ b = c ", "a=b \\\n   c", "a:b:c", "a==b", "a\n=b", "\\u0061=\\u0062", "a=\\uZZZZ", "a=\\u004", "\\\n\\\nx", "x\\\n\n y=1"));
        for (int i = 0; i < 400; i++) {
            StringBuilder text = new StringBuilder();
            for (int left = 1 + random.nextInt(14); left > 0; left--) text.append(atoms[random.nextInt(atoms.length)]);
            texts.add(text.toString());
        }
        for (String text : texts) {
            Properties props = new Properties();
            Object outcome;
            try {
                props.load(new StringReader(text));
                Map<String, String> sorted = new TreeMap<>();
                props.stringPropertyNames().forEach(name -> sorted.put(name, props.getProperty(name)));
                outcome = sorted;
            } catch (Exception malformed) {
                outcome = null;
            }
            cases.add(Arrays.asList(text, outcome));
        }
        return cases;
    }

    static List<Object> doubles() {
        List<Object> cases = new ArrayList<>();
        for (double value : new double[] {0, 1, 0.5, 0.001, 0.0005, 9999999, 1e7, 12345678.5, 1.5e300, Double.MAX_VALUE, -0.25, -1e-9, 100, 0.9}) {
            cases.add(Arrays.asList(value, ConfigDef.convertToString(value, ConfigDef.Type.DOUBLE)));
        }
        return cases;
    }

    // --- whole configurations

    static List<Object> statics() {
        List<Object> cases = new ArrayList<>();
        for (Map<String, String> given : List.of(
            map(), map("broker.id", "2"), map("broker.id", "1"), map("log.retention.ms", "0"), map("log.retention.hours", "0"), map("log.retention.minutes", "-5"),
            map("log.retention.hours", "-2"), map("log.roll.ms", "0"), map("log.roll.hours", "0"), map("log.roll.jitter.ms", "-1"), map("log.roll.jitter.ms", "-1", "log.roll.jitter.hours", "1"),
            map("group.min.session.timeout.ms", "2000000"), map("group.max.session.timeout.ms", "100"), map("replica.fetch.wait.max.ms", "40000"),
            map("replica.lag.time.max.ms", "100"), map("replica.socket.timeout.ms", "100"), map("replica.socket.timeout.ms", "100", "replica.fetch.wait.max.ms", "50"),
            map("queued.max.request.bytes", "100"), map("queued.max.request.bytes", "0"), map("queued.max.request.bytes", "-1"), map("queued.max.request.bytes", "104857600"),
            map("log.cleaner.min.compaction.lag.ms", "10", "log.cleaner.max.compaction.lag.ms", "5"), map("num.partitions", "0"),
            map("offsets.topic.compression.codec", "9"), map("connections.max.idle.ms", "-1"), map("request.timeout.ms", "-1"), map("message.max.bytes", "100", "replica.fetch.max.bytes", "50"),
            map("advertised.listeners", "OTHER://h:1"), map("advertised.listeners", "PLAINTEXT://0.0.0.0:9092"), map("advertised.listeners", "PLAINTEXT://h:1"),
            map("listeners", "PLAINTEXT://:9092,PLAINTEXT://:9095,CONTROLLER://:9093"), map("listeners", "PLAINTEXT://:9092,CONTROLLER://:9092"),
            map("listeners", "FOO://:9092,CONTROLLER://:9093"), map("listeners", "nonsense"), map("inter.broker.listener.name", "NOPE"),
            map("inter.broker.listener.name", "PLAINTEXT", "security.inter.broker.protocol", "PLAINTEXT"), map("listener.security.protocol.map", "PLAINTEXT:NOPE"),
            map("max.connections.per.ip.overrides", "127.0.0.1:5"), map("max.connections.per.ip.overrides", "x"), map("max.connections.per.ip.overrides", "localhost:-1"),
            map("max.connections.per.ip", "0"), map("max.connections.per.ip", "0", "max.connections.per.ip.overrides", "127.0.0.1:5"),
            map("log.dirs", " "), map("log.dirs", "/a,/a"), map("log.dirs", "/a,,/b"), map("log.dir", "/a"), map("node.id", "-1"), map("broker.heartbeat.interval.ms", "20000"),
            map("group.consumer.min.session.timeout.ms", "50000"), map("group.consumer.max.session.timeout.ms", "100"), map("group.consumer.heartbeat.interval.ms", "1000"),
            map("group.coordinator.rebalance.protocols", "consumer"), map("group.coordinator.rebalance.protocols", "classic"), map("group.coordinator.rebalance.protocols", "classic,share"),
            map("group.share.record.lock.duration.ms", "61000"), map("log.cleanup.policy", ""), map("log.cleanup.policy", "delete,compact"), map("log.segment.bytes", "1000"),
            map("log.message.timestamp.type", "x"), map("compression.type", "none"), map("listener.name.plaintext.ssl.client.auth", "x"), map("unknown.setting", "x"))) {
            cases.add(Arrays.asList(given, refusal(() -> config(given))));
        }
        return cases;
    }

    // --- topics and groups, at the controller

    static List<Object> topics() {
        List<Object> cases = new ArrayList<>();
        List<Map<String, String>> all = new ArrayList<>(List.of(
            map(), map("retention.ms", "1"), map("retentio.ms", "1"), map("retention.ms", "-2"), map("retention.ms", "x"), map("retention.ms", ""), map("segment.bytes", "100"),
            map("internal.segment.bytes", "100"), map("cleanup.policy", "compact, delete"), map("cleanup.policy", ""), map("cleanup.policy", "delete,delete"), map("cleanup.policy", "Delete"),
            map("cleanup.policy", "delete,"), map("cleanup.policy", ","), map("min.compaction.lag.ms", "10", "max.compaction.lag.ms", "5"), map("min.compaction.lag.ms", "10", "max.compaction.lag.ms", "10"),
            map("max.compaction.lag.ms", "0"), map("min.cleanable.dirty.ratio", "1.5"), map("min.cleanable.dirty.ratio", "-0.1"), map("min.cleanable.dirty.ratio", "NaN"), map("compression.gzip.level", "0"),
            map("compression.gzip.level", "10"), map("compression.lz4.level", "18"), map("compression.zstd.level", "23"), map("compression.type", "none"), map("message.timestamp.type", "createtime"),
            map("remote.storage.enable", "true"), map("remote.storage.enable", "false"), map("remote.log.copy.disable", "true"), map("remote.log.delete.on.disable", "true"),
            map("local.retention.ms", "-3"), map("local.retention.ms", "999999999999"), map("local.retention.bytes", "999"), map("preallocate", "yes"), map("preallocate", " TRUE "), map("min.insync.replicas", "0"),
            map("max.message.bytes", "-1"), map("leader.replication.throttled.replicas", "0:1,a"), map("leader.replication.throttled.replicas", "*"), map("leader.replication.throttled.replicas", "0:1,*"),
            map("leader.replication.throttled.replicas", ""), map("message.format.version", "3.0"), map("message.downconversion.enable", "true"), map("unclean.leader.election.enable", "maybe"), map("flush.ms", "-1"), map("flush.messages", "0"),
            map("segment.ms", "0"), map("segment.jitter.ms", "-1"), map("segment.index.bytes", "3"), map("retention.bytes", "-5"), map("file.delete.delay.ms", "99999999999999999999"), map("delete.retention.ms", "+5"), map("retention.ms", null)));
        for (Map<String, String> given : all) {
            cases.add(Arrays.asList(map(), given, refusal(() -> new ControllerConfigurationValidator(config(map())).validate(
                new ConfigResource(ConfigResource.Type.TOPIC, "t"), given, Map.of()))));
        }
        Map<String, String> broker = map("log.cleaner.min.compaction.lag.ms", "1000");
        for (Map<String, String> given : List.of(map("max.compaction.lag.ms", "5"), map("retention.ms", "5"))) {
            cases.add(Arrays.asList(broker, given, refusal(() -> new ControllerConfigurationValidator(config(broker)).validate(
                new ConfigResource(ConfigResource.Type.TOPIC, "t"), given, Map.of()))));
        }
        return cases;
    }

    static List<Object> groups() {
        List<Object> cases = new ArrayList<>();
        for (Map<String, String> given : List.of(map(), map("consumer.session.timeout.ms", "50000"), map("consumer.session.timeout.ms", "10"), map("consumer.session.timeout.ms", "70000"), map("consumer.session.timeout.ms", "x"),
            map("consumer.heartbeat.interval.ms", "6000"), map("consumer.heartbeat.interval.ms", "10"), map("consumer.heartbeat.interval.ms", "20000"), map("share.session.timeout.ms", "10"), map("share.session.timeout.ms", "70000"),
            map("share.heartbeat.interval.ms", "10"), map("share.heartbeat.interval.ms", "20000"), map("share.record.lock.duration.ms", "10000"), map("share.record.lock.duration.ms", "70000"), map("share.record.lock.duration.ms", "100"),
            map("share.auto.offset.reset", "x"), map("share.auto.offset.reset", "by_duration:PT1H"), map("share.auto.offset.reset", "by_duration:-PT1H"), map("share.auto.offset.reset", "by_duration:"), map("share.auto.offset.reset", "by_duration:P1DT2H3M4.5S"),
            map("share.auto.offset.reset", "by_duration:PT"), map("share.auto.offset.reset", "by_duration:P"), map("share.auto.offset.reset", "by_duration:P1W"), map("share.auto.offset.reset", "Latest"), map("share.isolation.level", "READ_COMMITTED"), map("streams.session.timeout.ms", "10"),
            map("streams.session.timeout.ms", "70000"), map("streams.heartbeat.interval.ms", "10"), map("streams.heartbeat.interval.ms", "20000"), map("streams.num.standby.replicas", "3"), map("streams.initial.rebalance.delay.ms", "-1"), map("nope", "1"),
            map("consumer.heartbeat.interval.ms", "15000", "consumer.session.timeout.ms", "45000"))) {
            cases.add(Arrays.asList(given, refusal(() -> new ControllerConfigurationValidator(config(map())).validate(
                new ConfigResource(ConfigResource.Type.GROUP, "g"), given, Map.of()))));
        }
        return cases;
    }

    static List<Object> clientMetrics() {
        List<Object> cases = new ArrayList<>();
        for (Map<String, String> given : List.of(map(), map("interval.ms", "1000"), map("interval.ms", "99"), map("interval.ms", "3600001"), map("metrics", "a,b"), map("metrics", "*"), map("match", "client_id=x.*"), map("match", "x"),
            map("match", "nope=x"), map("match", "client_id=("), map("nope", "1"))) {
            cases.add(Arrays.asList(given, refusal(() -> new ControllerConfigurationValidator(config(map())).validate(
                new ConfigResource(ConfigResource.Type.CLIENT_METRICS, "m"), given, Map.of()))));
        }
        return cases;
    }

    // --- a broker's dynamic settings

    static List<Object> dynamics() {
        List<Object> cases = new ArrayList<>();
        for (Map<String, String> given : List.of(
            map("log.retention.ms", "5"), map("num.partitions", "5"), map("num.partitions", "5", "log.dirs", "/x"), map("broker.id", "3", "node.id", "3", "log.dir", "/x", "delete.topic.enable", "false", "num.partitions", "3"),
            map("log.retention.hours", "5"), map("message.max.bytes", "x"), map("message.max.bytes", "-1"), map("log.segment.bytes", "5"), map("log.cleanup.policy", "x"), map("unknown.name", "5"), map("listeners", "PLAINTEXT://:9999"),
            map("ssl.keystore.location", "/x"), map("ssl.keystore.location", "/x", "ssl.keystore.type", "JKS"), map("listener.name.plaintext.ssl.keystore.location", "/x"), map("listener.name.plaintext.max.connections", "5"),
            map("listener.name.plaintext.num.partitions", "5"), map("listener.name.plaintext.ssl.client.auth", "x"), map("sasl.jaas.config", "x"), map("principal.builder.class", "x"), map("max.connections", "5"), map("max.connections.per.ip.overrides", "x"),
            map("leader.replication.throttled.rate", "5"), map("leader.replication.throttled.rate", "-5"), map("follower.replication.throttled.rate", "5"), map("log.retention.ms", "0"), map("log.roll.ms", "0"), map("log.cleaner.threads", "0"),
            map("log.cleaner.min.compaction.lag.ms", "10", "log.cleaner.max.compaction.lag.ms", "5"), map("min.insync.replicas", "0"), map("compression.type", "gzip"), map("log.flush.interval.ms", "100"), map("num.io.threads", "100"),
            map("log.cleaner.io.buffer.load.factor", "x"), map("retention.ms", "5"), map("log.cleaner.dedupe.buffer.size", "1"), map("config.providers", ""), map("unclean.leader.election.enable", "true"))) {
            for (boolean perBroker : new boolean[] {false, true}) {
                cases.add(Arrays.asList(given, perBroker, refusal(() -> {
                    KafkaConfig config = config(map());
                    config.dynamicConfig().initialize(scala.Option.empty());
                    config.dynamicConfig().validate(props(given), perBroker);
                })));
            }
        }
        return cases;
    }

    // --- incremental changes, at the controller

    static List<Object> alters() throws Throwable {
        List<Object> cases = new ArrayList<>();
        Object[][] all = {
            {"TOPIC", map(), ops("retention.ms", "SET", "5")}, {"TOPIC", map("retention.ms", "5"), ops("retention.ms", "DELETE", null)}, {"TOPIC", map(), ops("retention.ms", "DELETE", null)},
            {"TOPIC", map(), ops("cleanup.policy", "APPEND", "compact")}, {"TOPIC", map("cleanup.policy", "compact"), ops("cleanup.policy", "APPEND", "delete")}, {"TOPIC", map("cleanup.policy", "compact"), ops("cleanup.policy", "APPEND", "compact")},
            {"TOPIC", map(), ops("cleanup.policy", "SUBTRACT", "delete")}, {"TOPIC", map("cleanup.policy", "compact,delete"), ops("cleanup.policy", "SUBTRACT", "delete")}, {"TOPIC", map("cleanup.policy", "compact"), ops("cleanup.policy", "SUBTRACT", "delete")},
            {"TOPIC", map("cleanup.policy", "compact"), ops("cleanup.policy", "SUBTRACT", "compact")}, {"TOPIC", map(), ops("cleanup.policy", "APPEND", "x")}, {"TOPIC", map(), ops("retention.ms", "APPEND", "5")}, {"TOPIC", map(), ops("retention.ms", "SUBTRACT", "5")},
            {"TOPIC", map(), ops("nope", "SET", "5")}, {"TOPIC", map(), ops("nope", "APPEND", "5")}, {"TOPIC", map(), ops("nope", "DELETE", null)},
            {"TOPIC", map(), ops("leader.replication.throttled.replicas", "APPEND", "0:1,1:1")}, {"TOPIC", map("leader.replication.throttled.replicas", "0:1"), ops("leader.replication.throttled.replicas", "APPEND", "0:1,1:1")},
            {"TOPIC", map("leader.replication.throttled.replicas", "0:1,1:1"), ops("leader.replication.throttled.replicas", "SUBTRACT", "0:1,1:1")}, {"TOPIC", map("cleanup.policy", "compact"), ops("retention.ms", "SET", "x")},
            {"TOPIC", map("cleanup.policy", "compact,delete"), ops("cleanup.policy", "SUBTRACT", "delete,compact")}, {"TOPIC", map("cleanup.policy", "compact"), ops("cleanup.policy", "APPEND", "delete,delete")}, {"TOPIC", map(), ops("cleanup.policy", "APPEND", " compact")},
            {"TOPIC", map("min.compaction.lag.ms", "10"), ops("max.compaction.lag.ms", "SET", "5")}, {"TOPIC", map(), ops("retention.ms", "SET", "5", "segment.ms", "SET", "7")},
            {"GROUP", map(), ops("consumer.session.timeout.ms", "SET", "50000")}, {"GROUP", map(), ops("consumer.session.timeout.ms", "APPEND", "50000")}, {"GROUP", map(), ops("nope", "SET", "1")},
            {"CLIENT_METRICS", map(), ops("metrics", "APPEND", "a,b")}, {"CLIENT_METRICS", map("metrics", "a"), ops("metrics", "SUBTRACT", "a")},
            {"BROKER", map(), ops("log.cleanup.policy", "APPEND", "compact")}, {"BROKER", map(), ops("log.retention.ms", "APPEND", "1")}, {"BROKER", map(), ops("num.partitions", "SET", "3")}, {"BROKER", map("log.retention.ms", "1"), ops("log.retention.ms", "DELETE", null)},
        };
        for (Object[] each : all) {
            @SuppressWarnings("unchecked") Map<String, String> before = (Map<String, String>) each[1];
            @SuppressWarnings("unchecked") List<List<String>> ops = (List<List<String>>) each[2];
            cases.add(Arrays.asList(each[0], before, ops, alter(ConfigResource.Type.valueOf((String) each[0]), before, ops)));
        }
        return cases;
    }

    static List<List<String>> ops(String... triples) {
        List<List<String>> ops = new ArrayList<>();
        for (int i = 0; i < triples.length; i += 3) ops.add(Arrays.asList(triples[i], triples[i + 1], triples[i + 2]));
        return ops;
    }

    static Object call(Object target, String name, Object... args) throws Throwable {
        for (Method method : target.getClass().getDeclaredMethods()) {
            if (method.getName().equals(name) && method.getParameterCount() == args.length) {
                method.setAccessible(true);
                try {
                    return method.invoke(target, args);
                } catch (InvocationTargetException wrapped) {
                    throw wrapped.getCause();
                }
            }
        }
        throw new NoSuchMethodException(name);
    }

    /** [the configs afterwards, [code, message]]. */
    static Object alter(ConfigResource.Type type, Map<String, String> before, List<List<String>> ops) throws Throwable {
        Class<?> builderClass = Class.forName("org.apache.kafka.controller.ConfigurationControlManager$Builder");
        Constructor<?> make = builderClass.getDeclaredConstructor();
        make.setAccessible(true);
        Object builder = make.newInstance();
        KafkaConfig config = config(map());
        call(builder, "setKafkaConfigSchema", new KafkaConfigSchema(Map.of(
            ConfigResource.Type.BROKER, new ConfigDef(KafkaConfig.configDef()), ConfigResource.Type.TOPIC, LogConfig.configDefCopy(),
            ConfigResource.Type.GROUP, org.apache.kafka.coordinator.group.GroupConfig.configDef(),
            ConfigResource.Type.CLIENT_METRICS, org.apache.kafka.server.metrics.ClientMetricsConfigs.configDef()), ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS));
        call(builder, "setValidator", new ControllerConfigurationValidator(config));
        call(builder, "setFeatureControl", featureControl());
        Object manager = call(builder, "build");
        String name = type == ConfigResource.Type.BROKER ? "" : "r";
        ConfigResource resource = new ConfigResource(type, name);
        before.forEach((key, value) -> {
            try {
                call(manager, "replay", new ConfigRecord().setResourceType(type.id()).setResourceName(name).setName(key).setValue(value));
            } catch (Throwable error) {
                throw new RuntimeException(error);
            }
        });
        Map<String, Map.Entry<OpType, String>> changes = new LinkedHashMap<>();
        for (List<String> op : ops) changes.put(op.get(0), new AbstractMap.SimpleEntry<>(OpType.valueOf(op.get(1)), op.get(2)));
        Object result = call(manager, "incrementalAlterConfig", resource, changes, true);
        Method response = result.getClass().getMethod("response");
        Method records = result.getClass().getMethod("records");
        response.setAccessible(true);
        records.setAccessible(true);
        ApiError error = (ApiError) response.invoke(result);
        Map<String, String> after = new TreeMap<>(before);
        for (Object record : (List<?>) records.invoke(result)) {
            ConfigRecord change = (ConfigRecord) ((org.apache.kafka.server.common.ApiMessageAndVersion) record).message();
            if (change.value() == null) after.remove(change.name()); else after.put(change.name(), change.value());
        }
        return Arrays.asList(after, error.isFailure() ? Arrays.asList(error.error().name(), error.message()) : null);
    }

    static Object featureControl() throws Throwable {
        Class<?> builderClass = Class.forName("org.apache.kafka.controller.FeatureControlManager$Builder");
        Constructor<?> make = builderClass.getDeclaredConstructor();
        make.setAccessible(true);
        return call(make.newInstance(), "build");
    }

    static List<Object> loggers() {
        List<Object> cases = new ArrayList<>();
        Object[][] all = {{"kafka.server", "SET", "DEBUG"}, {"kafka.server", "SET", "debug"}, {"kafka.server", "SET", "NOPE"}, {"kafka.server", "SET", ""}, {"no.such.logger", "SET", "INFO"}, {"kafka.server", "DELETE", null}, {"root", "DELETE", null},
            {"root", "SET", "INFO"}, {"kafka.server", "APPEND", "INFO"}, {"kafka.server", "SUBTRACT", "INFO"}, {"kafka.server", "SET", "OFF"}, {"kafka.server", "SET", "TRACE"}};
        LoggerFactory.getLogger("kafka.server");
        for (Object[] each : all) {
            cases.add(Arrays.asList(Arrays.asList(each), refusal(() -> {
                IncrementalAlterConfigsRequestData.AlterConfigsResource resource = new IncrementalAlterConfigsRequestData.AlterConfigsResource().setResourceType((byte) 8).setResourceName("1");
                resource.configs().add(new IncrementalAlterConfigsRequestData.AlterableConfig().setName((String) each[0]).setConfigOperation(OpType.valueOf((String) each[1]).id()).setValue((String) each[2]));
                new RuntimeLoggerManager(1, LoggerFactory.getLogger("x")).applyChangesForResource(true, false, resource);
            })));
        }
        return cases;
    }

    // --- DescribeConfigs

    static List<Object> describes() {
        List<Object> cases = new ArrayList<>();
        Map<String, String> statics = map("log.retention.hours", " 24 ", "message.max.bytes", "2000000", "ssl.key.password", "secret", "unknown.setting", "x", "log.cleanup.policy", "compact, delete", "group.consumer.session.timeout.ms", "50000");
        Map<String, String> cluster = map("log.retention.ms", "9000", "log.cleaner.min.cleanable.ratio", "0.25", "leader.replication.throttled.rate", "1000");
        Map<String, String> broker = map("log.flush.interval.ms", "100", "message.max.bytes", "3000000", "listener.name.plaintext.ssl.client.auth", "requested");
        Map<String, String> topic = map("retention.ms", "12", "compression.type", "gzip", "cleanup.policy", "compact,  delete");
        Map<String, String> group = map("consumer.heartbeat.interval.ms", "6000", "share.auto.offset.reset", "earliest");
        KafkaConfig config = config(statics);
        config.dynamicConfig().initialize(scala.Option.empty());
        config.dynamicConfig().updateDefaultConfig(props(cluster), false);
        config.dynamicConfig().updateBrokerConfig(1, props(broker), false);
        ConfigRepository repository = resource -> props(switch (resource.type()) {
            case TOPIC -> topic;
            case GROUP -> group;
            default -> map("interval.ms", "1000");
        });
        MetadataCache cache = (MetadataCache) Proxy.newProxyInstance(Vectors.class.getClassLoader(), new Class<?>[] {MetadataCache.class},
            (proxy, method, arguments) -> method.getName().equals("contains") ? arguments[0].equals("t") : null);
        ConfigHelper helper = new ConfigHelper(cache, config, repository);
        Object[][] asked = {{2, "t"}, {2, "unknown"}, {2, "bad/name"}, {2, ""}, {4, ""}, {4, "1"}, {4, "2"}, {4, "x"}, {8, ""}, {8, "2"}, {8, "x"}, {16, "m"}, {16, ""}, {32, "g"}, {32, ""}, {64, "x"}};
        for (Object[] each : asked) {
            DescribeConfigsResource resource = new DescribeConfigsResource().setResourceType(((Integer) each[0]).byteValue()).setResourceName((String) each[1]).setConfigurationKeys(null);
            scala.collection.immutable.List<DescribeConfigsResource> one = scala.jdk.javaapi.CollectionConverters.asScala(List.of(resource)).toList();
            DescribeConfigsResponseData.DescribeConfigsResult result = helper.describeConfigs(one, true, false).head();
            Map<String, Object> entries = new TreeMap<>();
            for (DescribeConfigsResponseData.DescribeConfigsResourceResult entry : result.configs()) {
                List<Object> synonyms = new ArrayList<>();
                entry.synonyms().forEach(synonym -> synonyms.add(Arrays.asList(synonym.name(), synonym.value(), synonym.source())));
                entries.put(entry.name(), Arrays.asList(entry.value(), entry.readOnly(), entry.configSource(), entry.isSensitive(), entry.configType(), synonyms));
            }
            Map<String, Object> outcome = new LinkedHashMap<>();
            outcome.put("resource", Arrays.asList(each));
            outcome.put("error", result.errorCode());
            outcome.put("message", result.errorMessage());
            outcome.put("configs", entries);
            cases.add(outcome);
        }
        Map<String, Object> given = new LinkedHashMap<>();
        given.put("static", node(statics));
        given.put("cluster", cluster);
        given.put("broker", broker);
        given.put("topic", topic);
        given.put("group", group);
        given.put("client_metrics", map("interval.ms", "1000"));
        cases.add(0, given);
        return cases;
    }
}

// Dumps what Apache Kafka knows about its settings, as JSON, into the file that is named.
//
//   java -cp 'libs/*' Facts.java ../../tests/runtime/data/kafka_settings.json
//
// Every fact is read by reflection from the jars of the release on the class path; nothing is transcribed.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.ConfigKey;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;

public class Facts {
    /** Tried on every setting: what it becomes, or why it is refused. */
    static final String[] SAMPLES = {
        "", " ", "abc", "-3", "-2", "-1", "0", "1", " 5 ", "22", "100", "2048", "70000", "99999999999", "1.5", "1e3", "0x10", "true", "FALSE", "a,b", "a, a",
        "compact, delete", "none", "producer", "CreateTime", "DEBUG", "uniform", "latest", "by_duration:PT1H", "read_committed", "0:1,1:2", "*", "PLAINTEXT"
    };

    static final Map<String, Integer> messages = new LinkedHashMap<>();

    public static void main(String[] args) throws Exception {
        ConfigDef broker = kafka.server.KafkaConfig$.MODULE$.configDef();
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("version", AppInfoParser.getVersion());
        facts.put("samples", SAMPLES);
        facts.put("broker", keys(broker.configKeys()));
        facts.put("dynamic_only", keys(dynamicOnly(broker)));
        facts.put("topic", keys(LogConfig.configKeys()));
        facts.put("group", keys(GroupConfig.configDef().configKeys()));
        facts.put("client_metrics", keys(ClientMetricsConfigs.configDef().configKeys()));
        facts.put("update_modes", new TreeMap<>(updateModes()));
        facts.put("synonyms", synonyms(broker.names()));
        facts.put("topic_synonym", new TreeMap<>(ServerTopicConfigSynonyms.TOPIC_CONFIG_SYNONYMS));
        Map<String, Object> all = new TreeMap<>();
        ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.forEach((name, list) -> {
            List<String> names = new ArrayList<>();
            list.forEach(synonym -> names.add(synonym.name()));
            all.put(name, names);
        });
        facts.put("topic_all_synonyms", all);
        for (String field : List.of("DynamicSecurityConfigs", "PerBrokerConfigs", "ClusterLevelListenerConfigs", "ListenerMechanismConfigs")) {
            facts.put(snake(field), new TreeSet<>(scalaSet(field)));
        }
        facts.put("messages", new ArrayList<>(messages.keySet()));
        Files.writeString(Path.of(args[0]), lines(new ObjectMapper(), facts));
    }

    static String lines(ObjectMapper json, Map<String, Object> facts) throws Exception {
        StringBuilder out = new StringBuilder("{\n");
        int left = facts.size();
        for (Map.Entry<String, Object> entry : facts.entrySet()) {
            out.append(json.writeValueAsString(entry.getKey())).append(": ");
            if (entry.getValue() instanceof Collection<?> list && !list.isEmpty() && list.iterator().next() instanceof Map) {
                out.append("[\n");
                int rest = list.size();
                for (Object item : list) out.append(json.writeValueAsString(item)).append(--rest > 0 ? ",\n" : "\n]");
            } else {
                out.append(json.writeValueAsString(entry.getValue()));
            }
            out.append(--left > 0 ? ",\n" : "\n");
        }
        return out.append("}\n").toString();
    }

    static String snake(String name) {
        return name.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toLowerCase();
    }

    static List<Object> keys(Map<String, ConfigKey> keys) {
        List<Object> all = new ArrayList<>();
        for (ConfigKey key : new TreeMap<>(keys).values()) {
            Map<String, Object> fact = new LinkedHashMap<>();
            fact.put("name", key.name);
            fact.put("type", key.type.name());
            fact.put("required", !key.hasDefault());
            fact.put("default", key.hasDefault() ? ConfigDef.convertToString(key.defaultValue, key.type) : null);
            fact.put("validator", key.validator == null ? null : key.validator.toString());
            fact.put("importance", key.importance.name());
            fact.put("internal", key.internalConfig);
            List<Object> results = new ArrayList<>();
            for (String sample : SAMPLES) results.add(result(key, sample));
            fact.put("results", results);
            all.add(fact);
        }
        return all;
    }

    /** Text of the parsed value, or the number of the message that refuses it. */
    static Object result(ConfigKey key, String sample) {
        try {
            Object value = ConfigDef.parseType(key.name, sample, key.type);
            if (key.validator != null) key.validator.ensureValid(key.name, value);
            return key.type == ConfigDef.Type.PASSWORD ? sample.trim() : ConfigDef.convertToString(value, key.type);
        } catch (ConfigException refused) {
            String text = refused.getMessage().replace(key.name, "{name}");
            return messages.computeIfAbsent(text, unused -> messages.size());
        }
    }

    static Map<String, ConfigKey> dynamicOnly(ConfigDef broker) throws Exception {
        Map<String, ConfigKey> keys = new TreeMap<>();
        Class<?> quota = Class.forName("org.apache.kafka.server.config.QuotaConfig");
        ConfigDef def = (ConfigDef) quota.getMethod("brokerQuotaConfigs").invoke(null);
        def.configKeys().forEach((name, key) -> {
            if (!broker.names().contains(name)) keys.put(name, key);
        });
        return keys;
    }

    static Map<String, String> updateModes() {
        return kafka.server.DynamicBrokerConfig$.MODULE$.dynamicConfigUpdateModes();
    }

    static Map<String, Object> synonyms(Set<String> names) {
        Map<String, Object> all = new TreeMap<>();
        for (String name : names) {
            List<String> list = new ArrayList<>();
            scala.collection.Iterator<String> each = kafka.server.DynamicBrokerConfig$.MODULE$.brokerConfigSynonyms(name, true).iterator();
            while (each.hasNext()) list.add(each.next());
            if (list.size() > 1 || !list.get(0).equals(name)) all.put(name, list);
        }
        return all;
    }

    static Set<String> scalaSet(String field) throws Exception {
        Class<?> module = Class.forName("kafka.server.DynamicBrokerConfig$");
        Object value = null;
        for (Field candidate : module.getDeclaredFields()) {
            if (candidate.getName().endsWith(field)) {
                candidate.setAccessible(true);
                value = candidate.get(null);
            }
        }
        Set<String> names = new TreeSet<>();
        scala.collection.Iterator<?> each = ((scala.collection.Iterable<?>) value).iterator();
        while (each.hasNext()) names.add((String) each.next());
        return names;
    }
}

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigsResult;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.utils.AppInfoParser;

/** The calls of Admin about settings. */
final class ConfigCalls {
    private ConfigCalls() {}

    private static ConfigResource resource(Request request) {
        String name = request.text("type").toUpperCase(Locale.ROOT);
        return Arrays.stream(ConfigResource.Type.values())
            .filter(type -> type.name().equals(name))
            .map(type -> new ConfigResource(type, request.text("name")))
            .findFirst()
            .orElseThrow(() -> new Driver.None(
                "kafka-clients " + AppInfoParser.getVersion() + " knows no settings of a " + request.text("type")));
    }

    static Map<String, Object> describe(Admin admin, Request request) throws Exception {
        var configs = new LinkedHashMap<String, String>();
        for (Config each : admin.describeConfigs(List.of(resource(request))).all().get().values()) {
            each.entries().forEach(entry -> configs.put(entry.name(), entry.value()));
        }
        return Map.of("configs", configs);
    }

    /** The old call; Kafka 4's client has it no more. */
    static Map<String, Object> alter(Admin admin, Request request) throws Exception {
        var entries = new ArrayList<ConfigEntry>();
        request.configs().forEach((name, value) -> entries.add(new ConfigEntry(name, value)));
        AlterConfigsResult result =
            Newer.call(Admin.class, admin, "alterConfigs", Map.of(resource(request), new Config(entries)));
        result.all().get();
        return Map.of();
    }

    static Map<String, Object> incrementalAlter(Admin admin, Request request) throws Exception {
        var ops = new ArrayList<AlterConfigOp>();
        for (JsonElement each : request.list("ops")) {
            JsonArray triple = each.getAsJsonArray();
            var entry = new ConfigEntry(triple.get(1).getAsString(), Request.textOf(triple.get(2)));
            ops.add(new AlterConfigOp(
                entry, AlterConfigOp.OpType.valueOf(triple.get(0).getAsString().toUpperCase(Locale.ROOT))));
        }
        Map<ConfigResource, Collection<AlterConfigOp>> changes = Map.of(resource(request), ops);
        admin.incrementalAlterConfigs(changes).all().get();
        return Map.of();
    }

    static Map<String, Object> listResources(Admin admin, Request request) throws Exception {
        Object result = Newer.call(Admin.class, admin, "listConfigResources");
        KafkaFuture<Collection<ConfigResource>> future = Newer.call(result.getClass(), result, "all");
        var resources = new ArrayList<List<String>>();
        future.get().forEach(
            each -> resources.add(List.of(each.type().name().toLowerCase(Locale.ROOT).replace('_', '-'), each.name())));
        return Map.of("resources", resources);
    }
}

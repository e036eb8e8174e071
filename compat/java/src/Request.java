import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.TopicPartition;

/** A request's arguments, and the settings that every client of it has. */
final class Request {
    private final JsonObject fields;

    Request(String line) {
        fields = JsonParser.parseString(line).getAsJsonObject();
    }

    /** An argument, or null where it is left out or null. */
    JsonElement get(String name) {
        JsonElement found = fields.get(name);
        return found == null || found.isJsonNull() ? null : found;
    }

    String text(String name) {
        JsonElement found = get(name);
        return found == null ? null : found.getAsString();
    }

    String text(String name, String otherwise) {
        return get(name) == null ? otherwise : text(name);
    }

    long number(String name) {
        return fields.get(name).getAsLong();
    }

    long number(String name, long otherwise) {
        return get(name) == null ? otherwise : number(name);
    }

    boolean flag(String name) {
        return get(name) != null && get(name).getAsBoolean();
    }

    JsonArray list(String name) {
        return fields.getAsJsonArray(name);
    }

    List<String> texts(String name) {
        var texts = new ArrayList<String>();
        list(name).forEach(each -> texts.add(each.getAsString()));
        return texts;
    }

    /** An object of texts, empty where it is left out. */
    Map<String, String> configs() {
        var configs = new LinkedHashMap<String, String>();
        if (get("configs") != null) {
            get("configs").getAsJsonObject().entrySet().forEach(
                each -> configs.put(each.getKey(), textOf(each.getValue())));
        }
        return configs;
    }

    static String textOf(JsonElement element) {
        return element.isJsonNull() ? null : element.getAsString();
    }

    Duration timeout() {
        return Duration.ofMillis(number("timeout_ms", 20_000));
    }

    /** When to give up, by {@link System#nanoTime}. */
    long deadline() {
        return System.nanoTime() + timeout().toNanos();
    }

    TopicPartition partition() {
        return new TopicPartition(text("topic"), (int) number("partition"));
    }

    /** What every client is given; the rest are the client's defaults. */
    Properties settings() {
        var settings = new Properties();
        settings.put("bootstrap.servers", text("bootstrap"));
        settings.put("client.id", "compat");
        settings.put("metadata.max.age.ms", "2000");
        settings.put("reconnect.backoff.max.ms", "1000");
        return settings;
    }
}

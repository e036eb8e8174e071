import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A producer for each combination of codec, acks and idempotence. */
final class Producers {
    private static final String MAX_REQUEST_BYTES = String.valueOf(4 << 20);

    private final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();

    void close() {
        producers.values().forEach(each -> each.close(Duration.ofSeconds(2)));
    }

    private KafkaProducer<byte[], byte[]> producer(Request request) {
        String codec = request.text("codec", "none");
        long acks = request.number("acks", -1);
        boolean idempotent = request.flag("idempotent");
        return producers.computeIfAbsent(codec + acks + idempotent, name -> {
            var settings = request.settings();
            settings.put("compression.type", codec);
            settings.put("acks", String.valueOf(acks));
            settings.put("enable.idempotence", String.valueOf(idempotent));
            settings.put("max.request.size", MAX_REQUEST_BYTES);
            return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        });
    }

    Map<String, Object> produce(Request request) throws Exception {
        KafkaProducer<byte[], byte[]> producer = producer(request);
        long start = System.nanoTime();
        long deadline = request.deadline();
        JsonElement perSecond = request.get("per_second");
        var sent = new ArrayList<Future<RecordMetadata>>();
        for (JsonElement each : request.list("records")) {
            if (perSecond != null) {
                long due = start + (long) (sent.size() / perSecond.getAsDouble() * 1e9);
                TimeUnit.NANOSECONDS.sleep(Math.max(0, due - System.nanoTime()));
            }
            sent.add(producer.send(record(request.text("topic"), each.getAsJsonObject())));
        }
        var offsets = new ArrayList<List<Long>>();
        for (Future<RecordMetadata> each : sent) {
            RecordMetadata told = each.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            offsets.add(told.hasOffset() ? List.of((long) told.partition(), told.offset()) : null);
        }
        return Map.of("offsets", offsets);
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, JsonObject from) {
        JsonElement partition = from.get("partition");
        JsonElement timestamp = from.get("timestamp");
        var record = new ProducerRecord<>(
            topic,
            partition == null || partition.isJsonNull() ? null : Integer.valueOf(partition.getAsInt()),
            timestamp == null || timestamp.isJsonNull() ? null : Long.valueOf(timestamp.getAsLong()),
            bytes(from.get("key")),
            bytes(from.get("value")));
        if (from.has("headers")) {
            for (JsonElement each : from.getAsJsonArray("headers")) {
                JsonArray pair = each.getAsJsonArray();
                record.headers().add(pair.get(0).getAsString(), bytes(pair.get(1)));
            }
        }
        return record;
    }

    private static byte[] bytes(JsonElement element) {
        return element == null || element.isJsonNull() ? null : Base64.getDecoder().decode(element.getAsString());
    }
}

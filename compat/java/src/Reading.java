import com.google.gson.JsonElement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reading without a group. */
final class Reading {
    private static final Duration CLOSE = Duration.ofSeconds(1);

    private Reading() {}

    private static KafkaConsumer<byte[], byte[]> consumer(Request request) {
        var settings = request.settings();
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("allow.auto.create.topics", "false");
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static Map<String, Object> consume(Request request) {
        KafkaConsumer<byte[], byte[]> consumer = consumer(request);
        try {
            long deadline = request.deadline();
            TopicPartition partition = request.partition();
            consumer.assign(List.of(partition));
            seek(consumer, partition, request.get("start"), request.timeout());
            long count = request.number("count");
            var records = new ArrayList<Map<String, Object>>();
            while (records.size() < count && System.nanoTime() < deadline) {
                for (ConsumerRecord<byte[], byte[]> each : consumer.poll(left(deadline))) {
                    if (records.size() < count) {
                        records.add(told(each));
                    }
                }
            }
            return Map.of("records", records);
        } finally {
            consumer.close(CLOSE);
        }
    }

    private static Duration left(long deadline) {
        return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
    }

    private static void seek(
        KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, JsonElement start, Duration timeout) {
        if (start.isJsonObject()) {
            OffsetAndTimestamp found =
                byTime(consumer, partition, start.getAsJsonObject().get("time").getAsLong(), timeout);
            consumer.seek(partition, found != null ? found.offset() : end(consumer, partition, timeout));
        } else if (start.getAsJsonPrimitive().isNumber()) {
            consumer.seek(partition, start.getAsLong());
        } else if (start.getAsString().equals("end")) {
            consumer.seek(partition, end(consumer, partition, timeout));
        } else {
            consumer.seekToBeginning(List.of(partition));
        }
    }

    private static long end(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, Duration timeout) {
        return consumer.endOffsets(List.of(partition), timeout).get(partition);
    }

    private static OffsetAndTimestamp byTime(
        KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long time, Duration timeout) {
        return consumer.offsetsForTimes(Map.of(partition, time), timeout).get(partition);
    }

    static Map<String, Object> watermarks(Request request) {
        KafkaConsumer<byte[], byte[]> consumer = consumer(request);
        try {
            List<TopicPartition> partitions = List.of(request.partition());
            return Map.of(
                "beginning", consumer.beginningOffsets(partitions, request.timeout()).get(request.partition()),
                "end", consumer.endOffsets(partitions, request.timeout()).get(request.partition()));
        } finally {
            consumer.close(CLOSE);
        }
    }

    static Map<String, Object> offsetForTime(Request request) {
        KafkaConsumer<byte[], byte[]> consumer = consumer(request);
        try {
            OffsetAndTimestamp found = byTime(consumer, request.partition(), request.number("time"), request.timeout());
            var answer = new LinkedHashMap<String, Object>();
            answer.put("offset", found == null ? null : found.offset());
            answer.put("timestamp", found == null ? null : found.timestamp());
            return answer;
        } finally {
            consumer.close(CLOSE);
        }
    }

    /** A record as the protocol writes it. */
    static Map<String, Object> told(ConsumerRecord<byte[], byte[]> record) {
        var headers = new ArrayList<List<String>>();
        record.headers().forEach(each -> headers.add(Arrays.asList(each.key(), text(each.value()))));
        var told = new LinkedHashMap<String, Object>();
        told.put("topic", record.topic());
        told.put("partition", record.partition());
        told.put("offset", record.offset());
        told.put("timestamp", record.timestamp());
        told.put("key", text(record.key()));
        told.put("value", text(record.value()));
        told.put("headers", headers);
        return told;
    }

    private static String text(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }
}

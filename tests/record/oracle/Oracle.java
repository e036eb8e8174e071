import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.DefaultRecordBatch;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.log.LogAppendInfo;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.RecordValidationException;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/**
 * Apache Kafka's own record classes, asked by JSON lines: one question a line on standard input, one answer a line on
 * standard output. Questions have "op": build, read, append, filter. Bytes are hex.
 */
public class Oracle {
    static final ObjectMapper JSON = new ObjectMapper();
    static final HexFormat HEX = HexFormat.of();

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            JsonNode question = JSON.readTree(line);
            ObjectNode answer = JSON.createObjectNode();
            try {
                switch (question.get("op").asText()) {
                    case "build" -> build(question, answer);
                    case "read" -> read(question, answer);
                    case "append" -> append(question, answer);
                    case "filter" -> filter(question, answer);
                    default -> throw new IllegalArgumentException(line);
                }
            } catch (Throwable error) {
                fail(answer, error);
            }
            out.println(JSON.writeValueAsString(answer));
            out.flush();
        }
        System.exit(0);
    }

    static void fail(ObjectNode answer, Throwable error) {
        Throwable cause = error;
        ArrayNode list = null;
        if (error instanceof RecordValidationException refused) {
            cause = refused.invalidException();
            list = JSON.createArrayNode();
            for (var each : refused.recordErrors())
                list.add(each.batchIndex);
        }
        answer.removeAll();
        answer.put("error", (int) Errors.forException(cause).code());
        answer.put("exception", cause.getClass().getSimpleName() + ": " + cause.getMessage());
        if (list != null)
            answer.set("records", list);
    }

    static byte[] bytes(JsonNode node) {
        return node == null || node.isNull() ? null : HEX.parseHex(node.asText());
    }

    static ByteBuffer buffer(JsonNode node) {
        byte[] raw = bytes(node);
        return raw == null ? null : ByteBuffer.wrap(raw);
    }

    static String hex(ByteBuffer buffer) {
        if (buffer == null)
            return null;
        byte[] raw = new byte[buffer.remaining()];
        buffer.duplicate().get(raw);
        return HEX.formatHex(raw);
    }

    /** Long values by their SHA-256, so that the vectors stay small. */
    static String shortHex(ByteBuffer buffer) throws Exception {
        String full = hex(buffer);
        if (full == null || full.length() <= 64)
            return full;
        return "sha256:" + HEX.formatHex(java.security.MessageDigest.getInstance("SHA-256").digest(HEX.parseHex(full)));
    }

    static Compression compression(JsonNode question) {
        CompressionType type = CompressionType.forId(question.path("codec").asInt(0));
        if (!question.has("level"))
            return Compression.of(type).build();
        int level = question.get("level").asInt();
        return switch (type) {
            case GZIP -> Compression.gzip().level(level).build();
            case LZ4 -> Compression.lz4().level(level).build();
            case ZSTD -> Compression.zstd().level(level).build();
            default -> Compression.of(type).build();
        };
    }

    static void build(JsonNode q, ObjectNode answer) {
        byte magic = (byte) q.path("magic").asInt(2);
        TimestampType type = q.path("append_time").asBoolean() ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME;
        if (magic == 0)
            type = TimestampType.NO_TIMESTAMP_TYPE;
        ByteBuffer space = ByteBuffer.allocate(q.path("space").asInt(4096));
        try (MemoryRecordsBuilder builder = new MemoryRecordsBuilder(new ByteBufferOutputStream(space), magic, compression(q), type,
                q.path("base_offset").asLong(0), q.path("append_time_ms").asLong(-1), q.path("producer_id").asLong(-1),
                (short) q.path("producer_epoch").asInt(-1), q.path("base_sequence").asInt(-1), q.path("transactional").asBoolean(),
                q.path("control").asBoolean(), q.path("leader_epoch").asInt(0), 1 << 30, q.path("horizon_ms").asLong(-1))) {
            long offset = q.path("base_offset").asLong(0);
            for (JsonNode each : q.get("records")) {
                List<Header> headers = new ArrayList<>();
                for (JsonNode header : each.path("headers"))
                    headers.add(new RecordHeader(header.get(0).asText(), bytes(header.get(1))));
                if (each.has("offset"))
                    offset = each.get("offset").asLong();
                SimpleRecord record = new SimpleRecord(each.get("timestamp").asLong(), buffer(each.get("key")), buffer(each.get("value")),
                        headers.toArray(new Header[0]));
                if (q.path("control").asBoolean())
                    builder.appendControlRecordWithOffset(offset, record);
                else
                    builder.appendWithOffset(offset, record);
                offset++;
            }
            if (q.has("last_offset"))
                builder.overrideLastOffset(q.get("last_offset").asLong());
            answer.put("batch", hex(builder.build().buffer()));
        }
    }

    static void read(JsonNode q, ObjectNode answer) throws Exception {
        MemoryRecords records = MemoryRecords.readableRecords(buffer(q.get("batch")));
        ArrayNode batches = answer.putArray("batches");
        for (MutableRecordBatch batch : records.batches()) {
            ObjectNode one = batches.addObject();
            describe(batch, one);
            ArrayNode list = one.putArray("records");
            for (Record record : batch) {
                ObjectNode item = list.addObject();
                item.put("offset", record.offset());
                item.put("timestamp", record.timestamp());
                item.put("key", shortHex(record.key()));
                item.put("value", shortHex(record.value()));
                ArrayNode headers = item.putArray("headers");
                for (Header header : record.headers()) {
                    ArrayNode pair = headers.addArray();
                    pair.add(header.key());
                    pair.add(header.value() == null ? null : shortHex(ByteBuffer.wrap(header.value())));
                }
            }
        }
    }

    static void describe(RecordBatch batch, ObjectNode one) {
        one.put("valid", batch.isValid());
        one.put("magic", batch.magic());
        one.put("size", batch.sizeInBytes());
        one.put("last_offset", batch.lastOffset());
        one.put("next_offset", batch.nextOffset());
        one.put("max_timestamp", batch.maxTimestamp());
        one.put("codec", (int) batch.compressionType().id);
        if (batch.magic() < 2)
            return;
        one.put("base_offset", batch.baseOffset());
        one.put("base_timestamp", ((DefaultRecordBatch) batch).baseTimestamp());
        one.put("producer_id", batch.producerId());
        one.put("producer_epoch", batch.producerEpoch());
        one.put("base_sequence", batch.baseSequence());
        one.put("last_sequence", batch.lastSequence());
        one.put("leader_epoch", batch.partitionLeaderEpoch());
        one.put("transactional", batch.isTransactional());
        one.put("control", batch.isControlBatch());
        one.put("append_time", batch.timestampType() == TimestampType.LOG_APPEND_TIME);
        one.put("count", batch.countOrNull());
        one.put("horizon_ms", batch.deleteHorizonMs().orElse(-1));
    }

    static void append(JsonNode q, ObjectNode answer) throws Exception {
        MemoryRecords records = MemoryRecords.readableRecords(buffer(q.get("batch")));
        ProduceRequest.validateRecords((short) q.path("produce_version").asInt(12), records);
        Properties settings = new Properties();
        for (var entry : (Iterable<java.util.Map.Entry<String, JsonNode>>) () -> q.path("settings").fields())
            settings.put(entry.getKey(), entry.getValue().asText());
        File dir = new File(Files.createTempDirectory("oracle").toFile(), "topic-0");
        dir.mkdirs();
        Time time = new FixedTime(q.get("now_ms").asLong());
        KafkaScheduler scheduler = new KafkaScheduler(1);
        scheduler.startup();
        try {
            UnifiedLog log = UnifiedLog.create(dir, new LogConfig(settings), 0, 0, scheduler, new BrokerTopicStats(), time, 900000,
                    new ProducerStateManagerConfig(86400000, false), 600000, new LogDirFailureChannel(1), true, Optional.empty());
            LogAppendInfo info = log.appendAsLeader(records, 7);
            answer.put("max_timestamp", info.maxTimestamp());
            byte[] stored = Files.readAllBytes(new File(dir, "00000000000000000000.log").toPath());
            answer.put("stored", HEX.formatHex(stored));
            log.close();
        } finally {
            scheduler.shutdown();
            try (var walk = Files.walk(dir.getParentFile().toPath())) {
                walk.sorted(java.util.Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
            }
        }
    }

    static void filter(JsonNode q, ObjectNode answer) {
        MemoryRecords records = MemoryRecords.readableRecords(buffer(q.get("batch")));
        Set<Long> keep = new HashSet<>();
        for (JsonNode offset : q.get("keep"))
            keep.add(offset.asLong());
        var retention = MemoryRecords.RecordFilter.BatchRetention.valueOf(q.get("retention").asText());
        ByteBuffer target = ByteBuffer.allocate(1 << 20);
        var result = records.filterTo(new MemoryRecords.RecordFilter(q.get("now_ms").asLong(), q.get("delete_retention_ms").asLong()) {
            @Override
            protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
                return new BatchRetentionResult(retention, q.path("marker").asBoolean());
            }

            @Override
            protected boolean shouldRetainRecord(RecordBatch batch, Record record) {
                return keep.contains(record.offset());
            }
        }, target, BufferSupplier.NO_CACHING);
        answer.put("batch", hex(result.outputBuffer().flip()));
        answer.put("max_offset", result.maxOffset());
        answer.put("max_timestamp", result.maxTimestamp());
        answer.put("records_read", result.messagesRead());
        answer.put("records_kept", result.messagesRetained());
    }

    /** A clock that stands still. */
    record FixedTime(long now) implements Time {
        @Override
        public long milliseconds() {
            return now;
        }

        @Override
        public long nanoseconds() {
            return now * 1_000_000;
        }

        @Override
        public void sleep(long ms) {
        }

        @Override
        public void waitObject(Object object, Supplier<Boolean> condition, long deadlineMs) {
        }
    }
}

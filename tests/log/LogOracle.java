// Apache Kafka's own UnifiedLog doing what a script says: the oracle of test_log_oracle.py.
//
// Argument: a folder of work folders. In each of these, `script` is followed line by line over the partition folder `orders-3`, which is
// made if it is missing, and what came of each line is written to `outcome`. At the end the log is closed as at a
// clean stop.
//
//   open clean|crash RECOVERY_POINT START     append EPOCH BASE64          roll          truncate OFFSET
//   start OFFSET     time TIMESTAMP           epoch EPOCH                  read OFFSET (-1: start)   state

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.DescribeProducersResponseData.ProducerState;
import org.apache.kafka.common.record.FileRecords.TimestampAndOffset;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.storage.log.FetchIsolation;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.log.LogAppendInfo;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.LogStartOffsetIncrementReason;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

public class LogOracle {
    static UnifiedLog log;
    static KafkaScheduler scheduler;

    public static void main(String[] args) throws Exception {
        for (File one : new File(args[0]).listFiles()) {
            String folder = one.getPath();
            List<String> outcome = new ArrayList<>();
            log = null;
            for (String line : Files.readAllLines(Path.of(folder, "script"))) {
                outcome.add(act(Path.of(folder, "orders-3"), line.split(" ")));
            }
            log.close();
            scheduler.shutdown();
            Files.write(Path.of(folder, "outcome"), outcome);
        }
        System.exit(0);
    }

    static String act(Path partition, String[] line) throws Exception {
        try {
            switch (line[0]) {
                case "open": return open(partition.toFile(), line[1].equals("clean"), Long.parseLong(line[2]), Long.parseLong(line[3]));
                case "append": return append(Integer.parseInt(line[1]), Base64.getDecoder().decode(line[2]));
                case "roll": log.roll(); return "rolled";
                case "truncate": log.truncateTo(Long.parseLong(line[1])); return "truncated";
                case "start": return start(Long.parseLong(line[1]));
                case "epoch": log.assignEpochStartOffset(Integer.parseInt(line[1]), log.logEndOffset()); return "assigned";
                case "time": return time(Long.parseLong(line[1]));
                case "read": return read(Long.parseLong(line[1]));
                case "state": return state();
                default: throw new IllegalArgumentException(line[0]);
            }
        } catch (org.apache.kafka.common.errors.ApiException e) {
            return e.getClass().getSimpleName();
        }
    }

    static String open(File partition, boolean clean, long recoveryPoint, long start) throws Exception {
        if (log != null && clean) log.close();
        if (log != null) scheduler.shutdown();  // what is left to do in the background must not meet the next log
        Map<String, Object> settings = new HashMap<>();
        settings.put("internal.segment.bytes", 2000);
        settings.put("segment.ms", 5000L);
        settings.put("index.interval.bytes", 150);
        settings.put("segment.index.bytes", 200);
        settings.put("file.delete.delay.ms", 0L);
        settings.put("retention.ms", -1L);
        settings.put("message.timestamp.after.max.ms", Long.MAX_VALUE);
        partition.mkdirs();
        scheduler = new KafkaScheduler(1);
        scheduler.startup();
        byte[] id = new byte[16];
        for (byte i = 0; i < 16; i++) id[i] = i;
        ByteBuffer uuid = ByteBuffer.wrap(id);
        log = UnifiedLog.create(partition, new LogConfig(settings), start, recoveryPoint, scheduler, new BrokerTopicStats(),
            Time.SYSTEM, 900_000, new ProducerStateManagerConfig(Integer.MAX_VALUE, false), 600_000,
            new LogDirFailureChannel(1), clean, Optional.of(new Uuid(uuid.getLong(), uuid.getLong())));
        return "opened " + log.logStartOffset() + " " + log.logEndOffset();
    }

    static String append(int epoch, byte[] batch) throws Exception {
        LogAppendInfo info = log.appendAsLeader(MemoryRecords.readableRecords(ByteBuffer.wrap(batch)), epoch);
        return "appended " + info.firstOffset() + " " + info.lastOffset();
    }

    static String start(long offset) throws Exception {
        log.updateHighWatermark(log.logEndOffset());
        log.maybeIncrementLogStartOffset(offset, LogStartOffsetIncrementReason.ClientRecordDeletion);
        log.deleteOldSegments();
        return "start " + log.logStartOffset();
    }

    static String time(long timestamp) {
        Optional<TimestampAndOffset> found = log.fetchOffsetByTimestamp(timestamp, Optional.empty()).timestampAndOffsetOpt();
        return found.map(at -> at.timestamp + " " + at.offset + " " + at.leaderEpoch.orElse(-1)).orElse("none");
    }

    static String read(long offset) throws Exception {
        StringBuilder found = new StringBuilder();
        if (offset < 0) offset = log.logStartOffset();
        while (offset < log.logEndOffset()) {
            long next = offset;
            for (Record record : log.read(offset, 700, FetchIsolation.LOG_END, true).records.records()) {
                if (record.offset() >= offset) found.append(record.offset()).append(':').append(record.timestamp()).append(' ');
                next = record.offset() + 1;
            }
            if (next == offset) break;
            offset = next;
        }
        return found.toString().trim();
    }

    static String state() {
        StringBuilder told = new StringBuilder().append(log.logStartOffset()).append(' ').append(log.logEndOffset()).append(" epochs");
        log.leaderEpochCache().epochWithOffsets().forEach((epoch, start) -> told.append(" ").append(epoch).append("@").append(start));
        told.append(" producers");
        TreeMap<Long, ProducerState> producers = new TreeMap<>();
        for (ProducerState producer : log.activeProducers()) producers.put(producer.producerId(), producer);
        producers.forEach((id, producer) -> told.append(' ').append(id).append('/').append(producer.producerEpoch())
            .append('/').append(producer.lastSequence()).append('/').append(producer.lastTimestamp()));
        told.append(" segments");
        log.logSegments().forEach(segment -> told.append(' ').append(segment.baseOffset()).append('+').append(segment.size()));
        return told.toString();
    }
}

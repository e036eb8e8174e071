// Apache Kafka's own cleaner, run over folders: the oracle of test_cleaner_oracle.py.
//
// Arguments: a work folder, the number of rounds and the time in ms. Each folder `<work>/<n>/topic-0` is loaded as after a crash, which
// makes its indexes, and copied to `<work>/<n>/start/topic-0`. Then it is compacted `rounds` times, each time one
// delete.retention.ms later, the first time with a clean half, and copied to `<work>/<n>/<round>/topic-0`. What Kafka knew of producers is printed as lines
// `<n> <round> <end offset> <producer id>:<last data offset or -1>:<epoch>...`.

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.log.Cleaner;
import org.apache.kafka.storage.internals.log.LastRecord;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.LogSegment;
import org.apache.kafka.storage.internals.log.LogToClean;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.SkimpyOffsetMap;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.internals.utils.Throttler;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

public class CleanerOracle {
    static final long RETENTION_MS = 1000;

    public static void main(String[] args) throws Exception {
        int rounds = Integer.parseInt(args[1]);
        long nowMs = Long.parseLong(args[2]);
        for (File folder : new File(args[0]).listFiles()) {
            clean(folder.toPath(), rounds, nowMs);
        }
        System.exit(0);
    }

    static void clean(Path folder, int rounds, long nowMs) throws Exception {
        Path topic = folder.resolve("topic-0");
        open(topic, false).close();
        copy(topic, folder.resolve("start/topic-0"));
        UnifiedLog log = open(topic, true);
        Cleaner cleaner = new Cleaner(0, new SkimpyOffsetMap(1 << 20), 1 << 16, 1 << 20, 0.9,
            new Throttler(Double.MAX_VALUE, 300, "io", "bytes", Time.SYSTEM), Time.SYSTEM, partition -> { });
        long end = 0;
        for (int round = 0; round < rounds; round++) {
            List<LogSegment> segments = new ArrayList<>(log.logSegments());
            long active = segments.get(segments.size() - 1).baseOffset();
            StringBuilder line = new StringBuilder();
            for (Map.Entry<Long, LastRecord> entry : log.lastRecordsOfActiveProducers().entrySet()) {
                line.append(' ').append(entry.getKey()).append(':')
                    .append(entry.getValue().lastDataOffset().orElse(-1)).append(':').append(entry.getValue().producerEpoch());
            }
            end = cleaner.doClean(new LogToClean(log, segments.get(round == 0 ? (segments.size() - 1) / 2 : 0).baseOffset(), active, false), nowMs + round * RETENTION_MS).getKey();
            System.out.println(folder.getFileName() + " " + round + " " + end + line);
            copy(topic, folder.resolve(round + "/topic-0"));
        }
        log.close();
    }

    static UnifiedLog open(Path topic, boolean clean) throws Exception {
        Map<String, Object> settings = new HashMap<>();
        settings.put("cleanup.policy", "compact");
        settings.put("delete.retention.ms", RETENTION_MS);
        settings.put("index.interval.bytes", 300);
        settings.put("segment.index.bytes", 4096);
        settings.put("file.delete.delay.ms", 0L);
        KafkaScheduler scheduler = new KafkaScheduler(1);
        return UnifiedLog.create(topic.toFile(), new LogConfig(settings), 0, clean ? 1_000_000 : 0, scheduler,
            new BrokerTopicStats(), Time.SYSTEM, 900_000, new ProducerStateManagerConfig(Integer.MAX_VALUE, false), 600_000,
            new LogDirFailureChannel(1), clean, Optional.empty());
    }

    static void copy(Path from, Path to) throws Exception {
        Files.createDirectories(to);
        for (File file : from.toFile().listFiles()) {
            if (!file.getName().endsWith(".deleted")) {
                Files.copy(file.toPath(), to.resolve(file.getName()), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }
}

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A consumer in a group. A thread of its own polls all the time, for that is how the client takes part in rebalances;
 * what else the consumer is asked for runs there as well, between two polls.
 */
final class Member implements ConsumerRebalanceListener {
    private static final int BUFFERED_RECORDS = 300;
    private static final Duration POLL = Duration.ofMillis(50);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final ConcurrentLinkedQueue<FutureTask<?>> tasks = new ConcurrentLinkedQueue<>();
    private final Thread thread = new Thread(this::run, "member");
    private volatile boolean closing;
    private Duration closeTimeout = Duration.ZERO;

    // What both threads see; the lock is "this".
    private final Deque<ConsumerRecord<byte[], byte[]>> waiting = new ArrayDeque<>();
    private final Set<TopicPartition> assigned = new HashSet<>();
    private final Map<TopicPartition, OffsetAndMetadata> handedOver = new HashMap<>();
    private int rebalances;

    Member(Properties settings, List<String> topics) {
        consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(topics, this);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try {
            while (!closing) {
                for (FutureTask<?> task = tasks.poll(); task != null; task = tasks.poll()) {
                    task.run();
                }
                if (full()) {
                    consumer.pause(consumer.assignment());
                } else {
                    consumer.resume(consumer.paused());
                }
                keep(consumer.poll(POLL));
            }
        } catch (RuntimeException failure) {
            failure.printStackTrace();
        } finally {
            consumer.close(closeTimeout);
        }
    }

    private synchronized boolean full() {
        return waiting.size() >= BUFFERED_RECORDS;
    }

    private synchronized void keep(Iterable<ConsumerRecord<byte[], byte[]>> records) {
        records.forEach(waiting::add);
        notifyAll();
    }

    @Override
    public synchronized void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        assigned.addAll(partitions);
        rebalances++;
    }

    @Override
    public synchronized void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        assigned.removeAll(partitions);
        handedOver.keySet().removeAll(partitions);
        waiting.removeIf(each -> partitions.contains(new TopicPartition(each.topic(), each.partition())));
    }

    private <T> T inThread(Callable<T> call) throws Exception {
        var task = new FutureTask<>(call);
        tasks.add(task);
        return task.get();
    }

    synchronized Map<String, Object> assignment() {
        var partitions = new ArrayList<List<Object>>();
        assigned.forEach(each -> partitions.add(List.of(each.topic(), each.partition())));
        return Map.of("partitions", partitions, "rebalances", rebalances);
    }

    synchronized Map<String, Object> poll(long waitMs, int max) throws InterruptedException {
        long deadline = System.nanoTime() + waitMs * 1_000_000;
        long leftMs = waitMs;
        while (waiting.isEmpty() && leftMs > 0) {
            wait(leftMs);
            leftMs = (deadline - System.nanoTime()) / 1_000_000;
        }
        var records = new ArrayList<Map<String, Object>>();
        while (!waiting.isEmpty() && records.size() < max) {
            ConsumerRecord<byte[], byte[]> record = waiting.remove();
            handedOver.put(
                new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
            records.add(Reading.told(record));
        }
        return Map.of("records", records);
    }

    Map<String, Object> commit() throws Exception {
        return inThread(() -> {
            Map<TopicPartition, OffsetAndMetadata> offsets;
            synchronized (this) {
                offsets = new HashMap<>(handedOver);
            }
            consumer.commitSync(offsets);
            var told = new ArrayList<List<Object>>();
            offsets.forEach((place, offset) -> told.add(List.of(place.topic(), place.partition(), offset.offset())));
            return Map.of("offsets", told);
        });
    }

    Map<String, Object> committed(TopicPartition partition) throws Exception {
        return inThread(() -> {
            OffsetAndMetadata found = consumer.committed(Set.of(partition)).get(partition);
            return Collections.singletonMap("offset", found == null ? null : found.offset());
        });
    }

    void close(Duration timeout) {
        closeTimeout = timeout;
        closing = true;
        try {
            thread.join(timeout.plus(POLL).plusMillis(200).toMillis());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

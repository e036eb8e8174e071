package orders;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Counts what customers order: the code under test. */
public final class Orders {
    private Orders() {}

    /** Writes an order, keyed by its customer. */
    public static void place(Producer<String, String> producer, String topic, String customer, String item)
            throws Exception {
        producer.send(new ProducerRecord<>(topic, customer, item)).get();
    }

    /** Reads until as many orders were seen as wanted, and returns how many each customer placed. */
    public static Map<String, Integer> count(Consumer<String, String> consumer, String topic, int wanted) {
        Map<String, Integer> counts = new TreeMap<>();
        consumer.subscribe(List.of(topic));
        for (int seen = 0; seen < wanted; ) {
            for (ConsumerRecord<String, String> order : consumer.poll(Duration.ofMillis(100))) {
                counts.merge(order.key(), 1, Integer::sum);
                seen++;
            }
        }
        consumer.commitSync();
        return counts;
    }
}

package orders;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class OrdersTest {
    private static TestBroker broker;

    @BeforeAll
    static void start() throws Exception {
        broker = new TestBroker();
    }

    @AfterAll
    static void stop() throws Exception {
        broker.close();
    }

    @Test
    void ordersAreCounted() throws Exception {
        String topic = "orders-are-counted"; // a topic for each test: they may run side by side
        try (Producer<String, String> producer = producer();
                Consumer<String, String> consumer = consumer(topic)) {
            for (String customer : List.of("anna", "ben", "anna")) {
                Orders.place(producer, topic, customer, "tea");
            }
            assertEquals(Map.of("anna", 2, "ben", 1), Orders.count(consumer, topic, 3));
        }
    }

    private static Producer<String, String> producer() {
        Map<String, Object> settings = Map.of("bootstrap.servers", broker.address());
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private static Consumer<String, String> consumer(String group) {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", broker.address(),
                "group.id", group,
                "auto.offset.reset", "earliest",
                "enable.auto.commit", false);
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }
}

// What Kafka's own classes say: the hash of keys, and who gets which partitions. Prints the JSON that the tests read.
//   java -cp '.kafka/libs/*' tests/client/oracle/ClientVectors.java > tests/client/oracle/client_vectors.json

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.Utils;

public class ClientVectors {
  static final Random random = new Random(42);

  static String quoted(String text) {
    return text == null ? "null" : '"' + text + '"';
  }

  static String hash(int i) {
    byte[] bytes = new byte[i < 24 ? i : random.nextInt(200)];
    random.nextBytes(bytes);
    StringBuilder hex = new StringBuilder();
    for (byte b : bytes) hex.append(String.format("%02x", b));
    return "[" + quoted(hex.toString()) + ", " + Utils.murmur2(bytes) + "]";
  }

  static String group() {
    int topics = 1 + random.nextInt(4);
    List<PartitionInfo> partitions = new ArrayList<>();
    List<String> counts = new ArrayList<>();
    for (int t = 0; t < topics; t++) {
      int count = 1 + random.nextInt(8);
      counts.add(quoted("t" + t) + ": " + count);
      for (int p = 0; p < count; p++) partitions.add(new PartitionInfo("t" + t, p, null, new Node[0], new Node[0]));
    }
    Map<String, Subscription> subscriptions = new TreeMap<>();
    List<String> members = new ArrayList<>();
    int size = 1 + random.nextInt(6);
    for (int m = 0; m < size; m++) {
      List<String> wanted = new ArrayList<>();
      for (int t = 0; t < topics; t++) if (random.nextInt(3) > 0) wanted.add("t" + t);
      String id = "m" + random.nextInt(1000) + "-" + m;
      String instance = random.nextInt(4) == 0 ? "i" + random.nextInt(1000) + "-" + m : null;
      Subscription subscription = new Subscription(wanted);
      subscription.setGroupInstanceId(Optional.ofNullable(instance));
      subscriptions.put(id, subscription);
      String names = wanted.stream().map(ClientVectors::quoted).collect(Collectors.joining(", "));
      members.add("[" + quoted(id) + ", " + quoted(instance) + ", [" + names + "]]");
    }
    Cluster cluster = new Cluster("c", List.of(), partitions, Set.of(), Set.of());
    StringBuilder out = new StringBuilder("{\"topics\": {" + String.join(", ", counts) + "}, \"members\": ["
        + String.join(", ", members) + "]");
    for (ConsumerPartitionAssignor assignor : List.of(new RangeAssignor(), new RoundRobinAssignor())) {
      var shares = assignor.assign(cluster, new GroupSubscription(subscriptions)).groupAssignment();
      List<String> lines = new ArrayList<>();
      for (var share : new TreeMap<>(shares).entrySet()) {
        List<TopicPartition> given = new ArrayList<>(share.getValue().partitions());
        given.sort(Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition));
        String names = given.stream().map(p -> quoted(p.toString())).collect(Collectors.joining(", "));
        lines.add(quoted(share.getKey()) + ": [" + names + "]");
      }
      out.append(", " + quoted(assignor.name()) + ": {" + String.join(", ", lines) + "}");
    }
    return out + "}";
  }

  public static void main(String[] args) {
    List<String> hashes = new ArrayList<>();
    List<String> groups = new ArrayList<>();
    for (int i = 0; i < 60; i++) hashes.add(hash(i));
    for (int i = 0; i < 60; i++) groups.add(group());
    System.out.println("{\"murmur2\": [\n" + String.join(",\n", hashes) + "],");
    System.out.println("\"assignments\": [\n" + String.join(",\n", groups) + "]}");
  }
}

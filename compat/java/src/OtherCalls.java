import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigsOptions;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreatePartitionsOptions;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.config.ConfigResource;

/** Calls, and variants of calls, that have no operation of their own: each is made once, and what it raised is told. */
final class OtherCalls {
    private final Admin admin;
    private final String topic;
    private final String group;
    private final TopicPartition partition;
    private final int broker;
    private final Map<String, Callable<?>> calls = new LinkedHashMap<>();

    private OtherCalls(Admin admin, Request request) throws Exception {
        this.admin = admin;
        topic = request.text("topic");
        group = request.text("group");
        partition = new TopicPartition(topic, 0);
        broker = admin.describeCluster().nodes().get().iterator().next().id();
        topics();
        groups();
        records();
        configs();
    }

    static Map<String, Object> makeAll(Admin admin, Request request) throws Exception {
        var outcomes = new LinkedHashMap<String, String>();
        new OtherCalls(admin, request).calls.forEach((name, call) -> {
            try {
                call.call();
                outcomes.put(name, null);
            } catch (Driver.None lacking) {
                // Not in this version of the client.
            } catch (Exception failure) {
                outcomes.put(name, String.valueOf(failure.getCause() == null ? failure : failure.getCause()));
            }
        });
        return Map.of("calls", outcomes);
    }

    private static Object await(Object result, String future) throws Exception {
        KafkaFuture<?> found = Newer.call(result.getClass(), result, future);
        return found.get();
    }

    private void topics() {
        String assigned = topic + "-assigned";
        var placed = new NewTopic(assigned, Map.of(0, List.of(broker), 1, List.of(broker)));
        calls.put("createTopics with assignments", () -> admin.createTopics(List.of(placed)).config(assigned).get());
        var more = NewPartitions.increaseTo(3, List.of(List.of(broker)));
        var validate = new CreatePartitionsOptions().validateOnly(true);
        calls.put("createPartitions, validated", () ->
            admin.createPartitions(Map.of(assigned, more), validate).all().get());
        calls.put("createPartitions with assignments", () ->
            admin.createPartitions(Map.of(assigned, more)).all().get());
        calls.put("describeTopics with operations", () -> {
            var result =
                admin.describeTopics(List.of(topic), new DescribeTopicsOptions().includeAuthorizedOperations(true));
            Map<String, KafkaFuture<?>> futures =
                Newer.call(result.getClass(), result, new String[] {"topicNameValues", "values"});
            return futures.get(topic).get();
        });
        calls.put("describeTopics by id", () ->
            await(Newer.call(Admin.class, admin, "describeTopics", ids(topic)), "allTopicIds"));
        calls.put("deleteTopics by id", () ->
            await(Newer.call(Admin.class, admin, "deleteTopics", ids(assigned)), "all"));
        calls.put("describeCluster with operations", () -> {
            var options = new DescribeClusterOptions().includeAuthorizedOperations(true);
            return admin.describeCluster(options).authorizedOperations().get();
        });
    }

    /** A TopicCollection of one id, where the client has that class. */
    private Object ids(String name) throws Exception {
        if (!Newer.has(TopicDescription.class, "topicId")) {
            throw new Driver.None("no topic ids");
        }
        var result = admin.describeTopics(List.of(name));
        Map<String, KafkaFuture<Object>> futures =
            Newer.call(result.getClass(), result, new String[] {"topicNameValues", "values"});
        Object description = futures.get(name).get();
        Object id = Newer.call(description.getClass(), description, "topicId");
        return Newer.call(classOf("org.apache.kafka.common.TopicCollection"), null, "ofTopicIds", List.of(id));
    }

    private void groups() {
        var operations = new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true);
        calls.put("describeConsumerGroups with operations", () ->
            admin.describeConsumerGroups(List.of(group), operations).all().get());
        calls.put("describeClassicGroups", () ->
            await(Newer.call(Admin.class, admin, "describeClassicGroups", List.of(group)), "all"));
        calls.put("listConsumerGroupOffsets of several groups", () -> {
            Class<?> spec = classOf("org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec");
            Object everything = spec.getConstructor().newInstance();
            var wanted = Map.of(group, everything, group + "-other", everything);
            Object result = Newer.call(Admin.class, admin, "listConsumerGroupOffsets", wanted);
            return await(result, "all");
        });
        for (String kind : List.of("forConsumerGroups", "forShareGroups", "forStreamsGroups")) {
            calls.put("listGroups " + kind, () -> {
                Object options = Newer.call(classOf("org.apache.kafka.clients.admin.ListGroupsOptions"), null, kind);
                return await(Newer.call(Admin.class, admin, "listGroups", options), "all");
            });
        }
    }

    private static Class<?> classOf(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException missing) {
            throw new Driver.None(name);
        }
    }

    private void records() {
        for (String spec : List.of("earliestLocal", "latestTiered", "earliestPendingUpload")) {
            calls.put("listOffsets " + spec, () -> {
                OffsetSpec wanted = Newer.call(OffsetSpec.class, null, spec);
                return admin.listOffsets(Map.of(partition, wanted)).all().get();
            });
        }
        var committed = new ListOffsetsOptions(IsolationLevel.READ_COMMITTED);
        calls.put("listOffsets read_committed", () ->
            admin.listOffsets(Map.of(partition, OffsetSpec.latest()), committed).all().get());
        calls.put("describeReplicaLogDirs", () ->
            admin.describeReplicaLogDirs(List.of(new TopicPartitionReplica(topic, 0, broker))).all().get());
        calls.put("deleteRecords to the end", () ->
            admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(-1))).all().get());
    }

    private void configs() {
        var everything = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        var ofTopic = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        var ofAll = new ConfigResource(ConfigResource.Type.BROKER, "");
        var loggers = new ConfigResource(ConfigResource.Type.BROKER_LOGGER, String.valueOf(broker));
        calls.put("describeConfigs with synonyms and documentation", () ->
            admin.describeConfigs(List.of(ofTopic), everything).all().get());
        calls.put("describeConfigs of all brokers", () -> admin.describeConfigs(List.of(ofAll)).all().get());
        calls.put("describeConfigs of loggers", () -> admin.describeConfigs(List.of(loggers)).all().get());
        var set = new AlterConfigOp(new ConfigEntry("retention.ms", "1234567"), AlterConfigOp.OpType.SET);
        Map<ConfigResource, Collection<AlterConfigOp>> change = Map.of(ofTopic, List.of(set));
        calls.put("incrementalAlterConfigs, validated", () ->
            admin.incrementalAlterConfigs(change, new AlterConfigsOptions().validateOnly(true)).all().get());
        for (var op : List.of(AlterConfigOp.OpType.SET, AlterConfigOp.OpType.DELETE)) {
            var entry = new ConfigEntry("log.retention.ms", op == AlterConfigOp.OpType.SET ? "604800001" : null);
            Map<ConfigResource, Collection<AlterConfigOp>> ofBrokers =
                Map.of(ofAll, List.of(new AlterConfigOp(entry, op)));
            calls.put("incrementalAlterConfigs of all brokers, " + op, () ->
                admin.incrementalAlterConfigs(ofBrokers).all().get());
        }
        calls.put("listClientMetricsResources", () ->
            await(Newer.call(Admin.class, admin, "listClientMetricsResources"), "all"));
        calls.put("listConfigResources of a type", () -> {
            Object options =
                classOf("org.apache.kafka.clients.admin.ListConfigResourcesOptions").getConstructor().newInstance();
            var types = Set.of(ConfigResource.Type.TOPIC);
            return await(Newer.call(Admin.class, admin, "listConfigResources", types, options), "all");
        });
    }
}

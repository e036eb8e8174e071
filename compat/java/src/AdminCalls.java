import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;

/** The calls of Admin. */
final class AdminCalls {
    private interface Call {
        Map<String, Object> make(Admin admin, Request request) throws Exception;
    }

    private Admin admin;

    void register(Map<String, Driver.Handler> handlers) {
        var calls = new LinkedHashMap<String, Call>();
        calls.put("create_topic", AdminCalls::createTopic);
        calls.put("delete_topic", AdminCalls::deleteTopic);
        calls.put("create_partitions", AdminCalls::createPartitions);
        calls.put("list_topics", (admin, request) -> Map.of("topics", admin.listTopics().names().get()));
        calls.put("describe_topic", AdminCalls::describeTopic);
        calls.put("describe_topic_partitions", AdminCalls::describeTopicPartitions);
        calls.put("describe_cluster", AdminCalls::describeCluster);
        calls.put("describe_log_dirs", AdminCalls::describeLogDirs);
        calls.put("describe_producers", AdminCalls::describeProducers);
        calls.put("describe_features", AdminCalls::describeFeatures);
        calls.put("delete_records", AdminCalls::deleteRecords);
        calls.put("list_offsets", AdminCalls::listOffsets);
        calls.put("list_groups", AdminCalls::listGroups);
        calls.put("describe_group", AdminCalls::describeGroup);
        calls.put("delete_group", AdminCalls::deleteGroup);
        calls.put("group_offsets", AdminCalls::groupOffsets);
        calls.put("alter_group_offsets", AdminCalls::alterGroupOffsets);
        calls.put("delete_group_offsets", AdminCalls::deleteGroupOffsets);
        calls.put("remove_members", AdminCalls::removeMembers);
        calls.put("other_calls", OtherCalls::makeAll);
        calls.put("describe_configs", ConfigCalls::describe);
        calls.put("alter_configs", ConfigCalls::alter);
        calls.put("incremental_alter_configs", ConfigCalls::incrementalAlter);
        calls.put("list_config_resources", ConfigCalls::listResources);
        calls.forEach((name, call) -> handlers.put(name, request -> call.make(shared(request), request)));
    }

    private synchronized Admin shared(Request request) {
        if (admin == null) {
            admin = Admin.create(request.settings());
        }
        return admin;
    }

    void close() {
        if (admin != null) {
            admin.close(Duration.ofSeconds(2));
        }
    }

    private static Map<String, Object> createTopic(Admin admin, Request request) throws Exception {
        var topic = new NewTopic(
            request.text("topic"), (int) request.number("partitions"), (short) request.number("replication_factor", 1));
        topic.configs(request.configs());
        var options = new CreateTopicsOptions().validateOnly(request.flag("validate_only"));
        admin.createTopics(List.of(topic), options).all().get();
        return Map.of();
    }

    private static Map<String, Object> deleteTopic(Admin admin, Request request) throws Exception {
        admin.deleteTopics(List.of(request.text("topic"))).all().get();
        return Map.of();
    }

    private static Map<String, Object> createPartitions(Admin admin, Request request) throws Exception {
        var total = NewPartitions.increaseTo((int) request.number("total"));
        admin.createPartitions(Map.of(request.text("topic"), total)).all().get();
        return Map.of();
    }

    private static Map<String, Object> describeTopic(Admin admin, Request request) throws Exception {
        var result = admin.describeTopics(List.of(request.text("topic")));
        Map<String, KafkaFuture<TopicDescription>> futures =
            Newer.call(result.getClass(), result, new String[] {"topicNameValues", "values"});
        TopicDescription topic = futures.get(request.text("topic")).get();
        var answer = new LinkedHashMap<String, Object>();
        answer.put("partitions", partitions(topic));
        boolean told = Newer.has(TopicDescription.class, "topicId");
        answer.put("topic_id", told ? Newer.call(TopicDescription.class, topic, "topicId").toString() : null);
        return answer;
    }

    private static List<Map<String, Object>> partitions(TopicDescription topic) {
        return topic.partitions().stream().map(each -> Map.<String, Object>of(
            "partition", each.partition(), "leader", each.leader().id(),
            "replicas", ids(each.replicas()), "isr", ids(each.isr()))).collect(Collectors.toList());
    }

    /** With the option that makes the newer client ask page by page. */
    private static Map<String, Object> describeTopicPartitions(Admin admin, Request request) throws Exception {
        var options = new DescribeTopicsOptions();
        int limit = (int) request.number("limit");
        Newer.call(DescribeTopicsOptions.class, options, "partitionSizeLimitPerResponse", limit);
        var result = admin.describeTopics(List.of(request.text("topic")), options);
        Map<String, KafkaFuture<TopicDescription>> futures = Newer.call(result.getClass(), result, "topicNameValues");
        return Map.of("partitions", partitions(futures.get(request.text("topic")).get()));
    }

    private static List<Integer> ids(Collection<Node> nodes) {
        return nodes.stream().map(Node::id).collect(Collectors.toList());
    }

    private static Map<String, Object> describeCluster(Admin admin, Request request) throws Exception {
        var result = admin.describeCluster();
        return Map.of(
            "cluster_id", result.clusterId().get(), "controller", result.controller().get().id(),
            "brokers", ids(result.nodes().get()));
    }

    private static Map<String, Object> describeLogDirs(Admin admin, Request request) throws Exception {
        var brokers = ids(admin.describeCluster().nodes().get());
        var dirs = new ArrayList<Map<String, Object>>();
        var described = admin.describeLogDirs(brokers).allDescriptions().get();
        for (Map<String, LogDirDescription> ofBroker : described.values()) {
            ofBroker.forEach((path, dir) -> {
                if (dir.error() != null) {
                    throw dir.error();
                }
                var partitions = new ArrayList<List<Object>>();
                dir.replicaInfos().forEach(
                    (place, replica) -> partitions.add(List.of(place.topic(), place.partition(), replica.size())));
                dirs.add(Map.of("path", path, "partitions", partitions));
            });
        }
        return Map.of("dirs", dirs);
    }

    private static Map<String, Object> describeProducers(Admin admin, Request request) throws Exception {
        Object result = Newer.call(Admin.class, admin, "describeProducers", List.of(request.partition()));
        KafkaFuture<?> future = Newer.call(result.getClass(), result, "partitionResult", request.partition());
        Object state = future.get();
        List<?> active = Newer.call(state.getClass(), state, "activeProducers");
        var producers = new ArrayList<Map<String, Object>>();
        for (Object each : active) {
            producers.add(Map.of(
                "producer_id", Newer.call(each.getClass(), each, "producerId"),
                "epoch", Newer.call(each.getClass(), each, "producerEpoch"),
                "last_sequence", Newer.call(each.getClass(), each, "lastSequence")));
        }
        return Map.of("producers", producers);
    }

    private static Map<String, Object> describeFeatures(Admin admin, Request request) throws Exception {
        return Map.of("features", admin.describeFeatures().featureMetadata().get().supportedFeatures().keySet());
    }

    private static Map<String, Object> deleteRecords(Admin admin, Request request) throws Exception {
        TopicPartition partition = request.partition();
        var before = Map.of(partition, RecordsToDelete.beforeOffset(request.number("before")));
        return Map.of("low_watermark", admin.deleteRecords(before).lowWatermarks().get(partition).get().lowWatermark());
    }

    private static Map<String, Object> listOffsets(Admin admin, Request request) throws Exception {
        OffsetSpec spec;
        switch (request.text("at")) {
            case "earliest":
                spec = OffsetSpec.earliest();
                break;
            case "latest":
                spec = OffsetSpec.latest();
                break;
            case "max_timestamp":
                spec = Newer.call(OffsetSpec.class, null, "maxTimestamp");
                break;
            default:
                spec = OffsetSpec.forTimestamp(request.number("at"));
        }
        TopicPartition partition = request.partition();
        ListOffsetsResultInfo found = admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get();
        return Map.of("offset", found.offset(), "timestamp", found.timestamp());
    }

    /** By both calls, where the newer one (groups of all types) is there; what only one of them tells is left out. */
    private static Map<String, Object> listGroups(Admin admin, Request request) throws Exception {
        Set<String> groups = admin.listConsumerGroups().all().get().stream()
            .map(each -> each.groupId()).collect(Collectors.toCollection(TreeSet::new));
        if (Newer.has(Admin.class, "listGroups")) {
            Object result = Newer.call(Admin.class, admin, "listGroups");
            KafkaFuture<Collection<?>> future = Newer.call(result.getClass(), result, "all");
            var all = new TreeSet<String>();
            for (Object each : future.get()) {
                all.add(Newer.call(each.getClass(), each, "groupId"));
            }
            groups.retainAll(all);
        }
        return Map.of("groups", groups);
    }

    private static Map<String, Object> describeGroup(Admin admin, Request request) throws Exception {
        String name = request.text("group");
        ConsumerGroupDescription group = admin.describeConsumerGroups(List.of(name)).describedGroups().get(name).get();
        var members = new ArrayList<Map<String, Object>>();
        for (MemberDescription each : group.members()) {
            var assignment = new ArrayList<List<Object>>();
            each.assignment().topicPartitions().forEach(place ->
                assignment.add(List.of(place.topic(), place.partition())));
            var member = new LinkedHashMap<String, Object>();
            member.put("client_id", each.clientId());
            member.put("host", each.host());
            member.put("instance_id", each.groupInstanceId().orElse(null));
            member.put("assignment", assignment);
            members.add(member);
        }
        Object state = Newer.call(ConsumerGroupDescription.class, group, new String[] {"groupState", "state"});
        return Map.of("state", state.toString(), "protocol", group.partitionAssignor(), "members", members);
    }

    private static Map<String, Object> deleteGroup(Admin admin, Request request) throws Exception {
        admin.deleteConsumerGroups(List.of(request.text("group"))).all().get();
        return Map.of();
    }

    private static Map<String, Object> groupOffsets(Admin admin, Request request) throws Exception {
        var offsets = new ArrayList<List<Object>>();
        admin.listConsumerGroupOffsets(request.text("group")).partitionsToOffsetAndMetadata().get().forEach(
            (place, offset) -> offsets.add(List.of(place.topic(), place.partition(), offset.offset())));
        return Map.of("offsets", offsets);
    }

    private static Map<String, Object> alterGroupOffsets(Admin admin, Request request) throws Exception {
        var offsets = new LinkedHashMap<TopicPartition, OffsetAndMetadata>();
        request.list("offsets").forEach(each -> {
            var triple = each.getAsJsonArray();
            offsets.put(
                new TopicPartition(triple.get(0).getAsString(), triple.get(1).getAsInt()),
                new OffsetAndMetadata(triple.get(2).getAsLong()));
        });
        admin.alterConsumerGroupOffsets(request.text("group"), offsets).all().get();
        return Map.of();
    }

    private static Map<String, Object> deleteGroupOffsets(Admin admin, Request request) throws Exception {
        var partitions = new HashSet<TopicPartition>();
        request.list("partitions").forEach(each -> {
            var pair = each.getAsJsonArray();
            partitions.add(new TopicPartition(pair.get(0).getAsString(), pair.get(1).getAsInt()));
        });
        admin.deleteConsumerGroupOffsets(request.text("group"), partitions).all().get();
        return Map.of();
    }

    private static Map<String, Object> removeMembers(Admin admin, Request request) throws Exception {
        var members = request.texts("instance_ids").stream().map(MemberToRemove::new).collect(Collectors.toSet());
        var options = new RemoveMembersFromConsumerGroupOptions(members);
        admin.removeMembersFromConsumerGroup(request.text("group"), options).all().get();
        return Map.of();
    }
}

// Plays scripts of classic group requests on Apache Kafka's own group coordinator and prints what it does.
//
// Compile and run against the libs of a Kafka 4.2 release:
//   javac -cp '<libs>/*' -d out GroupScripts.java
//   java -cp 'out:<libs>/*' org.apache.kafka.coordinator.group.GroupScripts < scripts.txt > answers.txt
//
// A script is a line "script <name>" and a line for each step; test_against_kafka.py says what they mean. Member ids are
// random, so members go by the number of the join that brought them in: m3 is who came in by the request with token 3.
package org.apache.kafka.coordinator.group;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.coordinator.common.runtime.*;
import org.apache.kafka.coordinator.group.classic.ClassicGroup;
import org.apache.kafka.coordinator.group.classic.ClassicGroupMember;
import org.apache.kafka.coordinator.group.generated.*;
import org.apache.kafka.coordinator.group.metrics.GroupCoordinatorMetricsShard;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.timeline.SnapshotRegistry;

public class GroupScripts {
    static final String GROUP = "g";

    static class Clock implements Time {
        long nowMs = 1_700_000_000_000L;
        public long milliseconds() { return nowMs; }
        public long nanoseconds() { return nowMs * 1_000_000; }
        public void sleep(long ms) { throw new UnsupportedOperationException(); }
        public void waitObject(Object object, Supplier<Boolean> condition, long deadline) { throw new UnsupportedOperationException(); }
    }

    record Timeout(long deadlineMs, long order, CoordinatorTimer.TimeoutOperation<Void, CoordinatorRecord> operation) { }

    static class Timers implements CoordinatorTimer<Void, CoordinatorRecord> {
        final Clock clock;
        final Map<String, Timeout> timeouts = new LinkedHashMap<>();
        long order = 0;
        Timers(Clock clock) { this.clock = clock; }
        public void schedule(String key, long delay, TimeUnit unit, boolean retry, TimeoutOperation<Void, CoordinatorRecord> operation) {
            timeouts.put(key, new Timeout(clock.nowMs + unit.toMillis(delay), order++, operation));
        }
        public void schedule(String key, long delay, TimeUnit unit, boolean retry, long backoff, TimeoutOperation<Void, CoordinatorRecord> operation) {
            schedule(key, delay, unit, retry, operation);
        }
        public void scheduleIfAbsent(String key, long delay, TimeUnit unit, boolean retry, TimeoutOperation<Void, CoordinatorRecord> operation) {
            if (!timeouts.containsKey(key)) schedule(key, delay, unit, retry, operation);
        }
        public void cancel(String key) { timeouts.remove(key); }
        public boolean isScheduled(String key) { return timeouts.containsKey(key); }
    }

    static class World {
        final Clock clock = new Clock();
        final Timers timers = new Timers(clock);
        final GroupMetadataManager groups;
        final OffsetMetadataManager offsets;
        final Map<String, String> idByName = new HashMap<>();
        final Map<String, String> nameById = new HashMap<>();
        final TreeMap<Integer, Supplier<String>> answers = new TreeMap<>();

        @SuppressWarnings("unchecked")
        World() {
            LogContext log = new LogContext();
            SnapshotRegistry snapshots = new SnapshotRegistry(log);
            GroupCoordinatorConfig config = new GroupCoordinatorConfig(new AbstractConfig(GroupCoordinatorConfig.CONFIG_DEF, Map.of(), false));
            GroupCoordinatorMetricsShard metrics = new GroupCoordinatorMetricsShard(snapshots, Map.of(), new TopicPartition("__consumer_offsets", 0));
            CoordinatorExecutor<CoordinatorRecord> executor = (CoordinatorExecutor<CoordinatorRecord>) Proxy.newProxyInstance(
                GroupScripts.class.getClassLoader(), new Class<?>[] {CoordinatorExecutor.class}, (a, b, c) -> null);
            groups = new GroupMetadataManager.Builder().withLogContext(log).withSnapshotRegistry(snapshots).withTime(clock)
                .withTimer(timers).withExecutor(executor).withConfig(config).withGroupConfigManager(new GroupConfigManager(Map.of()))
                .withGroupCoordinatorMetricsShard(metrics).build();
            offsets = new OffsetMetadataManager.Builder().withLogContext(log).withSnapshotRegistry(snapshots).withTime(clock)
                .withGroupMetadataManager(groups).withGroupCoordinatorConfig(config).withGroupCoordinatorMetricsShard(metrics).build();
        }

        ClassicGroup group() {
            try {
                return groups.getOrMaybeCreateClassicGroup(GROUP, false);
            } catch (ApiException error) {
                return null;
            }
        }

        String id(String name) {
            return name.equals("-") ? "" : idByName.getOrDefault(name, name);
        }

        String name(String id) {
            return id == null || id.isEmpty() ? "-" : nameById.getOrDefault(id, id);
        }

        void learn(String name, String id) {
            if (!nameById.containsKey(id)) {
                idByName.put(name, id);
                nameById.put(id, name);
            }
        }

        AuthorizableRequestContext context(int version) {
            return (AuthorizableRequestContext) Proxy.newProxyInstance(GroupScripts.class.getClassLoader(),
                new Class<?>[] {AuthorizableRequestContext.class}, (proxy, method, arguments) -> switch (method.getName()) {
                    case "requestVersion" -> version;
                    case "clientId" -> "client";
                    case "clientAddress" -> InetAddress.getLoopbackAddress();
                    default -> null;
                });
        }

        void written(CoordinatorResult<?, CoordinatorRecord> result) {
            if (result.replayRecords()) {
                for (CoordinatorRecord record : result.records()) {
                    Object value = record.value() == null ? null : record.value().message();
                    if (record.key() instanceof OffsetCommitKey key) offsets.replay(0, -1, key, (OffsetCommitValue) value);
                    else groups.replay((GroupMetadataKey) record.key(), (GroupMetadataValue) value);
                }
            }
            if (result.appendFuture() != null) result.appendFuture().complete(null);
        }

        void advance(long deltaMs) {
            long targetMs = clock.nowMs + deltaMs;
            while (true) {
                Map.Entry<String, Timeout> next = null;
                for (Map.Entry<String, Timeout> entry : timers.timeouts.entrySet()) {
                    Timeout timeout = entry.getValue();
                    if (timeout.deadlineMs > targetMs) continue;
                    if (next == null || timeout.deadlineMs < next.getValue().deadlineMs
                        || timeout.deadlineMs == next.getValue().deadlineMs && timeout.order < next.getValue().order) next = entry;
                }
                if (next == null) break;
                Timeout timeout = next.getValue();
                timers.timeouts.remove(next.getKey());
                clock.nowMs = Math.max(clock.nowMs, timeout.deadlineMs);
                written(timeout.operation.generateRecords());
            }
            clock.nowMs = targetMs;
        }

        void join(String[] a) {
            int token = Integer.parseInt(a[1]);
            String memberId = id(a[2]);
            JoinGroupRequestData.JoinGroupRequestProtocolCollection protocols = new JoinGroupRequestData.JoinGroupRequestProtocolCollection();
            if (!a[5].equals("-")) for (String protocol : a[5].split(",")) {
                String[] parts = protocol.split(":");
                protocols.add(new JoinGroupRequestData.JoinGroupRequestProtocol().setName(parts[0]).setMetadata(parts[1].getBytes(StandardCharsets.UTF_8)));
            }
            Set<String> before = known();
            CompletableFuture<JoinGroupResponseData> future = new CompletableFuture<>();
            CoordinatorResult<Void, CoordinatorRecord> result = groups.classicGroupJoin(context(Integer.parseInt(a[8])), new JoinGroupRequestData()
                .setGroupId(GROUP).setMemberId(memberId).setGroupInstanceId(a[3].equals("-") ? null : a[3]).setProtocolType(a[4].equals("-") ? "" : a[4])
                .setProtocols(protocols).setSessionTimeoutMs(Integer.parseInt(a[6])).setRebalanceTimeoutMs(Integer.parseInt(a[7])), future);
            Set<String> after = known();
            after.removeAll(before);
            for (String id : after) learn("m" + token, id);
            if (future.isDone()) {
                JoinGroupResponseData response = future.join();
                if (response.errorCode() == Errors.MEMBER_ID_REQUIRED.code()) learn("m" + token, response.memberId());
            }
            future.thenAccept(response -> answers.put(token, () -> show(response)));
            written(result);
        }

        Set<String> known() {
            ClassicGroup group = group();
            return group == null ? new HashSet<>() : new HashSet<>(group.allMemberIds());
        }

        String show(JoinGroupResponseData r) {
            TreeSet<String> members = new TreeSet<>();
            for (JoinGroupResponseData.JoinGroupResponseMember member : r.members())
                members.add(name(member.memberId()) + "/" + member.groupInstanceId() + "/" + new String(member.metadata(), StandardCharsets.UTF_8));
            return "join " + Errors.forCode(r.errorCode()) + " " + r.generationId() + " " + r.protocolType() + " " + r.protocolName()
                + " leader=" + name(r.leader()) + " skip=" + r.skipAssignment() + " me=" + name(r.memberId()) + " " + members;
        }

        void sync(String[] a) {
            int token = Integer.parseInt(a[1]);
            List<SyncGroupRequestData.SyncGroupRequestAssignment> assignments = new ArrayList<>();
            if (!a[5].equals("-")) for (String assignment : a[5].split(",")) {
                String[] parts = assignment.split("=");
                assignments.add(new SyncGroupRequestData.SyncGroupRequestAssignment().setMemberId(id(parts[0])).setAssignment(parts[1].getBytes(StandardCharsets.UTF_8)));
            }
            CompletableFuture<SyncGroupResponseData> future = new CompletableFuture<>();
            future.thenAccept(r -> answers.put(token, () -> "sync " + Errors.forCode(r.errorCode()) + " " + r.protocolType() + " " + r.protocolName()
                + " " + new String(r.assignment(), StandardCharsets.UTF_8)));
            written(groups.classicGroupSync(context(5), new SyncGroupRequestData().setGroupId(GROUP).setMemberId(id(a[2]))
                .setGroupInstanceId(a[3].equals("-") ? null : a[3]).setGenerationId(Integer.parseInt(a[4])).setAssignments(assignments), future));
        }

        String heartbeat(String[] a) {
            try {
                CoordinatorResult<HeartbeatResponseData, CoordinatorRecord> result = groups.classicGroupHeartbeat(context(4), new HeartbeatRequestData()
                    .setGroupId(GROUP).setMemberId(id(a[1])).setGroupInstanceId(a[2].equals("-") ? null : a[2]).setGenerationId(Integer.parseInt(a[3])));
                written(result);
                return Errors.forCode(result.response().errorCode()).toString();
            } catch (ApiException error) {
                return Errors.forException(error).toString();
            }
        }

        String leave(String[] a) {
            List<LeaveGroupRequestData.MemberIdentity> members = new ArrayList<>();
            for (String one : Arrays.copyOfRange(a, 1, a.length)) {
                String[] parts = one.split("/");
                members.add(new LeaveGroupRequestData.MemberIdentity().setMemberId(id(parts[0])).setGroupInstanceId(parts[1].equals("-") ? null : parts[1]));
            }
            try {
                CoordinatorResult<LeaveGroupResponseData, CoordinatorRecord> result =
                    groups.classicGroupLeave(context(5), new LeaveGroupRequestData().setGroupId(GROUP).setMembers(members));
                written(result);
                return Errors.forCode(result.response().errorCode()) + " " + result.response().members().stream()
                    .map(member -> Errors.forCode(member.errorCode()).toString()).collect(Collectors.toList());
            } catch (ApiException error) {
                // The service turns an unknown group into an error for each member.
                return "NONE " + members.stream().map(member -> Errors.forException(error).toString()).collect(Collectors.toList());
            }
        }

        String commit(String[] a) {
            OffsetCommitRequestData request = new OffsetCommitRequestData().setGroupId(GROUP).setMemberId(id(a[1]))
                .setGroupInstanceId(a[2].equals("-") ? null : a[2]).setGenerationIdOrMemberEpoch(Integer.parseInt(a[3]))
                .setTopics(List.of(new OffsetCommitRequestData.OffsetCommitRequestTopic().setName("t").setPartitions(List.of(
                    new OffsetCommitRequestData.OffsetCommitRequestPartition().setPartitionIndex(0).setCommittedOffset(1).setCommittedMetadata("")))));
            try {
                CoordinatorResult<OffsetCommitResponseData, CoordinatorRecord> result = offsets.commitOffset(context(9), request);
                written(result);
                return Errors.forCode(result.response().topics().get(0).partitions().get(0).errorCode()).toString();
            } catch (ApiException error) {
                return Errors.forException(error).toString();
            }
        }

        String state() {
            ClassicGroup group = group();
            if (group == null) return "Empty 0 null null [] pending=0";
            TreeSet<String> members = new TreeSet<>();
            for (ClassicGroupMember member : group.allMembers())
                members.add(name(member.memberId()) + (member.isAwaitingJoin() ? "+join" : "") + (member.isAwaitingSync() ? "+sync" : "")
                    + ":" + new String(member.assignment(), StandardCharsets.UTF_8));
            return group.stateAsString() + " " + group.generationId() + " " + group.protocolName().orElse(null)
                + " " + (group.leaderOrNull() == null ? "null" : name(group.leaderOrNull())) + " " + members + " pending=" + group.numPendingJoinMembers();
        }
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        World world = null;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] a = line.split(" ");
            if (a[0].equals("script")) {
                world = new World();
                out.println(line);
                continue;
            }
            world.answers.clear();
            String said = "";
            switch (a[0]) {
                case "join" -> world.join(a);
                case "sync" -> world.sync(a);
                case "heartbeat" -> said = world.heartbeat(a);
                case "leave" -> said = world.leave(a);
                case "commit" -> said = world.commit(a);
                case "wait" -> world.advance(Long.parseLong(a[1]));
                default -> throw new IllegalArgumentException(line);
            }
            TreeMap<Integer, String> answers = new TreeMap<>();
            world.answers.forEach((token, answer) -> answers.put(token, answer.get()));
            out.println(said + " | " + answers + " | " + world.state());
        }
        out.flush();
    }
}

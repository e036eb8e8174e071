// Prints what Apache Kafka's own classes make of the records of a group coordinator, one JSON object a line.
// Run: java -cp '<the libs of a Kafka 4.2 release>/*' CoordinatorRecords.java > coordinator_records.jsonl

import java.util.Base64;
import java.util.List;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecord;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordSerde;
import org.apache.kafka.coordinator.group.generated.*;
import org.apache.kafka.server.common.ApiMessageAndVersion;

public class CoordinatorRecords {
    static final GroupCoordinatorRecordSerde SERDE = new GroupCoordinatorRecordSerde();

    static String base64(byte[] bytes) {
        return bytes == null ? "null" : "\"" + Base64.getEncoder().encodeToString(bytes) + "\"";
    }

    static void show(String name, ApiMessage key, ApiMessage value, int version) {
        CoordinatorRecord record = value == null
            ? CoordinatorRecord.tombstone(key)
            : CoordinatorRecord.record(key, new ApiMessageAndVersion(value, (short) version));
        System.out.println("{\"name\": \"" + name + "\", \"version\": " + version
            + ", \"key\": " + base64(SERDE.serializeKey(record)) + ", \"value\": " + base64(SERDE.serializeValue(record)) + "}");
    }

    static OffsetCommitKey offsetKey() {
        return new OffsetCommitKey().setGroup("grüppe").setTopic("topic").setPartition(7);
    }

    static OffsetCommitValue offset() {
        return new OffsetCommitValue().setOffset(1234567890123L).setMetadata("späte Notiz").setCommitTimestamp(1700000000123L);
    }

    static GroupMetadataValue group(int version) {
        GroupMetadataValue value = new GroupMetadataValue()
            .setProtocolType("consumer").setGeneration(42).setProtocol("range").setLeader("member-1");
        if (version >= 2) value.setCurrentStateTimestamp(1700000000456L);
        GroupMetadataValue.MemberMetadata first = new GroupMetadataValue.MemberMetadata()
            .setMemberId("member-1").setClientId("client").setClientHost("/127.0.0.1").setSessionTimeout(45000)
            .setSubscription(new byte[] {0, 1, 2}).setAssignment(new byte[] {3, 4});
        GroupMetadataValue.MemberMetadata second = new GroupMetadataValue.MemberMetadata()
            .setMemberId("member-2").setClientId("").setClientHost("/::1").setSessionTimeout(10000)
            .setSubscription(new byte[0]).setAssignment(new byte[0]);
        if (version >= 1) { first.setRebalanceTimeout(300000); second.setRebalanceTimeout(60000); }
        if (version >= 3) second.setGroupInstanceId("instance");
        return value.setMembers(List.of(first, second));
    }

    public static void main(String[] arguments) {
        GroupMetadataKey groupKey = new GroupMetadataKey().setGroup("grüppe");
        show("offset", offsetKey(), offset().setLeaderEpoch(5), 4);
        show("offset of a topic by id", offsetKey(),
            offset().setLeaderEpoch(5).setTopicId(new Uuid(0x0102030405060708L, 0x090a0b0c0d0e0f10L)), 4);
        show("offset without epoch", offsetKey(), offset().setLeaderEpoch(-1), 4);
        show("offset", offsetKey(), offset().setLeaderEpoch(5), 3);
        show("offset", offsetKey(), offset(), 2);
        show("offset with expiry", offsetKey(), offset().setExpireTimestamp(1700000060123L), 1);
        show("offset", offsetKey(), offset(), 0);
        show("offset tombstone", offsetKey(), null, 0);
        for (int version = 0; version <= 4; version++) show("group", groupKey, group(version), version);
        show("empty group", groupKey, new GroupMetadataValue().setProtocolType("consumer").setGeneration(43)
            .setProtocol(null).setLeader(null).setCurrentStateTimestamp(1700000000456L).setMembers(List.of()), 3);
        show("new group", groupKey, new GroupMetadataValue().setProtocolType("").setGeneration(0)
            .setProtocol(null).setLeader(null).setCurrentStateTimestamp(-1).setMembers(List.of()), 3);
        show("group tombstone", groupKey, null, 0);
        show("legacy offset", new LegacyOffsetCommitKey().setGroup("grüppe").setTopic("topic").setPartition(7),
            new LegacyOffsetCommitValue().setOffset(1234567890123L).setMetadata("späte Notiz").setCommitTimestamp(1700000000123L), 0);
        show("legacy offset tombstone", new LegacyOffsetCommitKey().setGroup("grüppe").setTopic("topic").setPartition(7), null, 0);
        show("other type", new ConsumerGroupMetadataKey().setGroupId("g"), new ConsumerGroupMetadataValue().setEpoch(3), 0);
        show("other type", new ConsumerGroupMemberMetadataKey().setGroupId("g").setMemberId("m"),
            new ConsumerGroupMemberMetadataValue().setClientId("c").setClientHost("/h").setSubscribedTopicNames(List.of("t")), 0);
        show("other type", new ShareGroupMetadataKey().setGroupId("g"), new ShareGroupMetadataValue().setEpoch(3), 0);
        show("other type", new StreamsGroupMetadataKey().setGroupId("g"), new StreamsGroupMetadataValue().setEpoch(3), 0);
        show("other type", new ConsumerGroupCurrentMemberAssignmentKey().setGroupId("g").setMemberId("m"), null, 0);
    }
}

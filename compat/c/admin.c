/* Administrative calls of librdkafka 2.0: each sends one request, waits for its event and reads the one result. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_kafka_t *client;
static rd_kafka_queue_t *events;

rd_kafka_t *admin_client(struct request *request) {
    if (!client) {
        client = made(request, RD_KAFKA_PRODUCER, settings(request, false));
        if (client)
            events = rd_kafka_queue_new(client);
    }
    return client;
}

static rd_kafka_AdminOptions_t *options(struct request *request) {
    char why[256];
    rd_kafka_AdminOptions_t *found = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_ANY);
    rd_kafka_AdminOptions_set_request_timeout(found, left_ms(request), why, sizeof why);
    return found;
}

/* The event of the request that was sent, or NULL when it failed as a whole. */
static rd_kafka_event_t *answered(struct request *request) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(events, left_ms(request) + 1000);
    if (!event) {
        fail(request, 0, "no answer");
        return NULL;
    }
    if (failed_with(request, rd_kafka_event_error(event), rd_kafka_event_error_string(event))) {
        rd_kafka_event_destroy(event);
        return NULL;
    }
    return event;
}

static void topic_result(struct request *request, const rd_kafka_topic_result_t *const *results) {
    failed_with(request, rd_kafka_topic_result_error(results[0]), rd_kafka_topic_result_error_string(results[0]));
}

static void group_result(struct request *request, const rd_kafka_group_result_t *result) {
    const rd_kafka_error_t *error = rd_kafka_group_result_error(result);
    if (error)
        failed_with(request, rd_kafka_error_code(error), rd_kafka_error_string(error));
    const rd_kafka_topic_partition_list_t *places = rd_kafka_group_result_partitions(result);
    for (int at = 0; places && at < places->cnt; at++)
        failed_with(request, places->elems[at].err, NULL);
}

static void create_topic(struct request *request) {
    char why[256];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(text_of(request, "topic"), (int)integer_of(request, "partitions", 1),
                              (int)integer_of(request, "replication_factor", 1), why, sizeof why);
    if (!topic) {
        fail(request, 0, "%s", why);
        return;
    }
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(request->json, "configs"), name, value)
        rd_kafka_NewTopic_set_config(topic, name, json_string_value(value));
    rd_kafka_AdminOptions_t *opts = options(request);
    if (json_is_true(json_object_get(request->json, "validate_only"))) {
        rd_kafka_AdminOptions_destroy(opts);
        opts = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
        rd_kafka_AdminOptions_set_validate_only(opts, 1, why, sizeof why);
    }
    rd_kafka_CreateTopics(client, &topic, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count;
        topic_result(request, rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count));
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_NewTopic_destroy(topic);
}

static void delete_topic(struct request *request) {
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(text_of(request, "topic"));
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_DeleteTopics(client, &topic, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count;
        topic_result(request, rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count));
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_DeleteTopic_destroy(topic);
}

static void create_partitions(struct request *request) {
    char why[256];
    rd_kafka_NewPartitions_t *new = rd_kafka_NewPartitions_new(
        text_of(request, "topic"), (size_t)integer_of(request, "total", 1), why, sizeof why);
    if (!new) {
        fail(request, 0, "%s", why);
        return;
    }
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_CreatePartitions(client, &new, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count;
        topic_result(request,
                     rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &count));
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_NewPartitions_destroy(new);
}

static const struct rd_kafka_metadata *metadata(struct request *request) {
    const struct rd_kafka_metadata *found = NULL;
    failed_with(request, rd_kafka_metadata(client, 1, NULL, &found, left_ms(request)), NULL);
    return found;
}

static void list_topics(struct request *request) {
    const struct rd_kafka_metadata *found = metadata(request);
    json_t *topics = json_array();
    for (int at = 0; found && at < found->topic_cnt; at++)
        json_array_append_new(topics, json_string(found->topics[at].topic));
    json_object_set_new(request->ok, "topics", topics);
    if (found)
        rd_kafka_metadata_destroy(found);
}

static json_t *integers(const int32_t *numbers, int count) {
    json_t *found = json_array();
    for (int at = 0; at < count; at++)
        json_array_append_new(found, json_integer(numbers[at]));
    return found;
}

static void describe_topic(struct request *request) {
    const struct rd_kafka_metadata *found = metadata(request);
    json_t *partitions = json_array();
    for (int at = 0; found && at < found->topic_cnt; at++) {
        const struct rd_kafka_metadata_topic *topic = &found->topics[at];
        if (strcmp(topic->topic, text_of(request, "topic")))
            continue;
        for (int index = 0; index < topic->partition_cnt; index++) {
            const struct rd_kafka_metadata_partition *each = &topic->partitions[index];
            json_array_append_new(partitions,
                                  json_pack("{s:i,s:i,s:o,s:o}", "partition", each->id, "leader", each->leader,
                                            "replicas", integers(each->replicas, each->replica_cnt), "isr",
                                            integers(each->isrs, each->isr_cnt)));
        }
    }
    json_object_set_new(request->ok, "partitions", partitions);
    if (found)
        rd_kafka_metadata_destroy(found);
}

static void describe_cluster(struct request *request) {
    const struct rd_kafka_metadata *found = metadata(request);
    json_t *brokers = json_array();
    for (int at = 0; found && at < found->broker_cnt; at++)
        json_array_append_new(brokers, json_integer(found->brokers[at].id));
    char *cluster = rd_kafka_clusterid(client, left_ms(request));
    json_object_set_new(request->ok, "brokers", brokers);
    json_object_set_new(request->ok, "cluster_id", cluster ? json_string(cluster) : json_null());
    json_object_set_new(request->ok, "controller", json_integer(rd_kafka_controllerid(client, left_ms(request))));
    if (cluster)
        rd_kafka_mem_free(client, cluster);
    if (found)
        rd_kafka_metadata_destroy(found);
}

/* NULL, and none() called, where librdkafka has no such resource. */
static rd_kafka_ConfigResource_t *resource(struct request *request) {
    const char *type = text_of(request, "type");
    if (!strcmp(type, "group")) {
        none(request, "librdkafka %s has settings of topics and brokers", rd_kafka_version_str());
        return NULL;
    }
    return rd_kafka_ConfigResource_new(strcmp(type, "topic") ? RD_KAFKA_RESOURCE_BROKER : RD_KAFKA_RESOURCE_TOPIC,
                                       text_of(request, "name"));
}

static void describe_configs(struct request *request) {
    rd_kafka_ConfigResource_t *asked = resource(request);
    if (!asked)
        return;
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_DescribeConfigs(client, &asked, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count, entries = 0;
        const rd_kafka_ConfigResource_t *found =
            rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count)[0];
        failed_with(request, rd_kafka_ConfigResource_error(found), rd_kafka_ConfigResource_error_string(found));
        const rd_kafka_ConfigEntry_t **entry = rd_kafka_ConfigResource_configs(found, &entries);
        json_t *configs = json_object();
        for (size_t at = 0; at < entries; at++) {
            const char *value = rd_kafka_ConfigEntry_value(entry[at]);
            json_object_set_new(configs, rd_kafka_ConfigEntry_name(entry[at]), value ? json_string(value) : json_null());
        }
        json_object_set_new(request->ok, "configs", configs);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_ConfigResource_destroy(asked);
}

static void alter_configs(struct request *request) {
    rd_kafka_ConfigResource_t *asked = resource(request);
    if (!asked)
        return;
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(request->json, "configs"), name, value)
        rd_kafka_ConfigResource_set_config(asked, name, json_string_value(value));
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_AlterConfigs(client, &asked, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count;
        const rd_kafka_ConfigResource_t *found =
            rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count)[0];
        failed_with(request, rd_kafka_ConfigResource_error(found), rd_kafka_ConfigResource_error_string(found));
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_ConfigResource_destroy(asked);
}

static void delete_records(struct request *request) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, text_of(request, "topic"), (int)integer_of(request, "partition", 0))
        ->offset = integer_of(request, "before", 0);
    rd_kafka_DeleteRecords_t *wanted = rd_kafka_DeleteRecords_new(list);
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_DeleteRecords(client, &wanted, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        const rd_kafka_topic_partition_t *found =
            &rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event))->elems[0];
        failed_with(request, found->err, NULL);
        json_object_set_new(request->ok, "low_watermark", json_integer(found->offset));
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_DeleteRecords_destroy(wanted);
    rd_kafka_topic_partition_list_destroy(list);
}

static void list_groups(struct request *request) {
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_ListConsumerGroups(client, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count, errors;
        const rd_kafka_ListConsumerGroups_result_t *result = rd_kafka_event_ListConsumerGroups_result(event);
        const rd_kafka_ConsumerGroupListing_t **found = rd_kafka_ListConsumerGroups_result_valid(result, &count);
        const rd_kafka_error_t **error = rd_kafka_ListConsumerGroups_result_errors(result, &errors);
        json_t *groups = json_array();
        for (size_t at = 0; at < count; at++)
            json_array_append_new(groups, json_string(rd_kafka_ConsumerGroupListing_group_id(found[at])));
        if (errors)
            failed_with(request, rd_kafka_error_code(error[0]), rd_kafka_error_string(error[0]));
        json_object_set_new(request->ok, "groups", groups);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
}

static json_t *member_from(const rd_kafka_MemberDescription_t *member) {
    const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(member);
    const rd_kafka_topic_partition_list_t *places =
        assignment ? rd_kafka_MemberAssignment_partitions(assignment) : NULL;
    json_t *assigned = json_array();
    for (int at = 0; places && at < places->cnt; at++)
        json_array_append_new(assigned, json_pack("[s,i]", places->elems[at].topic, places->elems[at].partition));
    return json_pack("{s:s,s:s,s:s?,s:o}", "client_id", rd_kafka_MemberDescription_client_id(member), "host",
                     rd_kafka_MemberDescription_host(member), "instance_id",
                     rd_kafka_MemberDescription_group_instance_id(member), "assignment", assigned);
}

static void describe_group(struct request *request) {
    const char *group = text_of(request, "group");
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_DescribeConsumerGroups(client, &group, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count;
        const rd_kafka_ConsumerGroupDescription_t *found = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(event), &count)[0];
        const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(found);
        if (error)
            failed_with(request, rd_kafka_error_code(error), rd_kafka_error_string(error));
        json_t *members = json_array();
        for (size_t at = 0; at < rd_kafka_ConsumerGroupDescription_member_count(found); at++)
            json_array_append_new(members, member_from(rd_kafka_ConsumerGroupDescription_member(found, at)));
        const char *state = rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(found));
        const char *assignor = rd_kafka_ConsumerGroupDescription_partition_assignor(found);
        json_object_set_new(request->ok, "state", json_string(state));
        json_object_set_new(request->ok, "protocol", assignor ? json_string(assignor) : json_null());
        json_object_set_new(request->ok, "members", members);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
}

static void delete_group(struct request *request) {
    rd_kafka_DeleteGroup_t *group = rd_kafka_DeleteGroup_new(text_of(request, "group"));
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_DeleteGroups(client, &group, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count;
        group_result(request, rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &count)[0]);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_DeleteGroup_destroy(group);
}

static void group_offsets(struct request *request) {
    rd_kafka_ListConsumerGroupOffsets_t *asked = rd_kafka_ListConsumerGroupOffsets_new(text_of(request, "group"), NULL);
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_ListConsumerGroupOffsets(client, &asked, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count;
        const rd_kafka_group_result_t *result = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event), &count)[0];
        group_result(request, result);
        const rd_kafka_topic_partition_list_t *places = rd_kafka_group_result_partitions(result);
        json_t *offsets = json_array();
        for (int at = 0; places && at < places->cnt; at++)
            json_array_append_new(offsets, json_pack("[s,i,I]", places->elems[at].topic, places->elems[at].partition,
                                                     (json_int_t)places->elems[at].offset));
        json_object_set_new(request->ok, "offsets", offsets);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_ListConsumerGroupOffsets_destroy(asked);
}

/* The partitions of a request, with offsets where they have some. */
static rd_kafka_topic_partition_list_t *places_of(struct request *request, const char *name) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    size_t at;
    json_t *place;
    json_array_foreach(json_object_get(request->json, name), at, place) {
        const char *topic = json_string_value(json_array_get(place, 0));
        int partition = (int)json_integer_value(json_array_get(place, 1));
        rd_kafka_topic_partition_list_add(list, topic, partition)->offset = json_integer_value(json_array_get(place, 2));
    }
    return list;
}

static void alter_group_offsets(struct request *request) {
    rd_kafka_topic_partition_list_t *list = places_of(request, "offsets");
    rd_kafka_AlterConsumerGroupOffsets_t *wanted = rd_kafka_AlterConsumerGroupOffsets_new(text_of(request, "group"), list);
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_AlterConsumerGroupOffsets(client, &wanted, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count;
        group_result(request, rd_kafka_AlterConsumerGroupOffsets_result_groups(
                                  rd_kafka_event_AlterConsumerGroupOffsets_result(event), &count)[0]);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_AlterConsumerGroupOffsets_destroy(wanted);
    rd_kafka_topic_partition_list_destroy(list);
}

static void delete_group_offsets(struct request *request) {
    rd_kafka_topic_partition_list_t *list = places_of(request, "partitions");
    rd_kafka_DeleteConsumerGroupOffsets_t *wanted =
        rd_kafka_DeleteConsumerGroupOffsets_new(text_of(request, "group"), list);
    rd_kafka_AdminOptions_t *opts = options(request);
    rd_kafka_DeleteConsumerGroupOffsets(client, &wanted, 1, opts, events);
    rd_kafka_event_t *event = answered(request);
    if (event) {
        size_t count;
        group_result(request, rd_kafka_DeleteConsumerGroupOffsets_result_groups(
                                  rd_kafka_event_DeleteConsumerGroupOffsets_result(event), &count)[0]);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(opts);
    rd_kafka_DeleteConsumerGroupOffsets_destroy(wanted);
    rd_kafka_topic_partition_list_destroy(list);
}

static const struct {
    const char *name;
    void (*run)(struct request *);
} OPERATIONS[] = {
    {"create_topic", create_topic},
    {"delete_topic", delete_topic},
    {"create_partitions", create_partitions},
    {"list_topics", list_topics},
    {"describe_topic", describe_topic},
    {"describe_cluster", describe_cluster},
    {"describe_configs", describe_configs},
    {"alter_configs", alter_configs},
    {"delete_records", delete_records},
    {"list_groups", list_groups},
    {"describe_group", describe_group},
    {"delete_group", delete_group},
    {"group_offsets", group_offsets},
    {"alter_group_offsets", alter_group_offsets},
    {"delete_group_offsets", delete_group_offsets},
};

bool do_admin(const char *name, struct request *request) {
    for (size_t at = 0; at < sizeof OPERATIONS / sizeof *OPERATIONS; at++)
        if (!strcmp(name, OPERATIONS[at].name)) {
            if (admin_client(request))
                OPERATIONS[at].run(request);
            return true;
        }
    return false;
}

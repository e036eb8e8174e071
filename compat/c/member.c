/* The group member. Records that come between requests wait in `waiting` until `poll` asks for them. */
#include "driver.h"

#include <stdio.h>
#include <string.h>

static rd_kafka_t *member;
static json_t *waiting;                            /* records that were not handed over */
static rd_kafka_topic_partition_list_t *positions; /* one past the last record handed over */
static int assignments;

bool member_exists(void) { return member != NULL; }

static void rebalanced(rd_kafka_t *client, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *places,
                       void *opaque) {
    (void)opaque;
    bool cooperative = !strcmp(rd_kafka_rebalance_protocol(client), "COOPERATIVE");
    rd_kafka_error_t *error = NULL;
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        assignments++;
        if (cooperative)
            error = rd_kafka_incremental_assign(client, places);
        else
            rd_kafka_assign(client, places);
    } else if (cooperative) {
        error = rd_kafka_incremental_unassign(client, places);
    } else {
        rd_kafka_assign(client, NULL);
    }
    if (error) {
        fprintf(stderr, "rebalance: %s\n", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
}

void member_poll(int timeout_ms) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(member, timeout_ms);
    if (!message)
        return;
    if (message->err)
        fprintf(stderr, "poll: %s\n", rd_kafka_message_errstr(message));
    else
        json_array_append_new(waiting, record_from(message));
    rd_kafka_message_destroy(message);
}

void do_join(struct request *request) {
    const char *strategy = text_of(request, "strategy"), *instance = text_of(request, "instance_id");
    if (strategy && !strcmp(strategy, "sticky")) {
        none(request, "librdkafka has range, roundrobin and cooperative-sticky");
        return;
    }
    char session[16];
    snprintf(session, sizeof session, "%d", (int)integer_of(request, "session_timeout_ms", 10000));
    rd_kafka_conf_t *conf = settings(request, true);
    set(conf, "group.id", text_of(request, "group"));
    set(conf, "session.timeout.ms", session);
    set(conf, "heartbeat.interval.ms", "500");
    set(conf, "partition.assignment.strategy", strategy ? strategy : "range");
    if (instance)
        set(conf, "group.instance.id", instance);
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rd_kafka_t *client = made(request, RD_KAFKA_CONSUMER, conf);
    if (!client)
        return;
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    size_t at;
    json_t *topic;
    json_array_foreach(json_object_get(request->json, "topics"), at, topic)
        rd_kafka_topic_partition_list_add(topics, json_string_value(topic), RD_KAFKA_PARTITION_UA);
    failed_with(request, rd_kafka_subscribe(client, topics), NULL);
    rd_kafka_topic_partition_list_destroy(topics);
    member = client;
    waiting = json_array();
    positions = rd_kafka_topic_partition_list_new(4);
    assignments = 0;
}

/* Whether there is a member; fails the request otherwise. */
static bool has_member(struct request *request) {
    if (!member)
        fail(request, 0, "there is no member");
    return member != NULL;
}

static rd_kafka_topic_partition_list_t *assigned(void) {
    rd_kafka_topic_partition_list_t *places = NULL;
    rd_kafka_assignment(member, &places);
    return places;
}

void do_assignment(struct request *request) {
    if (!has_member(request))
        return;
    json_t *found = json_array();
    rd_kafka_topic_partition_list_t *places = assigned();
    for (int at = 0; at < places->cnt; at++)
        json_array_append_new(found, json_pack("[s,i]", places->elems[at].topic, places->elems[at].partition));
    rd_kafka_topic_partition_list_destroy(places);
    json_object_set_new(request->ok, "partitions", found);
    json_object_set_new(request->ok, "rebalances", json_integer(assignments));
}

static void drop_revoked(void) {
    rd_kafka_topic_partition_list_t *places = assigned();
    for (size_t at = json_array_size(waiting); at-- > 0;) {
        const json_t *record = json_array_get(waiting, at);
        if (!rd_kafka_topic_partition_list_find(places, json_string_value(json_object_get(record, "topic")),
                                                (int)json_integer_value(json_object_get(record, "partition"))))
            json_array_remove(waiting, at);
    }
    rd_kafka_topic_partition_list_destroy(places);
}

static void remember(const json_t *record) {
    const char *topic = json_string_value(json_object_get(record, "topic"));
    int partition = (int)json_integer_value(json_object_get(record, "partition"));
    rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_find(positions, topic, partition);
    if (!place)
        place = rd_kafka_topic_partition_list_add(positions, topic, partition);
    place->offset = json_integer_value(json_object_get(record, "offset")) + 1;
}

void do_poll(struct request *request) {
    if (!has_member(request))
        return;
    int64_t deadline = now_ms() + integer_of(request, "wait_ms", 0);
    do {
        /* All that is here already, and a moment for what is not. */
        size_t before = json_array_size(waiting) + 1;
        while (json_array_size(waiting) != before && json_array_size(waiting) < 500) {
            before = json_array_size(waiting);
            member_poll(before ? 0 : 20);
        }
        drop_revoked();
    } while (!json_array_size(waiting) && now_ms() < deadline);
    json_t *found = json_array();
    for (int64_t left = integer_of(request, "max", 500); left > 0 && json_array_size(waiting); left--) {
        json_t *record = json_array_get(waiting, 0);
        remember(record);
        json_array_append(found, record);
        json_array_remove(waiting, 0);
    }
    json_object_set_new(request->ok, "records", found);
}

void do_commit(struct request *request) {
    if (!has_member(request))
        return;
    json_t *told = json_array();
    rd_kafka_topic_partition_list_t *places = assigned(), *wanted = rd_kafka_topic_partition_list_new(4);
    for (int at = 0; at < positions->cnt; at++) {
        const rd_kafka_topic_partition_t *place = &positions->elems[at];
        if (!rd_kafka_topic_partition_list_find(places, place->topic, place->partition))
            continue;
        rd_kafka_topic_partition_list_add(wanted, place->topic, place->partition)->offset = place->offset;
        json_array_append_new(told, json_pack("[s,i,I]", place->topic, place->partition, (json_int_t)place->offset));
    }
    if (wanted->cnt)
        failed_with(request, rd_kafka_commit(member, wanted, 0), NULL);
    rd_kafka_topic_partition_list_destroy(wanted);
    rd_kafka_topic_partition_list_destroy(places);
    json_object_set_new(request->ok, "offsets", told);
}

void do_committed(struct request *request) {
    if (!has_member(request))
        return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *place =
        rd_kafka_topic_partition_list_add(list, text_of(request, "topic"), (int)integer_of(request, "partition", 0));
    failed_with(request, rd_kafka_committed(member, list, left_ms(request)), NULL);
    json_object_set_new(request->ok, "offset", place->offset < 0 ? json_null() : json_integer(place->offset));
    rd_kafka_topic_partition_list_destroy(list);
}

void do_leave(struct request *request) {
    if (!has_member(request))
        return;
    failed_with(request, rd_kafka_consumer_close(member), NULL);
    rd_kafka_destroy(member);
    member = NULL;
    json_decref(waiting);
    rd_kafka_topic_partition_list_destroy(positions);
}

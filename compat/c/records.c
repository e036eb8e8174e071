/* Producing, and reading one partition without a group. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *record_from(const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t kind;
    int64_t stamp = rd_kafka_message_timestamp(message, &kind);
    json_t *headers = json_array();
    rd_kafka_headers_t *all;
    if (!rd_kafka_message_headers(message, &all)) {
        const char *name;
        const void *value;
        size_t size;
        for (size_t at = 0; !rd_kafka_header_get_all(all, at, &name, &value, &size); at++)
            json_array_append_new(headers, json_pack("[s,o]", name, text_from(value, size)));
    }
    return json_pack("{s:s,s:i,s:I,s:o,s:o,s:o,s:o}", "topic", rd_kafka_topic_name(message->rkt), "partition",
                     message->partition, "offset", (json_int_t)message->offset, "timestamp",
                     kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? json_null() : json_integer(stamp), "key",
                     text_from(message->key, message->key_len), "value", text_from(message->payload, message->len),
                     "headers", headers);
}

#define MOST_PRODUCERS 32

static struct {
    char kind[64];
    rd_kafka_t *client;
} producers[MOST_PRODUCERS];
static size_t producer_count;

/* What became of the records of the request that is under way. */
static struct {
    struct request *request;
    json_t *offsets;
    size_t left;
    bool told;
} sending;

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client, (void)opaque;
    size_t index = (size_t)(intptr_t)message->_private;
    if (!sending.request || !sending.left)
        return;
    sending.left--;
    if (!failed_with(sending.request, message->err, NULL) && sending.told)
        json_array_set_new(sending.offsets, index,
                           json_pack("[i,I]", message->partition, (json_int_t)message->offset));
}

static rd_kafka_t *producer(struct request *request) {
    const char *codec = text_of(request, "codec");
    int acks = (int)integer_of(request, "acks", -1);
    bool idempotent = json_is_true(json_object_get(request->json, "idempotent"));
    char kind[64], number[12];
    snprintf(kind, sizeof kind, "%s %d %d", codec ? codec : "none", acks, idempotent);
    for (size_t at = 0; at < producer_count; at++)
        if (!strcmp(producers[at].kind, kind))
            return producers[at].client;
    if (producer_count == MOST_PRODUCERS) {
        fail(request, 0, "more than %d producers", MOST_PRODUCERS);
        return NULL;
    }
    rd_kafka_conf_t *conf = settings(request, false);
    snprintf(number, sizeof number, "%d", acks);
    set(conf, "compression.codec", codec ? codec : "none");
    set(conf, "acks", number);
    set(conf, "enable.idempotence", idempotent ? "true" : "false");
    set(conf, "message.max.bytes", "4194304");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *client = made(request, RD_KAFKA_PRODUCER, conf);
    if (client) {
        strcpy(producers[producer_count].kind, kind);
        producers[producer_count++].client = client;
    }
    return client;
}

void close_producers(void) {
    sending.request = NULL;
    for (size_t at = 0; at < producer_count; at++)
        rd_kafka_flush(producers[at].client, 2000);
}

static void send_one(struct request *request, rd_kafka_t *client, const json_t *record, size_t index) {
    size_t key_size, value_size, at;
    char *key = bytes_of(json_object_get(record, "key"), &key_size);
    char *value = bytes_of(json_object_get(record, "value"), &value_size);
    const json_t *partition = json_object_get(record, "partition"), *stamp = json_object_get(record, "timestamp");
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    json_t *pair;
    json_array_foreach(json_object_get(record, "headers"), at, pair) {
        size_t size;
        char *data = bytes_of(json_array_get(pair, 1), &size);
        rd_kafka_header_add(headers, json_string_value(json_array_get(pair, 0)), -1, data, (ssize_t)size);
        free(data);
    }
    while (true) {
        rd_kafka_resp_err_t error = rd_kafka_producev(
            client, RD_KAFKA_V_TOPIC(text_of(request, "topic")),
            RD_KAFKA_V_PARTITION(json_is_integer(partition) ? (int32_t)json_integer_value(partition)
                                                            : RD_KAFKA_PARTITION_UA),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_size),
            RD_KAFKA_V_VALUE(value, value_size),
            RD_KAFKA_V_TIMESTAMP(json_is_integer(stamp) ? json_integer_value(stamp) : 0),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE((void *)(intptr_t)index), RD_KAFKA_V_END);
        if (!error)
            break;
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            failed_with(request, error, NULL);
            rd_kafka_headers_destroy(headers);
            sending.left--;
            break;
        }
        rd_kafka_poll(client, 10);
    }
    free(key);
    free(value);
}

void do_produce(struct request *request) {
    rd_kafka_t *client = producer(request);
    if (!client)
        return;
    json_t *records = json_object_get(request->json, "records"), *record;
    double per_second = json_number_value(json_object_get(request->json, "per_second"));
    size_t index, count = json_array_size(records);
    sending.request = request;
    sending.offsets = json_array();
    sending.left = count;
    sending.told = integer_of(request, "acks", -1) != 0;
    for (index = 0; index < count; index++)
        json_array_append_new(sending.offsets, json_null());
    int64_t started = now_ms();
    json_array_foreach(records, index, record) {
        if (per_second > 0)
            for (int64_t due; (due = started + (int64_t)(index * 1000 / per_second)) > now_ms();)
                rd_kafka_poll(client, (int)(due - now_ms()));
        send_one(request, client, record, index);
        rd_kafka_poll(client, 0);
    }
    rd_kafka_flush(client, left_ms(request));
    if (sending.left) {
        fail(request, 0, "%zu records were not acknowledged", sending.left);
        rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(client, 1000);
    }
    json_object_set_new(request->ok, "offsets", sending.offsets);
    sending.request = NULL;
}

rd_kafka_t *plain_consumer(struct request *request) {
    return made(request, RD_KAFKA_CONSUMER, settings(request, true));
}

static void closed(rd_kafka_t *consumer) {
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

/* The offset for a time, RD_KAFKA_OFFSET_END where there is none so late. */
static int64_t offset_for(struct request *request, rd_kafka_t *consumer, int64_t stamp) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *place =
        rd_kafka_topic_partition_list_add(list, text_of(request, "topic"), (int)integer_of(request, "partition", 0));
    place->offset = stamp;
    if (!failed_with(request, rd_kafka_offsets_for_times(consumer, list, left_ms(request)), NULL))
        failed_with(request, place->err, NULL);
    int64_t found = place->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return found;
}

static int64_t start_of(struct request *request, rd_kafka_t *consumer) {
    const json_t *start = json_object_get(request->json, "start");
    if (json_is_object(start))
        return offset_for(request, consumer, json_integer_value(json_object_get(start, "time")));
    if (json_is_integer(start))
        return json_integer_value(start);
    return strcmp(json_string_value(start), "end") ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
}

static bool passing(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == RD_KAFKA_RESP_ERR__TRANSPORT ||
           error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__PARTITION_EOF;
}

void do_consume(struct request *request) {
    rd_kafka_t *consumer = plain_consumer(request);
    if (!consumer)
        return;
    json_t *records = json_array();
    size_t count = (size_t)integer_of(request, "count", 0);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, text_of(request, "topic"), (int)integer_of(request, "partition", 0))
        ->offset = start_of(request, consumer);
    rd_kafka_poll_set_consumer(consumer);
    failed_with(request, rd_kafka_assign(consumer, list), NULL);
    rd_kafka_topic_partition_list_destroy(list);
    while (!request->failed && json_array_size(records) < count && now_ms() < request->deadline_ms) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (!message)
            continue;
        if (!message->err)
            json_array_append_new(records, record_from(message));
        else if (!passing(message->err))
            failed_with(request, message->err, rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
    }
    closed(consumer);
    json_object_set_new(request->ok, "records", records);
}

void do_offset_for_time(struct request *request) {
    rd_kafka_t *consumer = plain_consumer(request);
    if (!consumer)
        return;
    int64_t found = offset_for(request, consumer, integer_of(request, "time", 0));
    json_object_set_new(request->ok, "offset", found < 0 ? json_null() : json_integer(found));
    closed(consumer);
}

void do_watermarks(struct request *request) {
    rd_kafka_t *consumer = plain_consumer(request);
    if (!consumer)
        return;
    int64_t low = 0, high = 0;
    failed_with(request,
                rd_kafka_query_watermark_offsets(consumer, text_of(request, "topic"),
                                                 (int)integer_of(request, "partition", 0), &low, &high,
                                                 left_ms(request)),
                NULL);
    json_object_set_new(request->ok, "beginning", json_integer(low));
    json_object_set_new(request->ok, "end", json_integer(high));
    closed(consumer);
}

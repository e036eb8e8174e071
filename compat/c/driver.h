/* The driver of librdkafka: what its parts share. The protocol stands in compat/README.md. */
#ifndef DRIVER_H
#define DRIVER_H

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

/* The request that is being answered. An operation fills `ok`, or calls fail() or none(). */
struct request {
    json_t *json;
    const char *bootstrap;
    int timeout_ms;
    int64_t deadline_ms;
    json_t *ok;
    bool failed, none;
    int code; /* Kafka's error code, 0: not told */
    char why[1024];
};

int64_t now_ms(void); /* monotonic */
int left_ms(const struct request *request);

void fail(struct request *request, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void none(struct request *request, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* fail() with librdkafka's error when there is one; whether there was. */
bool failed_with(struct request *request, rd_kafka_resp_err_t error, const char *text);

const char *text_of(struct request *request, const char *name);
int64_t integer_of(struct request *request, const char *name, int64_t otherwise);

/* Bytes of a base64 string, owned by the caller; NULL for JSON's null. */
char *bytes_of(const json_t *text, size_t *size);
json_t *text_from(const void *bytes, size_t size); /* null for NULL */
json_t *record_from(const rd_kafka_message_t *message);

void set(rd_kafka_conf_t *conf, const char *name, const char *value);
rd_kafka_conf_t *settings(struct request *request, bool consumer);
rd_kafka_t *made(struct request *request, rd_kafka_type_t type, rd_kafka_conf_t *conf);
rd_kafka_t *plain_consumer(struct request *request);
rd_kafka_t *admin_client(struct request *request);

void do_produce(struct request *request);
void do_consume(struct request *request);
void do_offset_for_time(struct request *request);
void do_watermarks(struct request *request);
void close_producers(void);

/* The group member. */
bool member_exists(void);
void member_poll(int timeout_ms);
void do_join(struct request *request);
void do_assignment(struct request *request);
void do_poll(struct request *request);
void do_commit(struct request *request);
void do_committed(struct request *request);
void do_leave(struct request *request);

/* Whether there is an administrative operation of that name; it is done then. */
bool do_admin(const char *name, struct request *request);

#endif

/* What the modes of the load program share: its arguments, time, payloads, and handles of librdkafka. */
#ifndef OTTLA_BENCH_LOAD_H
#define OTTLA_BENCH_LOAD_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *bootstrap;
    const char *topic;
    const char *codec;
    int partitions; /* of the topic */
    int clients;    /* producers or consumers, each with a connection and threads of its own */
    int window;     /* ping: records handed to the library before an answer is awaited */
    size_t size;    /* bytes of one record's value */
    double seconds; /* how long to go on */
    double rate;    /* latency: records a second */
    int64_t bytes;  /* consume: stop after so many bytes of values for each client; produce: stop then even if time is left */
    const char *path; /* payloads: where to write them; nothing: where the answers are */
} options_t;

int run_produce(const options_t *options);
int run_consume(const options_t *options);
int run_ping(const options_t *options);
int run_latency(const options_t *options);
int run_group(const options_t *options);
int run_payloads(const options_t *options);
int run_nothing(const options_t *options);

/* Nanoseconds of a clock that never jumps. */
int64_t now_ns(void);

/* Say what went wrong and end the program. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* A pool of values of one size, in one piece of memory. */
typedef struct {
    char *data;
    size_t size;
    size_t count;
} payloads_t;

payloads_t make_payloads(size_t size, uint64_t seed);

/* A configuration with the library's defaults and where to connect to. */
rd_kafka_conf_t *new_conf(const options_t *options);
void set_conf(rd_kafka_conf_t *conf, const char *name, const char *value);
rd_kafka_t *new_handle(rd_kafka_type_t type, rd_kafka_conf_t *conf);
rd_kafka_topic_t *new_topic(rd_kafka_t *handle, const char *name);

/* Ask for the topic's metadata, so that the connection stands before the clock starts. */
void connect_to(rd_kafka_t *handle, rd_kafka_topic_t *topic);

/* Print p50, p99, p99.9 and the longest of some latencies (ns) as members of a JSON object, in ms. Sorts them. */
void print_latencies(int64_t *latencies, size_t count);

#endif

#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

rd_kafka_conf_t *new_conf(const options_t *options) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set_conf(conf, "bootstrap.servers", options->bootstrap);
    set_conf(conf, "client.id", "ottla-bench");
    return conf;
}

void set_conf(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[512];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK)
        die("%s=%s: %s", name, value, error);
}

rd_kafka_t *new_handle(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char error[512];
    rd_kafka_t *handle = rd_kafka_new(type, conf, error, sizeof error);
    if (handle == NULL)
        die("%s", error);
    return handle;
}

rd_kafka_topic_t *new_topic(rd_kafka_t *handle, const char *name) {
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, name, NULL);
    if (topic == NULL)
        die("topic %s: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
    return topic;
}

void connect_to(rd_kafka_t *handle, rd_kafka_topic_t *topic) {
    const rd_kafka_metadata_t *metadata;
    rd_kafka_resp_err_t error = rd_kafka_metadata(handle, 0, topic, &metadata, 10000);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("metadata: %s", rd_kafka_err2str(error));
    rd_kafka_metadata_destroy(metadata);
}

static int by_value(const void *left, const void *right) {
    int64_t difference = *(const int64_t *)left - *(const int64_t *)right;
    return difference < 0 ? -1 : difference > 0;
}

static double quantile_ms(const int64_t *sorted, size_t count, double quantile) {
    size_t index = (size_t)(quantile * (double)count);
    return (double)sorted[index < count ? index : count - 1] / 1e6;
}

void print_latencies(int64_t *latencies, size_t count) {
    if (count == 0)
        die("no latency was measured");
    qsort(latencies, count, sizeof *latencies, by_value);
    printf("\"p50_ms\": %.4f, \"p99_ms\": %.4f, \"p999_ms\": %.4f, \"max_ms\": %.4f", quantile_ms(latencies, count, 0.5),
           quantile_ms(latencies, count, 0.99), quantile_ms(latencies, count, 0.999), quantile_ms(latencies, count, 1));
}

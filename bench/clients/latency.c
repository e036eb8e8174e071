/* From the moment at which a record should have been sent to the moment at which a consumer has it. Records are due at a
 * fixed rate, whatever happens (open loop), and each carries the time at which it was due, not the time at which it was
 * sent: a broker that stalls is charged for every record that was due meanwhile (coordinated omission is corrected). */
#include "load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    const options_t *options;
    int64_t total;
    int64_t warm; /* records at the beginning that are not counted: connections, first pages */
    int64_t *latencies;
    atomic_llong received;
    atomic_int ready;
} run_t;

static void *receive(void *argument) {
    run_t *run = argument;
    rd_kafka_conf_t *conf = new_conf(run->options);
    set_conf(conf, "group.id", "ottla-bench");
    set_conf(conf, "enable.auto.commit", "false");
    set_conf(conf, "enable.partition.eof", "true");
    rd_kafka_t *handle = new_handle(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(handle);
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(partitions, run->options->topic, 0)->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_assign(handle, partitions);
    while (atomic_load(&run->received) < run->total) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(handle, 1000);
        int64_t now = now_ns(), head[2];
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            atomic_store(&run->ready, 1); /* at the end of the log: what comes now is ours */
        else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            die("consume: %s", rd_kafka_message_errstr(message));
        else {
            memcpy(head, message->payload, sizeof head);
            run->latencies[head[1]] = now - head[0];
            atomic_fetch_add(&run->received, 1);
        }
        rd_kafka_message_destroy(message);
    }
    return NULL;
}

static void wait_until(int64_t when_ns) {
    struct timespec when = {.tv_sec = when_ns / 1000000000, .tv_nsec = when_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) != 0) {
    }
}

static void send_all(run_t *run, rd_kafka_t *handle, rd_kafka_topic_t *topic) {
    payloads_t payloads = make_payloads(run->options->size, 1);
    int64_t begin_ns = now_ns() + 10000000;
    for (int64_t index = 0; index < run->total; index++) {
        int64_t head[2] = {begin_ns + (int64_t)((double)index * 1e9 / run->options->rate), index};
        char *value = payloads.data + (size_t)index % payloads.count * payloads.size;
        wait_until(head[0]);
        memcpy(value, head, sizeof head);
        while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, payloads.size, NULL, 0, NULL) != 0) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
                die("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
            rd_kafka_poll(handle, 1);
        }
    }
}

int run_latency(const options_t *options) {
    run_t run = {.options = options};
    pthread_t receiver;
    run.warm = (int64_t)(options->rate * 0.5);
    run.total = run.warm + (int64_t)(options->rate * options->seconds);
    run.latencies = calloc((size_t)run.total, sizeof(int64_t));
    rd_kafka_conf_t *conf = new_conf(options);
    set_conf(conf, "linger.ms", "0");
    set_conf(conf, "delivery.report.only.error", "true");
    rd_kafka_t *handle = new_handle(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *topic = new_topic(handle, options->topic);
    connect_to(handle, topic);
    pthread_create(&receiver, NULL, receive, &run);
    while (!atomic_load(&run.ready))
        wait_until(now_ns() + 1000000);
    send_all(&run, handle, topic);
    int64_t deadline_ns = now_ns() + 30000000000;
    while (atomic_load(&run.received) < run.total) {
        if (now_ns() > deadline_ns)
            die("%lld of %lld records arrived", (long long)atomic_load(&run.received), (long long)run.total);
        rd_kafka_poll(handle, 10);
    }
    printf("{\"records\": %lld, ", (long long)(run.total - run.warm));
    print_latencies(run.latencies + run.warm, (size_t)(run.total - run.warm));
    printf("}\n");
    fflush(stdout);
    _Exit(0);
}

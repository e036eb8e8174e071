/* As many records as can be had through librdkafka's defaults (acks=all, 5 ms linger, batches of up to 1 MB), each client
 * with a handle of its own. The clock stops when the last record is acknowledged. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const options_t *options;
    const payloads_t *payloads;
    rd_kafka_t *handle;
    rd_kafka_topic_t *topic;
    pthread_barrier_t *start;
    int64_t failed;
    int64_t sent;
    int64_t end_ns;
    size_t first;
} producer_t;

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
    (void)handle;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        ((producer_t *)opaque)->failed++;
}

static void open_producer(producer_t *producer) {
    rd_kafka_conf_t *conf = new_conf(producer->options);
    set_conf(conf, "compression.codec", producer->options->codec);
    /* What comes back for a record that arrived is not looked at: flush says when all have. */
    set_conf(conf, "delivery.report.only.error", "true");
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    producer->handle = new_handle(RD_KAFKA_PRODUCER, conf);
    producer->topic = new_topic(producer->handle, producer->options->topic);
    connect_to(producer->handle, producer->topic);
}

static void *produce(void *argument) {
    producer_t *producer = argument;
    const options_t *options = producer->options;
    const payloads_t *payloads = producer->payloads;
    size_t index = producer->first;
    int64_t limit = options->bytes > 0 ? options->bytes / (int64_t)options->size : INT64_MAX;
    pthread_barrier_wait(producer->start);
    int64_t stop_ns = now_ns() + (int64_t)(options->seconds * 1e9);
    while (producer->sent < limit) {
        if (producer->sent % 64 == 0 && now_ns() >= stop_ns)
            break;
        char *value = payloads->data + index * payloads->size;
        while (rd_kafka_produce(producer->topic, RD_KAFKA_PARTITION_UA, 0, value, payloads->size, NULL, 0, NULL) != 0) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
                die("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
            rd_kafka_poll(producer->handle, 1);
        }
        producer->sent++;
        if (++index == payloads->count)
            index = 0;
    }
    if (rd_kafka_flush(producer->handle, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("flush: %d records are still not acknowledged", rd_kafka_outq_len(producer->handle));
    producer->end_ns = now_ns();
    return NULL;
}

int run_produce(const options_t *options) {
    payloads_t payloads = make_payloads(options->size, 1);
    producer_t *producers = calloc((size_t)options->clients, sizeof *producers);
    pthread_t *threads = calloc((size_t)options->clients, sizeof *threads);
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)options->clients + 1);
    for (int index = 0; index < options->clients; index++) {
        producers[index] = (producer_t){.options = options,
                                        .payloads = &payloads,
                                        .start = &start,
                                        .first = payloads.count / (size_t)options->clients * (size_t)index};
        open_producer(&producers[index]);
        pthread_create(&threads[index], NULL, produce, &producers[index]);
    }
    pthread_barrier_wait(&start);
    int64_t begin_ns = now_ns(), end_ns = begin_ns, records = 0, failed = 0;
    for (int index = 0; index < options->clients; index++) {
        pthread_join(threads[index], NULL);
        records += producers[index].sent;
        failed += producers[index].failed;
        if (producers[index].end_ns > end_ns)
            end_ns = producers[index].end_ns;
    }
    if (failed > 0)
        die("%lld records failed", (long long)failed);
    printf("{\"records\": %lld, \"bytes\": %lld, \"seconds\": %.6f}\n", (long long)records,
           (long long)records * (long long)options->size, (double)(end_ns - begin_ns) / 1e9);
    fflush(stdout);
    _Exit(0); /* closing the handles is no part of the measurement, and takes time */
}

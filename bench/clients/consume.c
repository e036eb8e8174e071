/* Every client reads the whole topic from its beginning with librdkafka's defaults, without a group. The clock runs from
 * the first record to the last. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 10000 };

typedef struct {
    const options_t *options;
    rd_kafka_t *handle;
    pthread_barrier_t *start;
    int64_t records;
    int64_t bytes;
    int64_t begin_ns;
    int64_t end_ns;
} consumer_t;

static void open_consumer(consumer_t *consumer) {
    rd_kafka_conf_t *conf = new_conf(consumer->options);
    set_conf(conf, "group.id", "ottla-bench");
    set_conf(conf, "enable.auto.commit", "false");
    consumer->handle = new_handle(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(consumer->handle);
    rd_kafka_topic_t *topic = new_topic(consumer->handle, consumer->options->topic);
    connect_to(consumer->handle, topic);
    rd_kafka_topic_destroy(topic);
}

static void *consume(void *argument) {
    consumer_t *consumer = argument;
    const options_t *options = consumer->options;
    rd_kafka_message_t **messages = calloc(BATCH, sizeof *messages);
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(options->partitions);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer->handle);
    for (int partition = 0; partition < options->partitions; partition++)
        rd_kafka_topic_partition_list_add(partitions, options->topic, partition)->offset = 0;
    pthread_barrier_wait(consumer->start);
    rd_kafka_resp_err_t error = rd_kafka_assign(consumer->handle, partitions);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("assign: %s", rd_kafka_err2str(error));
    int64_t stop_ns = now_ns() + (int64_t)(options->seconds * 1e9), last_ns = now_ns();
    while (consumer->bytes < options->bytes && last_ns < stop_ns) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 50, messages, BATCH);
        last_ns = now_ns();
        if (count > 0 && consumer->begin_ns == 0)
            consumer->begin_ns = last_ns;
        for (ssize_t index = 0; index < count; index++) {
            if (messages[index]->err != RD_KAFKA_RESP_ERR_NO_ERROR)
                die("consume: %s", rd_kafka_message_errstr(messages[index]));
            consumer->bytes += (int64_t)messages[index]->len;
            rd_kafka_message_destroy(messages[index]);
        }
        if (count > 0) {
            consumer->records += count;
            consumer->end_ns = now_ns();
        }
    }
    return NULL;
}

int run_consume(const options_t *options) {
    consumer_t *consumers = calloc((size_t)options->clients, sizeof *consumers);
    pthread_t *threads = calloc((size_t)options->clients, sizeof *threads);
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)options->clients);
    for (int index = 0; index < options->clients; index++) {
        consumers[index] = (consumer_t){.options = options, .start = &start};
        open_consumer(&consumers[index]);
        pthread_create(&threads[index], NULL, consume, &consumers[index]);
    }
    int64_t begin_ns = INT64_MAX, end_ns = 0, records = 0, bytes = 0;
    for (int index = 0; index < options->clients; index++) {
        pthread_join(threads[index], NULL);
        if (consumers[index].records == 0)
            die("a client received nothing");
        if (consumers[index].begin_ns < begin_ns)
            begin_ns = consumers[index].begin_ns;
        if (consumers[index].end_ns > end_ns)
            end_ns = consumers[index].end_ns;
        records += consumers[index].records;
        bytes += consumers[index].bytes;
    }
    printf("{\"records\": %lld, \"bytes\": %lld, \"seconds\": %.6f}\n", (long long)records, (long long)bytes,
           (double)(end_ns - begin_ns) / 1e9);
    fflush(stdout);
    _Exit(0);
}

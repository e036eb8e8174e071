/* One record in each request, one request under way, acks=all: how many a second, and how long each takes. With window=1
 * the next record is handed over when the last is acknowledged; with more the library always has one at hand. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 4 << 20 };

typedef struct {
    int64_t *latencies;
    int64_t answered;
    int64_t failed;
} answers_t;

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
    answers_t *answers = opaque;
    (void)handle;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        answers->failed++;
    else if (answers->answered < MOST)
        answers->latencies[answers->answered] = now_ns() - (int64_t)(intptr_t)message->_private;
    answers->answered++;
}

int run_ping(const options_t *options) {
    answers_t answers = {.latencies = calloc(MOST, sizeof(int64_t))};
    payloads_t payloads = make_payloads(options->size, 1);
    rd_kafka_conf_t *conf = new_conf(options);
    set_conf(conf, "linger.ms", "0");
    set_conf(conf, "batch.num.messages", "1");
    set_conf(conf, "max.in.flight.requests.per.connection", "1");
    rd_kafka_conf_set_opaque(conf, &answers);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *handle = new_handle(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *topic = new_topic(handle, options->topic);
    connect_to(handle, topic);
    int64_t sent = 0, begin_ns = now_ns(), stop_ns = begin_ns + (int64_t)(options->seconds * 1e9), now = begin_ns;
    while (now < stop_ns) {
        while (sent - answers.answered < options->window) {
            char *value = payloads.data + (size_t)sent % payloads.count * payloads.size;
            if (rd_kafka_produce(topic, 0, 0, value, payloads.size, NULL, 0, (void *)(intptr_t)now_ns()) != 0)
                die("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
            sent++;
        }
        rd_kafka_poll(handle, 1000);
        now = now_ns();
    }
    int64_t answered = answers.answered;
    if (answers.failed > 0)
        die("%lld records failed", (long long)answers.failed);
    printf("{\"requests\": %lld, \"seconds\": %.6f, ", (long long)answered, (double)(now - begin_ns) / 1e9);
    print_latencies(answers.latencies, (size_t)(answered < MOST ? answered : MOST));
    printf("}\n");
    fflush(stdout);
    _Exit(0);
}

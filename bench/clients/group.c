/* How long a group needs to settle: many members start at once, and the clock stops at the last change of an assignment
 * after which every partition has exactly one owner and every member at least one partition. Then one member leaves. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
    rd_kafka_t *handle;
    int assigned; /* partitions it owns */
} member_t;

static int64_t last_change_ns;
static int64_t changes;

static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *partitions, void *opaque) {
    member_t *member = opaque;
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        rd_kafka_assign(handle, partitions);
        /* Data is not what is measured. */
        rd_kafka_pause_partitions(handle, partitions);
        member->assigned = partitions->cnt;
        last_change_ns = now_ns();
        changes++;
    } else {
        rd_kafka_assign(handle, NULL);
        member->assigned = 0;
        last_change_ns = now_ns();
    }
}

static rd_kafka_t *open_member(const options_t *options, const char *group, member_t *member) {
    rd_kafka_conf_t *conf = new_conf(options);
    set_conf(conf, "group.id", group);
    set_conf(conf, "enable.auto.commit", "false");
    rd_kafka_conf_set_opaque(conf, member);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_t *handle = new_handle(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(handle);
    return handle;
}

/* Serve all members until every partition has an owner among them and nothing changed for a while; return when it last did. */
static int64_t settle(member_t *members, int count, int partitions, double limit_seconds) {
    int64_t limit_ns = now_ns() + (int64_t)(limit_seconds * 1e9);
    for (;;) {
        int owned = 0, idle = 0;
        for (int index = 0; index < count; index++) {
            rd_kafka_message_t *message;
            while ((message = rd_kafka_consumer_poll(members[index].handle, 0)) != NULL)
                rd_kafka_message_destroy(message);
            owned += members[index].assigned;
            idle += members[index].assigned == 0;
        }
        int64_t now = now_ns();
        if (owned == partitions && (idle == 0 || count > partitions) && now - last_change_ns > 1500000000)
            return last_change_ns;
        if (now > limit_ns)
            die("the group did not settle: %d of %d partitions have an owner, %d members have none", owned, partitions, idle);
        usleep(1000);
    }
}

int run_group(const options_t *options) {
    int count = options->clients;
    char group[64];
    member_t *members = calloc((size_t)count, sizeof *members);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, options->topic, RD_KAFKA_PARTITION_UA);
    snprintf(group, sizeof group, "ottla-bench-%lld", (long long)now_ns());
    for (int index = 0; index < count; index++)
        members[index].handle = open_member(options, group, &members[index]);
    int64_t begin_ns = now_ns();
    for (int index = 0; index < count; index++) {
        rd_kafka_resp_err_t error = rd_kafka_subscribe(members[index].handle, topics);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
            die("subscribe: %s", rd_kafka_err2str(error));
    }
    double joined = (double)(settle(members, count, options->partitions, options->seconds) - begin_ns) / 1e9;
    int64_t rounds = changes;
    begin_ns = now_ns();
    rd_kafka_consumer_close(members[count - 1].handle);
    double left = (double)(settle(members, count - 1, options->partitions, options->seconds) - begin_ns) / 1e9;
    printf("{\"members\": %d, \"join_seconds\": %.4f, \"leave_seconds\": %.4f, \"assignments\": %lld}\n", count, joined, left,
           (long long)rounds);
    fflush(stdout);
    _Exit(0);
}

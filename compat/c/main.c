/* The loop: one request a line from stdin, one answer a line on stdout. Between requests the group member is polled. */
#include "driver.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int left_ms(const struct request *request) {
    int64_t left = request->deadline_ms - now_ms();
    return left < 1 ? 1 : (int)left;
}

void fail(struct request *request, int code, const char *format, ...) {
    if (request->failed)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(request->why, sizeof request->why, format, arguments);
    va_end(arguments);
    request->failed = true;
    request->code = code;
}

void none(struct request *request, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(request->why, sizeof request->why, format, arguments);
    va_end(arguments);
    request->none = true;
}

bool failed_with(struct request *request, rd_kafka_resp_err_t error, const char *text) {
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    fail(request, error > 0 ? (int)error : 0, "%s: %s", rd_kafka_err2name(error), text ? text : rd_kafka_err2str(error));
    return true;
}

const char *text_of(struct request *request, const char *name) {
    return json_string_value(json_object_get(request->json, name));
}

int64_t integer_of(struct request *request, const char *name, int64_t otherwise) {
    const json_t *value = json_object_get(request->json, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *bytes_of(const json_t *text, size_t *size) {
    *size = 0;
    if (!json_is_string(text))
        return NULL;
    const char *from = json_string_value(text);
    unsigned char *bytes = malloc(strlen(from) / 4 * 3 + 1);
    unsigned bits = 0, count = 0;
    for (; *from && *from != '='; from++) {
        bits = bits << 6 | (unsigned)(strchr(ALPHABET, *from) - ALPHABET);
        if (++count % 4 != 1)
            bytes[(*size)++] = (unsigned char)(bits >> (6 - 2 * ((count - 1) % 4)));
    }
    return (char *)bytes;
}

json_t *text_from(const void *data, size_t size) {
    if (!data)
        return json_null();
    const unsigned char *bytes = data;
    char *text = malloc(size / 3 * 4 + 5), *to = text;
    for (size_t at = 0; at < size; at += 3) {
        unsigned bits = (unsigned)bytes[at] << 16;
        if (at + 1 < size)
            bits |= (unsigned)bytes[at + 1] << 8;
        if (at + 2 < size)
            bits |= bytes[at + 2];
        *to++ = ALPHABET[bits >> 18];
        *to++ = ALPHABET[bits >> 12 & 63];
        *to++ = at + 1 < size ? ALPHABET[bits >> 6 & 63] : '=';
        *to++ = at + 2 < size ? ALPHABET[bits & 63] : '=';
    }
    json_t *found = json_stringn(text, (size_t)(to - text));
    free(text);
    return found;
}

void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "%s=%s: %s\n", name, value, why);
        exit(3);
    }
}

rd_kafka_conf_t *settings(struct request *request, bool consumer) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", request->bootstrap);
    set(conf, "client.id", "compat");
    set(conf, "topic.metadata.refresh.interval.ms", "2000");
    set(conf, "reconnect.backoff.max.ms", "1000");
    if (consumer) {
        set(conf, "group.id", "unused");
        set(conf, "auto.offset.reset", "earliest");
        set(conf, "enable.auto.commit", "false");
    }
    return conf;
}

rd_kafka_t *made(struct request *request, rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char why[256];
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        fail(request, 0, "%s", why);
    }
    return client;
}

static const struct {
    const char *name;
    void (*run)(struct request *);
} OPERATIONS[] = {
    {"produce", do_produce},
    {"consume", do_consume},
    {"offset_for_time", do_offset_for_time},
    {"watermarks", do_watermarks},
    {"join", do_join},
    {"assignment", do_assignment},
    {"poll", do_poll},
    {"commit", do_commit},
    {"committed", do_committed},
    {"leave", do_leave},
};

static void run(struct request *request) {
    const char *name = text_of(request, "do");
    for (size_t at = 0; at < sizeof OPERATIONS / sizeof *OPERATIONS; at++)
        if (!strcmp(name, OPERATIONS[at].name)) {
            OPERATIONS[at].run(request);
            return;
        }
    if (!do_admin(name, request))
        none(request, "librdkafka %s has no %s", rd_kafka_version_str(), name);
}

static void print(json_t *line) {
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

static void answer(const char *line) {
    json_error_t error;
    struct request request = {.json = json_loads(line, 0, &error)};
    if (!request.json) {
        fprintf(stderr, "not JSON: %s\n", error.text);
        exit(3);
    }
    request.bootstrap = text_of(&request, "bootstrap");
    request.timeout_ms = (int)integer_of(&request, "timeout_ms", 20000);
    request.deadline_ms = now_ms() + request.timeout_ms;
    request.ok = json_object();
    run(&request);
    json_t *out = json_object();
    json_object_set(out, "id", json_object_get(request.json, "id"));
    if (request.none) {
        json_object_set_new(out, "none", json_string(request.why));
    } else if (request.failed) {
        json_t *why = json_string(request.why);
        json_object_set_new(out, "error", why ? why : json_string("an error that is not text"));
        json_object_set_new(out, "code", request.code ? json_integer(request.code) : json_null());
    } else {
        json_object_set(out, "ok", request.ok);
    }
    print(out);
    json_decref(request.ok);
    json_decref(request.json);
}

int main(void) {
    print(json_pack("{s:s,s:s,s:b}", "client", "librdkafka", "version", rd_kafka_version_str(), "ready", 1));
    size_t size = 0, room = 1 << 20;
    char *buffer = malloc(room);
    while (true) {
        char *end = memchr(buffer, '\n', size);
        if (end) {
            *end = 0;
            answer(buffer);
            size -= (size_t)(end + 1 - buffer);
            memmove(buffer, end + 1, size);
            continue;
        }
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        if (poll(&input, 1, member_exists() ? 0 : -1) == 0) {
            member_poll(50);
            continue;
        }
        if (size + 1 >= room)
            buffer = realloc(buffer, room *= 2);
        ssize_t count = read(STDIN_FILENO, buffer + size, room - size - 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        size += (size_t)count;
    }
    free(buffer);
    close_producers();
    return 0;
}

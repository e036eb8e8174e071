/* Values that compress as an application's do: lines of JSON from a small vocabulary, with identifiers, times and numbers
 * that are random. A record of 1 KiB is about ten such events, one of 100 bytes less than one. The pool is larger than a
 * batch and than the windows of lz4 and zstd, so that no compressor meets a value twice. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_BYTES = 32 << 20 };

static const char *const EVENTS[] = {"page_view", "add_to_cart", "search", "checkout", "login", "logout", "payment", "refund"};
static const char *const PATHS[] = {"/products", "/products/detail", "/cart", "/account/orders", "/search", "/help/contact"};
static const char *const COUNTRIES[] = {"SE", "DE", "FR", "US", "BR", "IN", "JP", "GB", "PL", "FI"};

/* xorshift64*: the same values in every run. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

#define PICK(words, random) ((words)[(random) % (sizeof(words) / sizeof *(words))])

static size_t write_event(char *out, size_t room, uint64_t *state) {
    uint64_t who = next_random(state), what = next_random(state);
    int length = snprintf(out, room, "{\"user\":%llu,\"event\":\"%s\",\"path\":\"%s\",\"country\":\"%s\",\"session\":\"%012llx\",\"ms\":%llu,\"ok\":%s}\n",
                          (unsigned long long)(who % 1000000), PICK(EVENTS, what >> 8), PICK(PATHS, what >> 16),
                          PICK(COUNTRIES, what >> 24), (unsigned long long)(who >> 16),
                          (unsigned long long)(1700000000000u + (what >> 32)), what % 16 ? "true" : "false");
    return (size_t)length < room ? (size_t)length : room;
}

payloads_t make_payloads(size_t size, uint64_t seed) {
    payloads_t payloads = {.size = size, .count = POOL_BYTES / size + 1};
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    char event[512];
    payloads.data = malloc(payloads.count * size);
    if (payloads.data == NULL)
        die("out of memory");
    for (size_t index = 0; index < payloads.count; index++) {
        char *value = payloads.data + index * size;
        for (size_t have = 0; have < size;) {
            size_t length = write_event(event, sizeof event, &state);
            if (length > size - have)
                length = size - have;
            memcpy(value + have, event, length);
            have += length;
        }
    }
    return payloads;
}

/* Write the values to a file, one after the other, each followed by a zero byte: for clients that are not this program. */
int run_payloads(const options_t *options) {
    payloads_t payloads = make_payloads(options->size, 1);
    FILE *file = fopen(options->path, "wb");
    if (file == NULL)
        die("cannot write %s", options->path);
    for (size_t index = 0; index < payloads.count; index++) {
        fwrite(payloads.data + index * payloads.size, 1, payloads.size, file);
        fputc(0, file);
    }
    if (fclose(file) != 0)
        die("cannot write %s", options->path);
    printf("{\"count\": %zu}\n", payloads.count);
    free(payloads.data);
    return 0;
}

/* load MODE NAME=VALUE...: clients of a broker through librdkafka. Prints one JSON object.
 *
 * Modes: produce, consume, ping, latency, group; payloads writes the values that they send to a file. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(const options_t *);
} MODES[] = {{"produce", run_produce}, {"consume", run_consume}, {"ping", run_ping},
             {"latency", run_latency}, {"group", run_group},     {"payloads", run_payloads}, {"nothing", run_nothing}};

static void set_option(options_t *options, const char *argument) {
    const char *equals = strchr(argument, '=');
    if (equals == NULL)
        die("%s is not NAME=VALUE", argument);
    size_t length = (size_t)(equals - argument);
    const char *value = equals + 1;
#define IS(name) (length == strlen(name) && strncmp(argument, name, length) == 0)
    if (IS("bootstrap"))
        options->bootstrap = value;
    else if (IS("topic"))
        options->topic = value;
    else if (IS("codec"))
        options->codec = value;
    else if (IS("path"))
        options->path = value;
    else if (IS("partitions"))
        options->partitions = atoi(value);
    else if (IS("clients"))
        options->clients = atoi(value);
    else if (IS("window"))
        options->window = atoi(value);
    else if (IS("size"))
        options->size = strtoul(value, NULL, 10);
    else if (IS("seconds"))
        options->seconds = atof(value);
    else if (IS("rate"))
        options->rate = atof(value);
    else if (IS("bytes"))
        options->bytes = atoll(value);
    else
        die("%s is not an option", argument);
#undef IS
}

int main(int count, char **arguments) {
    options_t options = {.bootstrap = "127.0.0.1:9092", .topic = "bench", .codec = "none", .partitions = 1, .clients = 1,
                         .window = 1, .size = 1024, .seconds = 2, .rate = 1000, .path = "payloads"};
    if (count < 2)
        die("no mode");
    for (int index = 2; index < count; index++)
        set_option(&options, arguments[index]);
    if (options.size < 16 || options.clients < 1 || options.partitions < 1 || options.window < 1)
        die("size is at least 16, clients, partitions and window at least 1");
    for (size_t index = 0; index < sizeof MODES / sizeof *MODES; index++)
        if (strcmp(arguments[1], MODES[index].name) == 0)
            return MODES[index].run(&options);
    die("no mode is called %s", arguments[1]);
}

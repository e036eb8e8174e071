/* No load but its opposite: a broker that keeps nothing. It looks at no request beyond its API key and answers with the
 * bytes of PATH/<API key>, made beforehand, so that what is measured against it is the client and the machine alone. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEYS = 64, LARGEST = 8 << 20, EVENTS = 64, SIZE_BYTES = 4, CORRELATION_ID = 4, HEADER_BYTES = 8 };

typedef struct {
    char *bytes; /* the whole answer, its size included; NULL: this API is not answered */
    size_t size;
} answer_t;

typedef struct {
    int socket;
    uint8_t *received;
    size_t count;
} connection_t;

static answer_t answers[KEYS];

static void read_answers(const char *folder) {
    for (int key = 0; key < KEYS; key++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%d", folder, key);
        FILE *file = fopen(path, "rb");
        if (file == NULL)
            continue;
        char *bytes = malloc(LARGEST);
        answers[key] = (answer_t){.bytes = bytes, .size = fread(bytes, 1, LARGEST, file)};
        fclose(file);
    }
}

static int listen_at(const char *address) {
    const char *colon = strrchr(address, ':');
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (colon == NULL)
        die("%s is not HOST:PORT", address);
    here.sin_port = htons((uint16_t)atoi(colon + 1));
    int listening = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (struct sockaddr *)&here, sizeof here) != 0 || listen(listening, 64) != 0)
        die("%s: %s", address, strerror(errno));
    return listening;
}

static void send_all(int peer, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(peer, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the peer has gone: reading says so */
        bytes += sent;
        size -= (size_t)sent;
    }
}

/* Answer the whole frames that have come, and return how many bytes they were. */
static size_t serve(connection_t *connection) {
    size_t position = 0;
    while (connection->count - position >= SIZE_BYTES + HEADER_BYTES) {
        uint8_t *request = connection->received + position;
        uint32_t size;
        memcpy(&size, request, sizeof size);
        size = ntohl(size);
        if (size > LARGEST - SIZE_BYTES)
            die("a request of %u bytes", size);
        if (connection->count - position < SIZE_BYTES + size)
            break;
        int key = request[SIZE_BYTES] << 8 | request[SIZE_BYTES + 1];
        if (key >= KEYS || answers[key].bytes == NULL)
            die("there is no answer to API key %d", key);
        memcpy(answers[key].bytes + SIZE_BYTES, request + SIZE_BYTES + CORRELATION_ID, 4);
        send_all(connection->socket, answers[key].bytes, answers[key].size);
        position += SIZE_BYTES + size;
    }
    return position;
}

static void accept_one(int poll, int listening) {
    int peer = accept(listening, NULL, NULL), on = 1;
    if (peer < 0)
        return;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection_t *connection = calloc(1, sizeof *connection);
    *connection = (connection_t){.socket = peer, .received = malloc(LARGEST)};
    struct epoll_event readable = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(poll, EPOLL_CTL_ADD, peer, &readable);
}

static void receive(connection_t *connection) {
    ssize_t count = recv(connection->socket, connection->received + connection->count, LARGEST - connection->count, 0);
    if (count <= 0) {
        close(connection->socket); /* which takes it out of the poll as well */
        free(connection->received);
        free(connection);
        return;
    }
    connection->count += (size_t)count;
    size_t done = serve(connection);
    connection->count -= done;
    memmove(connection->received, connection->received + done, connection->count);
}

int run_nothing(const options_t *options) {
    read_answers(options->path);
    int listening = listen_at(options->bootstrap), poll = epoll_create1(0);
    struct epoll_event events[EVENTS], readable = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll, EPOLL_CTL_ADD, listening, &readable);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int index = 0; index < count; index++) {
            if (events[index].data.ptr == NULL)
                accept_one(poll, listening);
            else
                receive(events[index].data.ptr);
        }
    }
}

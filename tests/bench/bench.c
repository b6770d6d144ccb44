/*
 * bench.c - what transmit_send costs beside a bare send(2).
 *
 * Rounds of all ways, in turn, in one process, so that a busy machine slows all
 * of them. The receiver is this thread, after the clock has stopped: nobody waits
 * for a scheduler. Prints a line "bytes way nanoseconds" with each way's median.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <transmit.h>
#include <unistd.h>

#define ROUNDS 5000
#define WAYS 3

static int receiver, bare;
static char *json;
static size_t length;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int32_t send_once(int way)
{
    switch (way) {
    case 0:
        return send(bare, json, length, MSG_DONTWAIT) == (ssize_t)length ? 0 : -1;
    case 1:
        return transmit_send_with(json, length, TRANSMIT_TRUSTED, NULL, 0);
    default:
        return transmit_send(json, length);
    }
}

static const char *const names[WAYS] = {"send(2)", "trusted", "checked"};

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, transmit_last_error());
    exit(1);
}

static int64_t measure(int way)
{
    static char datagram[1 << 17];
    int64_t start_ns = now_ns(), ns;

    if (send_once(way) != TRANSMIT_SENT)
        fail(names[way]);
    ns = now_ns() - start_ns;
    if (recv(receiver, datagram, sizeof datagram, 0) < (ssize_t)length)
        fail("recv");
    return ns;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static void compare_ways(void)
{
    static int64_t samples[WAYS][ROUNDS];

    for (int round = 0; round < ROUNDS; round++)
        for (int way = 0; way < WAYS; way++)
            samples[way][round] = measure(way);
    for (int way = 0; way < WAYS; way++) {
        qsort(samples[way], ROUNDS, sizeof **samples, compare);
        printf("%zu %s %lld\n", length, names[way], (long long)samples[way][ROUNDS / 2]);
    }
}

/* A profile of about that many bytes: queries of 64 bytes each. */
static void make_profile(size_t about)
{
    json = malloc(about + 256);
    length = (size_t)sprintf(json, "{\"correlation_id\":\"bench\",\"sql\":{\"queries\":[0");
    while (length < about)
        length += (size_t)sprintf(json + length,
                                  ",{\"sql\":\"SELECT %08zu FROM orders WHERE id=?\","
                                  "\"time_ms\":1.25}",
                                  length);
    length += (size_t)sprintf(json + length, "]}}");
}

static void open_sockets(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char settings[256];

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
    bare = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (bind(receiver, (struct sockaddr *)&address, sizeof address) ||
        connect(bare, (struct sockaddr *)&address, sizeof address))
        fail(path);
    snprintf(settings, sizeof settings, "{\"listener_socket\": \"%s\"}", path);
    if (transmit_configure(settings, strlen(settings)))
        fail(path);
}

int main(int argc, char **argv)
{
    const size_t sizes[] = {200, 2000, 20000, 60000};

    if (argc != 2)
        return 2;
    open_sockets(argv[1]);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        make_profile(sizes[i]);
        compare_ways();
        free(json);
    }
    return 0;
}

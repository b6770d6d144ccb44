/*
 * bench.c - what the C interface costs beside its peers.
 *
 *     bench FOLDER [ROW…]
 *
 * Each row is measured in a process of its own. There, the ways take turns, so
 * that a busy machine slows all of them, another one first each time. The
 * receiver is this thread, after the clock has stopped: nobody waits for a
 * scheduler. main.go says what is printed.
 */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 10
#define MAX_WAYS 8

char *json;
size_t length;
int receiver = -1;

void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, ": %s\n", transmit_last_error());
    exit(1);
}

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- A row ---- */

static int64_t measure(const char *row, const struct way *way)
{
    int64_t start_ns = now_ns(), end_ns;
    bool done = way->run();

    end_ns = now_ns();
    if (!done)
        fail("%s: %s", row, way->name);
    return end_ns - start_ns;
}

static void print(const char *row, const char *way, const int64_t *samples, int count)
{
    printf("%s\t%s", row, way);
    for (int i = 0; i < count; i++)
        printf("\t%lld", (long long)samples[i]);
    printf("\n");
}

void compare(const char *row, const struct way *ways, int calls, void (*after)(void))
{
    int64_t *samples[MAX_WAYS];
    int count = 0;

    for (; ways[count].name; count++)
        samples[count] = calloc((size_t)(calls + WARM_UP), sizeof **samples);
    for (int call = 0; call < calls + WARM_UP; call++) {
        for (int i = 0; i < count; i++) {
            int way = (call + i) % count;

            samples[way][call] = measure(row, &ways[way]);
            after();
        }
    }
    for (int way = 0; way < count; way++) {
        print(row, ways[way].name, samples[way] + WARM_UP, calls);
        free(samples[way]);
    }
}

/* ---- What is sent, and to whom ---- */

/* A profile of exactly so many bytes: queries of about 90 bytes each. */
void make_profile(size_t bytes)
{
    static const char tail[] = "]},\"pad\":\"";
    size_t end = bytes - sizeof tail - 2;

    free(json);
    json = malloc(bytes + 256);
    length = (size_t)sprintf(json, "{\"id\":\"bench\",\"sql\":{\"queries\":[0");
    while (length + 96 < end)
        length += (size_t)sprintf(json + length,
                                  ",{\"sql\":\"SELECT %08zu FROM orders WHERE customer=?\","
                                  "\"time_ms\":%zu.25}",
                                  length, length * 7919 % 6007);
    length += (size_t)sprintf(json + length, "%s", tail);
    while (length < bytes - 2)
        json[length++] = 'x';
    memcpy(json + length, "\"}", 3);
    length += 2;
}

struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

int bind_to(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address))
        fail("bind %s", path);
    return fd;
}

void configure(const char *folder)
{
    char settings[512];
    int32_t result;

    snprintf(settings, sizeof settings,
             "{\"listener_socket\": \"%s/s\", \"buffer_dirs\": [\"%s/b\"]}", folder, folder);
    do /* a very busy machine may give it no time to start */
        result = transmit_configure(settings, strlen(settings));
    while (result == TRANSMIT_ESTARTING);
    if (result)
        fail("configure");
}

/* ---- All rows ---- */

static const struct row {
    const char *name;
    void (*run)(const char *folder);
} rows[] = {
    {"send", run_send},       {"cut", run_cut},       {"disk", run_disk},
    {"wedged", run_wedged},   {"first", run_first},   {"attempt", run_attempt},
    {"least", run_least},     {"forked", run_forked}, {"threads", run_threads},
    {"journal", run_journal},
};

static bool is_wanted(const char *name, char **wanted)
{
    if (!*wanted)
        return true;
    for (; *wanted; wanted++)
        if (strcmp(*wanted, name) == 0)
            return true;
    return false;
}

/* The library starts in the child's first call, for nothing of it was called here. */
static void run_in_child(const struct row *row, const char *folder)
{
    int status;

    fflush(stdout);
    if (fork() == 0) {
        row->run(folder);
        exit(0);
    }
    if (wait(&status) < 0 || status != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (is_wanted(rows[i].name, argv + 2))
            run_in_child(&rows[i], argv[1]);
    return 0;
}

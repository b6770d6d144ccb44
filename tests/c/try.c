/*
 * try.c MODE PATH… - calls transmit_try_send in a process of its own.
 *
 *   refuse PATH
 *       passes invalid arguments; prints how many were accepted, by how much errno and the numbers
 *       of descriptors and threads changed
 *   first PATH
 *       sends once, then 1,000 times; prints microseconds, threads, kB of private memory and of
 *       address space, and descriptors
 *   threads PATH N EACH
 *       sends from N threads at once; prints microseconds, and attempts that were not sent
 *   fork PATH
 *       forks children of children, each of which sends before it forks and after; prints results,
 *       and how many sockets each process has
 *   storm PATH SECONDS
 *       a signal handler sends every millisecond, while threads send and children are forked
 *
 * It repeats an attempt that was not sent. Each document has an id of its own.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "transmit.h"

static const char *path;
static atomic_int serial, sent, unsent;

static long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int entries(const char *folder)
{
    DIR *directory = opendir(folder);
    int count = -2; /* . and .. */

    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static int sockets(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++) {
        struct stat status;

        count += fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
    }
    return count;
}

static bool try_own(void)
{
    char json[64];
    int length = snprintf(json, sizeof json, "{\"id\":\"%d.%d\"}", (int)getpid(), serial++);
    bool is_sent = transmit_try_send(json, (size_t)length, TRANSMIT_TRUSTED, path, NULL, 65507) ==
                   TRANSMIT_SENT;

    (*(is_sent ? &sent : &unsent))++;
    return is_sent;
}

static void send_own(void)
{
    while (!try_own())
        usleep(100); /* the listener is to run */
}

/* ---- refuse ---- */

static int refuse(void)
{
    static char big[70000], long_path[200], long_meta[300];
    const char *small = "{\"id\":\"1\"}";
    int wrong = 0, descriptors = entries("/proc/self/fd");

    memset(long_path, 'x', sizeof long_path - 1);
    long_path[0] = '/';
    memset(long_meta, ' ', 257);
    memset(big, ' ', sizeof big);
    memcpy(big, "{\"a\":1", 6);
    big[65506] = '}';
    const struct {
        const char *json;
        size_t len;
        uint32_t flags;
        const char *to, *meta;
        uint32_t most;
    } rows[] = {
        {NULL, 10, 1, path, NULL, 65507},
        {small, 0, 1, path, NULL, 65507},
        {small, SIZE_MAX, 1, path, NULL, 65507},
        {small, 10, 0, path, NULL, 65507},
        {small, 10, 3, path, NULL, 65507},
        {small, 10, 4, path, NULL, 65507},
        {small, 10, 9, path, NULL, 65507},
        {small, 10, 1u << 31, path, NULL, 65507},
        {small, 10, ~0u, path, NULL, 65507},
        {small, 10, 1, NULL, NULL, 65507},
        {small, 10, 1, "", NULL, 65507},
        {small, 10, 1, long_path, NULL, 65507},
        {small, 10, 2, "/nonexistent/s", NULL, 65507},
        {small, 10, 1, path, long_meta, 65507},
        {small, 10, 1, path, NULL, 0},
        {small, 10, 1, path, NULL, 10},
        {small, 10, 2, path, NULL, 9},
        {"{}", 2, 1, path, NULL, 65507},
        {"[1]", 3, 1, path, NULL, 65507},
        {" {\"a\":1}", 8, 1, path, NULL, 65507},
        {"{\"a\":1}\n", 8, 1, path, NULL, 65507},
        {big, 65507, 1, path, NULL, 65507},
        {big, 65508, 2, path, NULL, 65507},
        {small, 10, 2, "/", NULL, 65507},
        {small, 10, 2, "/dev/null", NULL, 65507},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        errno = 77;
        if (transmit_try_send(rows[i].json, rows[i].len, rows[i].flags, rows[i].to, rows[i].meta,
                              rows[i].most) != TRANSMIT_EUNSENT ||
            errno != 77) {
            fprintf(stderr, "row %zu\n", i);
            wrong++;
        }
    }
    printf("%d %d %d\n", wrong, entries("/proc/self/fd") - descriptors,
           entries("/proc/self/task") - 1);
    return 0;
}

/* ---- first ---- */

static long from_proc(const char *file, const char *word)
{
    FILE *lines = fopen(file, "r");
    char line[256];
    long number = -1;

    while (fgets(line, sizeof line, lines))
        if (strncmp(line, word, strlen(word)) == 0)
            number = strtol(line + strlen(word), NULL, 10);
    fclose(lines);
    return number;
}

/* Not Private_Dirty: of the counters' file the kernel maps the neighbours of a page, too. */
#define PRIVATE "/proc/self/smaps_rollup", "Anonymous:"
#define SPACE "/proc/self/status", "VmSize:"

static int first(void)
{
    long memory, space, began_us, took_us;
    int descriptors;

    from_proc(PRIVATE); /* what this program's own looks need */
    entries("/proc/self/fd");
    memory = from_proc(PRIVATE);
    space = from_proc(SPACE);
    descriptors = entries("/proc/self/fd");
    began_us = now_us();
    errno = 77;
    send_own(); /* also opens the counters' file */
    if (errno != 77)
        return 3;
    took_us = now_us() - began_us;
    for (int i = 0; i < 999; i++)
        send_own();
    printf("%ld %d %ld %ld %d\n", took_us, entries("/proc/self/task") - 1,
           from_proc(PRIVATE) - memory, from_proc(SPACE) - space,
           entries("/proc/self/fd") - descriptors);
    return 0;
}

/* ---- threads ---- */

static void *send_each(void *each)
{
    for (int i = 0; i < *(int *)each; i++)
        send_own();
    return NULL;
}

static int threads(int count, int each)
{
    pthread_t thread[64];
    long began_us = now_us();

    for (int i = 0; i < count && i < 64; i++)
        pthread_create(&thread[i], NULL, send_each, &each);
    for (int i = 0; i < count && i < 64; i++)
        pthread_join(thread[i], NULL);
    printf("%ld %d\n", now_us() - began_us, (int)unsent);
    return 0;
}

/* ---- fork ---- */

static int generation(int number, const char *order)
{
    int status = 0;
    pid_t pid;

    if (order[number] == '1')
        send_own();
    pid = order[number] ? fork() : -1;
    if (pid == 0)
        _exit(generation(number + 1, order));
    if (pid > 0)
        waitpid(pid, &status, 0);
    send_own();
    return status || sockets() != 1;
}

/* ---- storm ---- */

static atomic_bool ended;
static atomic_int by_handler;

static void on_signal(int signal)
{
    (void)signal;
    by_handler += try_own();
}

static void *keep_sending(void *nothing)
{
    while (!ended)
        send_own();
    return nothing;
}

/* Forks at any moment of the other threads' sends; a child sends once, and may not hang. */
static int storm(int seconds)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec every_ms = {{0, 1000000}, {0, 1000000}};
    pthread_t thread[2];
    timer_t timer;
    int children = 0;

    sigaction(SIGALRM, &action, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &every_ms, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, keep_sending, NULL);
    for (long end = now_us() + seconds * 1000000L; now_us() < end; children++) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
            send_own();
            _exit(0);
        }
        while (waitpid(pid, &status, 0) < 0)
            ;
        if (status != 0)
            return 1;
    }
    ended = true;
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    timer_delete(timer);
    printf("%d %d %d\n", (int)sent, children, (int)by_handler);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    path = argv[2];
    if (strcmp(argv[1], "refuse") == 0)
        return refuse();
    if (strcmp(argv[1], "first") == 0)
        return first();
    if (strcmp(argv[1], "threads") == 0 && argc == 5)
        return threads(atoi(argv[3]), atoi(argv[4]));
    if (strcmp(argv[1], "fork") == 0 && argc == 4)
        return generation(0, argv[3]);
    if (strcmp(argv[1], "storm") == 0 && argc == 4)
        return storm(atoi(argv[3]));
    return 2;
}

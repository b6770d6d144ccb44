/* first.c - what a process's first call takes, and what it leaves in the process; forked children.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* The number after a word in a file of /proc/self; in kB, where it has a unit. */
static long from_proc(const char *path, const char *word)
{
    FILE *file = fopen(path, "r");
    char line[256];
    long number = -1;

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, word, strlen(word)) == 0)
            number = strtol(line + strlen(word), NULL, 10);
    if (number < 0)
        fail("%s: no %s", path, word);
    fclose(file);
    return number;
}

static long descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    long count = -3; /* . and .. and this one */

    while (folder && readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Clean pages are the library's file, which all processes of a pool share. */
#define PRIVATE "/proc/self/smaps_rollup", "Private_Dirty:"

/* The settings come before the send: what both take is the first call. */
void run_first(const char *folder)
{
    char path[100];
    long memory, threads;
    int64_t start_ns;

    make_profile(4096);
    snprintf(path, sizeof path, "%s/s", folder);
    receiver = bind_to(path);
    memory = from_proc(PRIVATE);
    threads = from_proc("/proc/self/status", "Threads:");
    start_ns = now_ns();
    configure(folder);
    if (!by_trusted())
        fail("first-call");
    printf("first-call\ttransmit\t%lld\n", (long long)(now_ns() - start_ns));
    for (int i = 0; i < 1000; i++, receive())
        if (!by_checked())
            fail("first-call");
    printf("memory\ttransmit\t%ld\n", (from_proc(PRIVATE) - memory) * 1024);
    printf("threads\ttransmit\t%ld\n", from_proc("/proc/self/status", "Threads:") - threads);
}

static char listener[100];

static bool by_attempt(void)
{
    return transmit_try_send(json, length, TRANSMIT_TRUSTED, listener, NULL, 65507) ==
           TRANSMIT_SENT;
}

/* The queue may be full for a moment, when many threads send. */
static bool by_attempt_or_later(void)
{
    while (!by_attempt())
        sched_yield();
    return true;
}

/* A process that has sent, and started nothing. */
void run_attempt(const char *folder)
{
    long memory, space, threads, opened;
    int64_t start_ns, took_ns;

    make_profile(4096);
    snprintf(listener, sizeof listener, "%s/s", folder);
    receiver = bind_to(listener);
    from_proc(PRIVATE);
    memory = from_proc(PRIVATE);
    space = from_proc("/proc/self/status", "VmSize:");
    threads = from_proc("/proc/self/status", "Threads:");
    opened = descriptors();
    start_ns = now_ns();
    if (!by_attempt())
        fail("first-send");
    took_ns = now_ns() - start_ns;
    printf("first-send\ttransmit\t%lld\n", (long long)took_ns);
    receive();
    for (int i = 0; i < 999; i++, receive())
        if (!by_attempt())
            fail("first-send");
    printf("send-memory\ttransmit\t%ld\n", (from_proc(PRIVATE) - memory) * 1024);
    printf("send-space\ttransmit\t%ld\n",
           (from_proc("/proc/self/status", "VmSize:") - space) * 1024);
    printf("send-threads\ttransmit\t%ld\n", from_proc("/proc/self/status", "Threads:") - threads);
    printf("send-descriptors\ttransmit\t%ld\n", descriptors() - opened);
}

/* ---- Threads at once ---- */

#define SENDS 6400

/* Each send, and then a datagram, whoever sent it: none is lost if each thread gets its number. */
static void *send_and_receive(void *count)
{
    char datagram[8192];

    for (long i = *(long *)count; i > 0; i--)
        if (!by_attempt_or_later() || recv(receiver, datagram, sizeof datagram, 0) < 0)
            fail("at-once");
    return NULL;
}

static void run_at_once(long threads)
{
    pthread_t ids[16];
    long count = SENDS / threads;
    int64_t start_ns = now_ns();

    for (long i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, send_and_receive, &count) != 0)
            fail("at-once: thread");
    for (long i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    printf("at-once\t%ld\t%lld\n", threads, (long long)((now_ns() - start_ns) / SENDS));
}

void run_threads(const char *folder)
{
    const struct timeval patience = {.tv_sec = 2};

    make_profile(4096);
    snprintf(listener, sizeof listener, "%s/s", folder);
    receiver = bind_to(listener);
    setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int turn = 0; turn < 10; turn++) {
        run_at_once(1);
        run_at_once(16);
    }
}

/* Both send in turn; the child answers through a pipe what a call took. */
void run_forked(const char *folder)
{
    enum { CALLS = 1000 };
    static int64_t samples[2][CALLS];
    int ask[2], answer[2];
    char turn = 0;

    make_profile(4096);
    snprintf(listener, sizeof listener, "%s/s", folder);
    receiver = bind_to(listener);
    configure(folder);
    if (!by_checked() || pipe(ask) != 0 || pipe(answer) != 0)
        fail("forked");
    receive();
    fflush(stdout);
    if (fork() == 0) {
        close(ask[1]); /* the end of the parent's is to be seen */
        while (read(ask[0], &turn, 1) == 1) {
            int64_t took_ns = now_ns();

            took_ns = by_trusted() ? now_ns() - took_ns : -1;
            if (write(answer[1], &took_ns, sizeof took_ns) < 0)
                break;
        }
        _exit(0);
    }
    close(ask[0]);
    for (int i = -10; i < CALLS; i++) {
        int64_t start_ns = now_ns(), took_ns[2];

        if (!by_trusted())
            fail("forked: parent");
        took_ns[0] = now_ns() - start_ns;
        receive();
        if (write(ask[1], &turn, 1) != 1 || read(answer[0], &took_ns[1], sizeof *took_ns) < 0 ||
            took_ns[1] < 0)
            fail("forked: child");
        receive();
        for (int way = 0; i >= 0 && way < 2; way++)
            samples[way][i] = took_ns[way];
    }
    close(ask[1]);
    for (int way = 0; way < 2; way++) {
        printf("forked\t%s", way ? "child" : "parent");
        for (int i = 0; i < CALLS; i++)
            printf("\t%lld", (long long)samples[way][i]);
        printf("\n");
    }
}

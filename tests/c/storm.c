/*
 * storm.c SETTINGS SECONDS DOCUMENT - sends, shrinks and writes while it gets 1,000 signals a
 * second of each of SIGALRM, SIGPROF and SIGCHLD. The signals are for the process as a whole, so
 * the kernel may choose any thread that does not block them. Another thread changes the user
 * meanwhile, which libc does with a signal to every thread.
 *
 * The handlers have no SA_ONSTACK and frames of 6 KB, and record the ids of the threads on which
 * they ran. Prints "ready", then in a line each: documents SENT, those BUFFERED or PENDING, other
 * results, runs of handlers, the host's threads, and the threads on which handlers ran.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "transmit.h"

#define FRAME 6144
#define THREADS 64

static atomic_int ran_on[THREADS];
static atomic_int runs;
static atomic_bool ended;
static long tally[3]; /* sent, on disk, other */

static void remember(int tid)
{
    for (int i = 0; i < THREADS; i++) {
        int free_place = 0;

        if (ran_on[i] == tid || atomic_compare_exchange_strong(&ran_on[i], &free_place, tid))
            return;
    }
}

static void on_signal(int signal)
{
    volatile char frame[FRAME];

    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (char)signal;
    remember(gettid());
    runs++;
}

static bool raise_storm(int signal)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    struct itimerspec every_ms = {{0, 1000000}, {0, 1000000}};
    timer_t timer;

    return sigaction(signal, &action, NULL) == 0 &&
           timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
           timer_settime(timer, 0, &every_ms, NULL) == 0;
}

static void *change_user(void *ret_tid)
{
    struct timespec ms = {.tv_nsec = 1000000};

    *(int *)ret_tid = gettid();
    while (!ended) {
        if (seteuid(geteuid()) != 0)
            abort();
        nanosleep(&ms, NULL);
    }
    return NULL;
}

static char *text_of(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "r");
    char *text = malloc(4 << 20);

    if (!file || !text)
        exit(2);
    *ret_length = fread(text, 1, 4 << 20, file);
    fclose(file);
    return text;
}

static void count(int32_t result)
{
    tally[result == TRANSMIT_SENT ? 0 : result > 0 ? 1 : 2]++;
}

static void small_ones(int number, uint32_t flags)
{
    char json[64];

    for (int i = 0; i < number; i++) {
        static int serial;
        int length = snprintf(json, sizeof json, "{\"id\":\"small %d\"}", serial++);

        count(transmit_send_with(json, (size_t)length, flags, NULL, 0));
    }
}

/* The large document's ######## becomes its number. */
static void large_one(char *document, size_t length)
{
    static unsigned serial;
    static char *place;
    char number[9];

    if (!place)
        place = memmem(document, length, "########", 8);
    snprintf(number, sizeof number, "%08u", serial++ % 100000000);
    memcpy(place, number, 8);
    count(transmit_send(document, length));
}

int main(int argc, char **argv)
{
    pthread_t thread;
    int other_tid = 0;
    int32_t configured;
    size_t length;

    if (argc != 4)
        return 2;
    while ((configured = transmit_configure(argv[1], strlen(argv[1]))) == TRANSMIT_ESTARTING)
        ; /* in emulation */
    if (configured != 0)
        return 2;
    char *document = text_of(argv[3], &length);
    if (!raise_storm(SIGALRM) || !raise_storm(SIGPROF) || !raise_storm(SIGCHLD) ||
        pthread_create(&thread, NULL, change_user, &other_tid) != 0)
        return 2;
    printf("ready\n");
    fflush(stdout);
    for (time_t end = time(NULL) + atoi(argv[2]); time(NULL) < end;) {
        small_ones(20, 0);
        small_ones(20, TRANSMIT_TRUSTED);
        small_ones(20, TRANSMIT_AS_IS);
        large_one(document, length);
        small_ones(3, TRANSMIT_TO_DISK);
    }
    ended = true;
    pthread_join(thread, NULL);
    transmit_flush(5000000);
    printf("%ld\n%ld\n%ld\n%d\n%d %d\n", tally[0], tally[1], tally[2], runs, gettid(), other_tid);
    for (int i = 0; i < THREADS && ran_on[i]; i++)
        printf("%d ", ran_on[i]);
    printf("\n");
    return 0;
}

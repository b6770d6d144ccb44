/*
 * reconfigure.c ONE OTHER SECONDS - one thread configures ONE, OTHER, ONE and so on while 8 threads
 * send, half of them with TRANSMIT_TRUSTED only. Prints how many profiles were sent, how many were
 * written to the disk, and how often the settings changed. Exit status 1 if a profile was refused.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transmit.h"

#define SENDERS 8

static atomic_int serial, sent, buffered;
static atomic_bool ended;

static void pause_us(long us)
{
    struct timespec time = {.tv_nsec = us * 1000};

    nanosleep(&time, NULL);
}

static void *keep_sending(void *trusted_only)
{
    for (int i = 0; !ended; i++) {
        char json[64];
        int length = snprintf(json, sizeof json, "{\"id\":\"%d\"}", serial++);
        bool checked = !trusted_only && i % 4 == 0; /* by Go */
        int32_t result =
            transmit_send_with(json, (size_t)length, checked ? 0 : TRANSMIT_TRUSTED, NULL, 0);

        if (result == TRANSMIT_SENT)
            sent++;
        else if (result > 0)
            buffered++;
        pause_us(200);
    }
    return NULL;
}

static int change(char **settings, int seconds)
{
    int changes = 0;

    for (time_t end = time(NULL) + seconds; time(NULL) < end; changes++) {
        const char *json = settings[changes % 2];

        if (transmit_configure(json, strlen(json)) != 0)
            abort();
        pause_us(changes % 300); /* long enough for a send, and not */
    }
    return changes;
}

int main(int argc, char **argv)
{
    pthread_t senders[SENDERS];
    int changes;
    int32_t result;

    if (argc != 4)
        return 2;
    do /* a busy machine */
        result = transmit_configure(argv[1], strlen(argv[1]));
    while (result == TRANSMIT_ESTARTING);
    if (result != 0)
        return 2;
    for (size_t i = 0; i < SENDERS; i++)
        if (pthread_create(&senders[i], NULL, keep_sending, i % 2 ? argv : NULL) != 0)
            return 2;
    changes = change(argv + 1, atoi(argv[3]));
    ended = true;
    for (size_t i = 0; i < SENDERS; i++)
        pthread_join(senders[i], NULL);
    transmit_flush(5000000);
    printf("%d %d %d\n", (int)serial, (int)buffered, changes);
    return serial != sent + buffered;
}

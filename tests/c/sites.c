/* sites.c SENDS SETTINGS SETTINGS… - one thread for each of these settings sends SENDS profiles
 * with transmit_send_configured. Each profile has the number of its settings. Prints how many calls
 * did not keep theirs, and how many log lines are due. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transmit.h"

static int sends;
static char **sites;
static atomic_int lost, lines;

static void *send_all(void *number)
{
    const char *settings = sites[(long)number];
    char json[64];

    snprintf(json, sizeof json, "{\"scene\":%ld}", (long)number);
    for (int i = 0; i < sends; i++) {
        uint32_t flags = i % 3 ? TRANSMIT_TRUSTED : 0; /* without Go, and with it */
        int64_t both = transmit_send_configured(settings, strlen(settings), json, strlen(json),
                                                flags | TRANSMIT_ASK_LOG, NULL, 0);

        if ((int32_t)both == TRANSMIT_ESTARTING)
            i--; /* a busy machine */
        else if ((int32_t)both < 0)
            lost++;
        lines += both >> 32 != 0;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[8];

    if (argc < 3 || argc > 10)
        return 2;
    sends = atoi(argv[1]);
    sites = argv + 2;
    for (long i = 0; i < argc - 2; i++)
        if (pthread_create(&threads[i], NULL, send_all, (void *)i) != 0)
            return 2;
    for (int i = 0; i < argc - 2; i++)
        pthread_join(threads[i], NULL);
    transmit_flush(5000000);
    printf("%d %d\n", lost, lines);
    return 0;
}

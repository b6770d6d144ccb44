/* cancel.c SETTINGS - makes its first call on a thread that has been cancelled
 * (deferred: it ends at its next cancellation point, of which the library must
 * have none), and its second call on another thread. Prints both results. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "transmit.h"

static atomic_bool cancelled;
static int first = -100;

static void *send_when_cancelled(void *nothing)
{
    int old;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    while (!cancelled)
        ;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    first = transmit_configure("{\"nope\":1}", 10); /* refused, by Go */
    pthread_testcancel();
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    void *end;

    if (argc != 2 || pthread_create(&thread, NULL, send_when_cancelled, NULL) != 0)
        return 2;
    pthread_cancel(thread);
    cancelled = true;
    pthread_join(thread, &end);
    int second = transmit_configure(argv[1], strlen(argv[1]));
    printf("%d %d %d\n", first, second, end == PTHREAD_CANCELED);
    return 0;
}

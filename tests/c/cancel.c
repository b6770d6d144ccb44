/* cancel.c SETTINGS - makes its first call on a thread that was cancelled: the thread would end at
 * its next cancellation point, so the library must have none. Makes its second call on another
 * thread, and a send of each kind that needs no Go on two more threads that were cancelled. Prints
 * all results. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "transmit.h"

static atomic_bool cancelled;
static int result;

static int32_t configure_wrongly(void)
{
    return transmit_configure("{\"nope\":1}", 10); /* refused, by Go */
}

static int32_t send_trusted(void)
{
    return transmit_send_with("{\"id\":\"1\"}", 10, TRANSMIT_TRUSTED, NULL, 0);
}

static int32_t send_as_is(void)
{
    return transmit_send_with("{\"id\":\"2\"}", 10, TRANSMIT_AS_IS, NULL, 0);
}

static int32_t (*call)(void);

static void *call_when_cancelled(void *nothing)
{
    int old;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    while (!cancelled)
        ;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    result = call();
    pthread_testcancel();
    return nothing;
}

/* Prints what the call returned, and whether the thread was cancelled after it. */
static void on_cancelled_thread(int32_t (*function)(void))
{
    pthread_t thread;
    void *end;

    call = function;
    result = -100;
    cancelled = false;
    if (pthread_create(&thread, NULL, call_when_cancelled, NULL) != 0)
        return;
    pthread_cancel(thread);
    cancelled = true;
    pthread_join(thread, &end);
    printf("%d %d\n", result, end == PTHREAD_CANCELED);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    on_cancelled_thread(configure_wrongly);
    printf("%d ", transmit_configure(argv[1], strlen(argv[1])));
    printf("%d\n", transmit_send("{\"id\":\"0\"}", 10));
    on_cancelled_thread(send_trusted);
    on_cancelled_thread(send_as_is);
    return 0;
}

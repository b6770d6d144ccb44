/* cancel.c SETTINGS SOCKET - makes calls on threads that were cancelled: such a thread would end at
 * its next cancellation point, so the library must have none. Each function is the first call of a
 * process once; it prints the result, whether the thread was cancelled after the call, and whether
 * the process shares its counters. Then it makes calls of both kinds, with Go and without, in one
 * process. SOCKET is the listener's. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transmit.h"

static atomic_bool cancelled;
static int result;
static const char *socket_path;

static int32_t configure_wrongly(void)
{
    int32_t refused;

    do
        refused = transmit_configure("{\"nope\":1}", 10); /* by Go */
    while (refused == TRANSMIT_ESTARTING);                /* a busy machine */
    return refused;
}

static int32_t try_send(void)
{
    return transmit_try_send("{\"id\":\"3\"}", 10, TRANSMIT_TRUSTED, socket_path, NULL, 65507);
}

static int32_t send_trusted(void)
{
    return transmit_send_with("{\"id\":\"1\"}", 10, TRANSMIT_TRUSTED, socket_path, 0);
}

static int32_t send_as_is(void)
{
    return transmit_send_with("{\"id\":\"2\"}", 10, TRANSMIT_AS_IS, socket_path, 0);
}

static int32_t send_configured_wrongly(void)
{
    int64_t refused;

    do
        refused = transmit_send_configured("{\"nope\":1}", 10, "{\"id\":\"4\"}", 10, 0, NULL, 0);
    while ((int32_t)refused == TRANSMIT_ESTARTING);
    return (int32_t)refused;
}

static int32_t send_nothing(void)
{
    return transmit_send(NULL, 0);
}

static int32_t stats(void)
{
    return (int32_t)strlen(transmit_stats()) == 0;
}

static int32_t log_due(void)
{
    return transmit_log_due_for(TRANSMIT_EIO, "/nowhere") < -1;
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

static void in_new_process(int32_t (*function)(void))
{
    pid_t child = fork();

    if (child == 0) {
        on_cancelled_thread(function);
        puts(strstr(transmit_stats(), "\"pool\":{") ? "shared" : "alone");
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    int32_t (*const functions[])(void) = {configure_wrongly,
                                          send_configured_wrongly,
                                          try_send,
                                          send_trusted,
                                          send_as_is,
                                          send_nothing,
                                          stats,
                                          log_due};

    if (argc != 3)
        return 2;
    socket_path = argv[2];
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        in_new_process(functions[i]);
    on_cancelled_thread(configure_wrongly);
    printf("%d ", transmit_configure(argv[1], strlen(argv[1])));
    printf("%d\n", transmit_send("{\"id\":\"0\"}", 10));
    on_cancelled_thread(send_trusted);
    on_cancelled_thread(send_as_is);
    return 0;
}

/* unchanged.c SETTINGS - prints what a process's first call and its next ones have changed in the
 * calling thread and in the process. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "transmit.h"

struct state {
    int error;
    int cancel_state;
    sigset_t mask;
    struct sigaction actions[65];
    struct rlimit limits[RLIM_NLIMITS];
    unsigned char random[16]; /* the kernel's, which the host's libc or runtime may use */
};

static int changes;

static void changed(const char *what, int which)
{
    printf("%s %d\n", what, which);
    changes++;
}

static void handler(int signal)
{
    (void)signal;
}

/* What libc adds to the flags of every handler that it installs. */
#define SA_RESTORER 0x04000000

static void look(struct state *state)
{
    state->error = errno;
    memset(state->actions, 0, sizeof state->actions);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state->cancel_state);
    sigemptyset(&state->mask);
    pthread_sigmask(SIG_SETMASK, NULL, &state->mask);
    for (int signal = 1; signal < 65; signal++)
        if (sigaction(signal, NULL, &state->actions[signal]) == 0)
            state->actions[signal].sa_flags &= ~SA_RESTORER;
    for (int resource = 0; resource < RLIM_NLIMITS; resource++)
        getrlimit(resource, &state->limits[resource]);
    memcpy(state->random, (void *)getauxval(AT_RANDOM), sizeof state->random);
    errno = state->error;
}

static void compare_action(int signal, const struct sigaction *was, const struct sigaction *is)
{
    if (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE)
        return;
    if (was->sa_handler != is->sa_handler)
        changed("handler of signal", signal);
    if (was->sa_flags != is->sa_flags)
        changed("flags of signal", signal);
}

static void compare(const struct state *was, const struct state *is)
{
    if (was->error != is->error)
        changed("errno to", is->error);
    if (was->cancel_state != is->cancel_state)
        changed("cancel state to", is->cancel_state);
    if (memcmp(was->random, is->random, sizeof was->random) != 0)
        changed("AT_RANDOM, bytes:", sizeof was->random);
    for (int resource = 0; resource < RLIM_NLIMITS; resource++)
        if (was->limits[resource].rlim_cur != is->limits[resource].rlim_cur)
            changed("limit of resource", resource);
    for (int signal = 1; signal < 65; signal++) {
        if (sigismember(&was->mask, signal) != sigismember(&is->mask, signal))
            changed("mask of signal", signal);
        compare_action(signal, &was->actions[signal], &is->actions[signal]);
    }
}

static void call(int32_t (*function)(const char *json, size_t len), const char *json)
{
    struct state was, is;
    int32_t result;

    errno = ERANGE;
    look(&was);
    /* Where it starts slowly, it is not done with the host before it has started. */
    for (int i = 0; i < 50; i++) {
        errno = ERANGE;
        result = function(json, json ? strlen(json) : 0);
        look(&is);
        if (result != TRANSMIT_ESTARTING)
            break;
        usleep(20000);
    }
    compare(&was, &is);
}

static int32_t send_trusted(const char *json, size_t len)
{
    return transmit_send_with(json, len, TRANSMIT_TRUSTED, NULL, 0);
}

static int32_t send_as_is(const char *json, size_t len)
{
    return transmit_send_with(json, len, TRANSMIT_AS_IS, NULL, 0);
}

static int32_t send_configured(const char *json, size_t len)
{
    return (int32_t)transmit_send_configured("{}", 2, json, len, TRANSMIT_TRUSTED, NULL, 0);
}

int main(int argc, char **argv)
{
    struct sigaction own = {.sa_handler = handler};
    sigset_t some;

    struct rlimit few = {.rlim_cur = 256, .rlim_max = 512};

    if (argc != 2 || setrlimit(RLIMIT_NOFILE, &few) != 0)
        return 2;
    sigaction(SIGALRM, &own, NULL);
    sigaction(SIGPROF, &own, NULL);
    sigaction(SIGURG, &own, NULL);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &some, NULL);

    call(transmit_configure, argv[1]);
    call(transmit_send, "{\"id\":\"1\"}");
    call(send_trusted, "{\"id\":\"2\"}");
    call(send_as_is, "{\"id\":\"3\"}");
    call(send_configured, "{\"id\":\"4\"}");
    call(transmit_send, "{");
    call(transmit_send, NULL);
    call(transmit_configure, "{\"nope\":1}");
    return changes != 0;
}

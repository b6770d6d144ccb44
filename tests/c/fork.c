/*
 * fork.c SETTINGS MODE - forks at several moments. Each process prints what its call
 * returned, how many microseconds it took, and the profile's id:
 *
 *   around       a child before and a child after the parent's first call
 *   generations  five generations, none of which has called yet; then each calls
 *   after        the same after the first one's first call
 *   siblings S2  two children of a process that has not called; S2: the other's settings
 *   busy         50 children while another thread is in calls
 *   starting N   a child N microseconds after another thread began the first call
 *   order 01001  five generations: those with a 1 call before they fork; then each calls
 *   daemon N     a process that calls N times, becomes a daemon, and calls
 */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "transmit.h"

#define GENERATIONS 5
#define CHILDREN 50

static const char *settings;
static atomic_bool busy, ended;

static long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int send_own(char id[24])
{
    static int serial;
    char json[64];
    int configured = TRANSMIT_ESTARTING;

    for (int i = 0; i < 100 && configured == TRANSMIT_ESTARTING; i++) /* a busy machine */
        configured = transmit_configure(settings, strlen(settings));
    snprintf(id, 24, "%d.%d", (int)getpid(), serial++);
    snprintf(json, sizeof json, "{\"id\":\"%s\"}", id);
    /* In a child of a process that had started Go: what needs Go is refused, the rest is sent. */
    if (configured != 0)
        return transmit_send(json, strlen(json)) == TRANSMIT_EFORKED
                   ? transmit_send_with(json, strlen(json), TRANSMIT_TRUSTED, NULL, 0)
                   : TRANSMIT_EPANIC;
    return transmit_send(json, strlen(json));
}

static void use(const char *who)
{
    char id[24];
    long began_us = now_us();
    int result = send_own(id);

    printf("%s %d %ld %s\n", who, result, now_us() - began_us, id);
    fflush(stdout);
}

/* Returns when the child has ended, and whether it ended well. */
static bool in_child(const char *who)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        use(who);
        _exit(0);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool generation(int number)
{
    int status = 0;
    pid_t pid = number < GENERATIONS ? fork() : -1;

    if (pid == 0)
        _exit(!generation(number + 1));
    if (pid > 0)
        waitpid(pid, &status, 0);
    use("generation");
    return status == 0;
}

static void *keep_sending(void *nothing)
{
    while (!ended) {
        char id[24];

        send_own(id);
        busy = true;
    }
    return nothing;
}

static bool while_busy(void)
{
    pthread_t thread;
    bool well = true;

    pthread_create(&thread, NULL, keep_sending, NULL);
    while (!busy)
        ;
    for (int i = 0; i < CHILDREN; i++)
        well = in_child("child") && well;
    ended = true;
    pthread_join(thread, NULL);
    return well;
}

static void *start(void *nothing)
{
    char id[24];

    busy = true;
    send_own(id);
    return nothing;
}

static bool while_starting(long delay_us)
{
    pthread_t thread;
    bool well;

    pthread_create(&thread, NULL, start, NULL);
    while (!busy)
        ;
    for (long until_us = now_us() + delay_us; now_us() < until_us;)
        ;
    well = in_child("child");
    pthread_join(thread, NULL);
    use("parent");
    return well;
}

static bool around(void)
{
    bool well = in_child("before");

    use("parent");
    return in_child("after") && well;
}

static bool siblings(const char *other_settings)
{
    bool well = in_child("one");

    settings = other_settings;
    return in_child("other") && well;
}

static bool in_order(const char *calls_first)
{
    int status = 0;
    pid_t pid = -1;

    if (*calls_first == '1')
        use("first");
    if (calls_first[1])
        pid = fork();
    if (pid == 0)
        _exit(!in_order(calls_first + 1));
    if (pid > 0)
        waitpid(pid, &status, 0);
    use("then");
    return status == 0;
}

/* As it has lost its parent, it would outlive a test that is killed. */
static void become_daemon(pid_t ancestor)
{
    if (daemon(0, 1) != 0)
        _exit(2);
    while (getppid() != ancestor)
        usleep(1000);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static bool daemons(int calls)
{
    pid_t ancestor = getpid();
    int status;
    bool well = true;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (fork() == 0) {
        for (int i = 0; i < calls; i++)
            use("before");
        transmit_flush(1000000);
        become_daemon(ancestor);
        use("daemon");
        _exit(0);
    }
    while (wait(&status) > 0)
        well = well && status == 0;
    return well;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    settings = argv[1];
    if (strcmp(argv[2], "around") == 0)
        return !around();
    if (strcmp(argv[2], "generations") == 0)
        return !generation(1);
    if (strcmp(argv[2], "after") == 0) {
        use("parent");
        return !generation(1);
    }
    if (strcmp(argv[2], "busy") == 0)
        return !while_busy();
    if (argc == 4 && strcmp(argv[2], "order") == 0)
        return !in_order(argv[3]);
    if (argc == 4 && strcmp(argv[2], "daemon") == 0)
        return !daemons(atoi(argv[3]));
    if (argc == 4 && strcmp(argv[2], "siblings") == 0)
        return !siblings(argv[3]);
    return argc == 4 ? !while_starting(atol(argv[3])) : 2;
}

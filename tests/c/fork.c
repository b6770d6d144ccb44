/*
 * fork.c SETTINGS MODE - forks at the moments that matter. Each process prints
 * what its call returned and how many microseconds it took:
 *
 *   around       a child before and a child after the parent's first call
 *   generations  five generations, none of which has called yet; then each calls
 *   after        the same after the first one's first call
 *   siblings S2  two children of a process that has not called; S2: the other's settings
 *   busy         50 children while another thread is in calls
 *   starting N   a child N microseconds after another thread began the first call
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int send_own(void)
{
    static int serial;
    char json[64];
    int length = snprintf(json, sizeof json, "{\"id\":\"%d.%d\"}", (int)getpid(), serial++);

    /* In a child of the wrong kind, neither of them may do anything. */
    if (transmit_configure(settings, strlen(settings)) != 0)
        return transmit_send_with(json, (size_t)length, TRANSMIT_TRUSTED, NULL, 0);
    return transmit_send(json, (size_t)length);
}

static void use(const char *who)
{
    long began_us = now_us();
    int result = send_own();

    printf("%s %d %ld\n", who, result, now_us() - began_us);
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
        send_own();
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
    busy = true;
    send_own();
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
    if (argc == 4 && strcmp(argv[2], "siblings") == 0)
        return !siblings(argv[3]);
    return argc == 4 ? !while_starting(atol(argv[3])) : 2;
}

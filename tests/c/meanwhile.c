/* meanwhile.c COUNT - starts Go in so many processes, in each of which another thread installs a
 * handler and lowers its limit of descriptors after a delay: 100 us more from one process to the
 * next. Prints how many handlers and limits the library has undone. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "transmit.h"

#define MORE 300

static atomic_bool started;

static void before(int signal)
{
    (void)signal;
}

static void after(int signal)
{
    (void)signal;
}

static long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void *change(void *delay_us)
{
    struct sigaction action = {.sa_handler = after};
    struct rlimit limit;
    long end_us;

    while (!started)
        ;
    end_us = now_us() + *(long *)delay_us;
    while (now_us() < end_us)
        ;
    sigaction(SIGTERM, &action, NULL);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = MORE;
    setrlimit(RLIMIT_NOFILE, &limit);
    return NULL;
}

/* Returns 1 if the handler was undone, 2 if the limit was, 3 if both were. */
static int start_go(long delay_us)
{
    struct sigaction action = {.sa_handler = before};
    struct rlimit limit = {.rlim_cur = 256, .rlim_max = 512};
    pthread_t thread;

    sigaction(SIGTERM, &action, NULL);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        pthread_create(&thread, NULL, change, &delay_us) != 0)
        return 4;
    started = true;
    while (transmit_configure("{\"nope\":1}", 10) == TRANSMIT_ESTARTING)
        ; /* a busy machine */
    pthread_join(thread, NULL);
    sigaction(SIGTERM, NULL, &action);
    getrlimit(RLIMIT_NOFILE, &limit);
    return (action.sa_handler != after) + 2 * (limit.rlim_cur != MORE);
}

int main(int argc, char **argv)
{
    int undone[2] = {0, 0};

    for (long i = 0; argc == 2 && i < atol(argv[1]); i++) {
        int status = 0;
        pid_t child = fork();

        if (child == 0)
            _exit(start_go(i * 100));
        waitpid(child, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 3)
            return 1;
        undone[0] += WEXITSTATUS(status) & 1;
        undone[1] += WEXITSTATUS(status) >> 1;
    }
    printf("%d %d\n", undone[0], undone[1]);
    return 0;
}

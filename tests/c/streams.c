/*
 * streams.c SETTINGS - hosts whose standard streams do not block: each of the three streams, of
 * each kind.
 *
 * Each child sends, closes all its descriptors, as daemons do, and sends again. Prints a line for
 * each child in which the library has an epoll descriptor, or whose profiles are not written.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "transmit.h"

/* As closefrom(3), which glibc has from 2.34 on. */
static void close_from(int fd)
{
    for (; fd < 4096; fd++)
        close(fd);
}

static const char *const kinds[] = {"pipe", "socket", "terminal", "eventfd", "timerfd", "file"};

static int open_kind(const char *kind)
{
    int pair[2] = {-1, -1};

    if (strcmp(kind, "pipe") == 0)
        return pipe(pair) == 0 ? pair[0] : -1;
    if (strcmp(kind, "socket") == 0)
        return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ? pair[0] : -1;
    if (strcmp(kind, "terminal") == 0)
        return posix_openpt(O_RDWR | O_NOCTTY);
    if (strcmp(kind, "eventfd") == 0)
        return eventfd(0, 0);
    if (strcmp(kind, "timerfd") == 0)
        return timerfd_create(CLOCK_MONOTONIC, 0);
    return open("/dev/zero", O_RDWR);
}

static int count_pollers(void)
{
    int count = 0;

    for (int fd = 0; fd < 64; fd++) {
        char path[64], link[64] = "";

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, link, sizeof link - 1) > 0 && strstr(link, "eventpoll"))
            count++;
    }
    return count;
}

static int try(int stream, const char *kind, const char *settings)
{
    int fd = open_kind(kind);

    if (fd < 0 || dup2(fd, stream) != stream || fcntl(stream, F_SETFL, O_NONBLOCK) != 0)
        return 1;
    for (int tries = 0; transmit_configure(settings, strlen(settings)) != 0; tries++)
        if (tries == 20) /* a busy machine starts the library in several calls */
            return 2;
    for (int i = 0; i < 3; i++) {
        if (transmit_send("{\"a\":1}", 7) < 0)
            return 3;
        if (count_pollers() != 0)
            return 4;
        close_from(i == 0 ? 3 : 0);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    for (int stream = 0; stream < 3; stream++)
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            pid_t child = fork();
            int status;

            if (child == 0)
                _exit(try(stream, kinds[i], argv[1]));
            waitpid(child, &status, 0);
            if (status != 0)
                printf("stream %d, %s: status %x\n", stream, kinds[i], status);
        }
    return 0;
}

/* driver_descriptors.h - the descriptors of driver.c's process: others take the numbers that the
 * library has used, and all are closed. */
#ifndef DRIVER_DESCRIPTORS_H
#define DRIVER_DESCRIPTORS_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS 8

static int taken[2 * NUMBERS], peers[NUMBERS];

static void occupy_file(int i, const char *path)
{
    taken[2 * i] = open(path, O_WRONLY | O_CREAT, 0600);
}

static int occupy(const char *arguments)
{
    char path[512];
    int type, file_first;

    if (sscanf(arguments, "%511s %d %d", path, &type, &file_first) != 3)
        exit(2);
    for (int i = 0; i < NUMBERS; i++) {
        int pair[2];

        if (file_first)
            occupy_file(i, path);
        if (socketpair(AF_UNIX, type, 0, pair) != 0)
            exit(2);
        taken[2 * i + 1] = pair[0];
        /* What the library writes to pair[0] can be read here. */
        peers[i] = fcntl(pair[1], F_DUPFD, 200);
        close(pair[1]);
        if (!file_first)
            occupy_file(i, path);
    }
    return 0;
}

static long occupied(void)
{
    long written = 0;

    for (int i = 0; i < NUMBERS; i++) {
        struct stat status;
        int waiting;

        if (fstat(taken[2 * i], &status) != 0 || fcntl(taken[2 * i + 1], F_GETFD) < 0 ||
            ioctl(peers[i], FIONREAD, &waiting) != 0)
            return -1; /* the library closed what is not its own */
        written += status.st_size + waiting;
    }
    return written;
}

/* closefrom(3), which older glibc and musl do not have. */
static void close_from(int first)
{
    for (int fd = first; fd < 1024; fd++)
        close(fd);
}

#endif

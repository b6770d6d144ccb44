/*
 * ids.c SOCKET - a process sends, and then its children and grandchildren send some profiles each.
 */
#include <sys/wait.h>
#include <unistd.h>

#include <transmit.h>

#define CHILDREN 8
#define PROFILES 30

static void send_to(const char *path)
{
    for (int sent = 0, tries = 0; sent < PROFILES && tries < 20000; tries++) {
        if (transmit_try_send("{\"a\":1}", 7, TRANSMIT_TRUSTED, path, NULL, 65507) == TRANSMIT_SENT)
            sent++;
        else
            usleep(100); /* the queue is full */
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    send_to(argv[1]);
    for (int i = 0; i < CHILDREN; i++) {
        if (fork() != 0)
            continue;
        if (fork() != 0)
            wait(NULL);
        send_to(argv[1]);
        _exit(0);
    }
    while (wait(NULL) > 0)
        continue;
    return 0;
}

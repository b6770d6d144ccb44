/*
 * privileges.c MODE DIRECTORY… - a host that gives up its capabilities after its first call.
 *
 *   process FIRST CLOSED
 *       gives up all. The library's threads must then not write where the host may not. FIRST is
 *       a buffer directory; CLOSED, one that only a process with capabilities can open. Prints
 *       results
 *   thread FIRST
 *       one thread gives up all, sends and ends. The others may still change their user and
 *       groups: libc does it on all threads, and ends the process if one may not. Prints the
 *       result
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <transmit.h>

#define OTHER_USER 48123

static const char *first;

static int32_t send_to(const char *directory)
{
    char settings[512];

    snprintf(settings, sizeof settings, "{\"buffer_dirs\":[\"%s\"],\"timeout_us\":5000000}",
             directory);
    for (int i = 0; transmit_configure(settings, strlen(settings)) == TRANSMIT_ESTARTING && i < 100;
         i++)
        usleep(10000); /* a busy machine */
    return transmit_send_with("{\"a\":1}", 7, TRANSMIT_TO_DISK, NULL, 0);
}

/* Of the calling thread only. */
static int give_up(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

    return (int)syscall(SYS_capset, &header, none);
}

static int process(const char *closed)
{
    int32_t with = send_to(closed), without, back;

    if (give_up() != 0)
        return 2;
    without = send_to(closed);
    back = send_to(first);
    printf("%d %d %d\n", (int)with, (int)without, (int)back);
    return 0;
}

static void *give_up_and_send(void *ret_result)
{
    if (give_up() == 0)
        *(int32_t *)ret_result = send_to(first);
    return NULL;
}

static int thread(void)
{
    const gid_t group = OTHER_USER;
    int32_t result = -100;
    pthread_t sandbox;

    if (send_to(first) < 0 || pthread_create(&sandbox, NULL, give_up_and_send, &result) != 0)
        return 2;
    pthread_join(sandbox, NULL);
    if (setgroups(1, &group) != 0 || setegid(OTHER_USER) != 0 || seteuid(OTHER_USER) != 0 ||
        seteuid(0) != 0 || setgid(OTHER_USER) != 0 || setuid(OTHER_USER) != 0)
        return 3;
    printf("%d\n", (int)result);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    first = argv[2];
    if (strcmp(argv[1], "process") == 0 && argc == 4)
        return process(argv[3]);
    if (strcmp(argv[1], "thread") == 0)
        return thread();
    return 2;
}

/* least.c - the least that a row can take: what it is for, and no check, limit or count. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Another thread writes the file, so that a disk that hangs does not hold the caller ---- */

static struct {
    bool (*write)(void);
    pthread_t thread;
    _Atomic uint32_t asked, done;
    bool is_written;
} writer;

static void await(_Atomic uint32_t *word, uint32_t other_than)
{
    while (*word == other_than)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, other_than, NULL, NULL, 0);
}

static void raise_by_one(_Atomic uint32_t *word)
{
    ++*word;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *write_for_others(void *unused)
{
    for (;;) {
        await(&writer.asked, writer.done);
        writer.is_written = writer.write();
        raise_by_one(&writer.done);
    }
    return unused;
}

void start_writer(bool (*write)(void))
{
    writer.write = write;
    if (pthread_create(&writer.thread, NULL, write_for_others, NULL) != 0)
        fail("a writer");
}

/* The writer runs where the caller does: to wake another CPU takes longer than the file. */
bool by_writer(void)
{
    static int its_cpu = -1;
    int cpu = sched_getcpu();
    cpu_set_t only;

    if (cpu != its_cpu) {
        CPU_ZERO(&only);
        CPU_SET(cpu, &only);
        pthread_setaffinity_np(writer.thread, sizeof only, &only);
        its_cpu = cpu;
    }
    raise_by_one(&writer.asked);
    await(&writer.done, writer.asked - 1);
    return writer.is_written;
}

/* ---- The first send of a process ---- */

void run_least(const char *folder)
{
    struct sockaddr_un address;
    char path[100];
    int64_t start_ns;
    int fd;

    make_profile(4096);
    snprintf(path, sizeof path, "%s/s", folder);
    receiver = bind_to(path);
    start_ns = now_ns();
    address = address_of(path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        send(fd, json, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        fail("least");
    printf("first-send\tleast\t%lld\n", (long long)(now_ns() - start_ns));
}

/*
 * pool.c - the counters that all processes of one user share.
 *
 * They map one file in /dev/shm. It has a slot for each process that lives; a new
 * process goes on with the counts of one that has ended, so the sum of all slots
 * is what they all have counted since the machine started. A process that finds
 * no file, or none that can be trusted, or no slot, counts by itself.
 *
 * In memory only: writing to a page of a file on a disk may wait for that disk.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "door.h"

/* What a slot means is in the name: another layout is another file. */
#define PATH_FORMAT "/dev/shm/libtransmit-%u.1"
#define SLOTS 512

static struct slot *_Atomic slots;
static struct slot *_Atomic own;
static struct slot before; /* what own had counted when it became ours */
static pid_t claimed_by;   /* a child inherits its parent's slot */
static const char *_Atomic problem = "not opened yet";

const char *pool_error(void)
{
    if (is_truncated())
        return "the file in /dev/shm was truncated";
    return own && own->pid != claimed_by ? "the file in /dev/shm was overwritten" : problem;
}

struct slot *own_slot(void)
{
    return atomic_load_explicit(&own, memory_order_relaxed);
}

/* ---- The file ---- */

/* In the system's own words, it may not be JSON: they can be translated. */
static const char *failed(const char *what, int error)
{
    static char text[64];

    snprintf(text, sizeof text, "%s: error %d", what, error);
    return text;
}

/* Others may have made it: a link, or a file that they can read or cut. */
static const char *distrust(int fd)
{
    struct stat status;
    struct statfs file_system;

    if (fstat(fd, &status) != 0 || fstatfs(fd, &file_system) != 0)
        return failed("stat", errno);
    if (file_system.f_type != TMPFS_MAGIC)
        return "/dev/shm is not in memory";
    if (!S_ISREG(status.st_mode) || status.st_nlink != 1 || status.st_uid != geteuid() ||
        (status.st_mode & 077) != 0)
        return "the file in /dev/shm is somebody else's";
    return NULL;
}

/* Gives the file all its pages. RLIMIT_FSIZE may be too low for that: the kernel then sends this
 * thread a SIGXFSZ, which would end the host. */
static int allocate(int fd, off_t size)
{
    const struct timespec at_once = {0, 0};
    sigset_t only, before, pending;
    int error;

    sigemptyset(&only);
    sigaddset(&only, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &only, &before);
    sigpending(&pending);
    error = posix_fallocate(fd, 0, size);
    if (error == EFBIG && !sigismember(&pending, SIGXFSZ))
        sigtimedwait(&only, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* With all its pages: for want of one, writing to it later would be a SIGBUS. */
static const char *map_file(int fd)
{
    const size_t size = SLOTS * sizeof(struct slot);
    const char *wrong = distrust(fd);
    void *pages;
    int error;

    if (wrong)
        return wrong;
    error = allocate(fd, (off_t)size);
    if (error == EFBIG)
        return "RLIMIT_FSIZE is less than the size of the file in /dev/shm";
    if (error)
        return failed("allocate", error);
    pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pages == MAP_FAILED)
        return failed("map", errno);
    survive_truncation(pages, size);
    slots = pages;
    return NULL;
}

static const char *open_file(void)
{
    char path[64];
    const char *wrong;
    int fd;

    snprintf(path, sizeof path, PATH_FORMAT, (unsigned)geteuid());
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed("open", errno);
    wrong = map_file(fd);
    close(fd);
    return wrong;
}

/* ---- The slot ---- */

/* Also true in another PID namespace, for a process that lives outside it. Two
 * then count in one slot: the sum is right, what each one calls its own is not. */
static bool has_ended(int32_t pid)
{
    return pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH);
}

static const char *claim(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        int32_t pid = slots[i].pid;

        if (has_ended(pid) && atomic_compare_exchange_strong(&slots[i].pid, &pid, getpid())) {
            before = (struct slot){0};
            add_slot(&before, &slots[i]);
            claimed_by = getpid();
            own = &slots[i];
            return "";
        }
    }
    return "as many processes count as can";
}

void open_pool(void)
{
    static atomic_flag busy = ATOMIC_FLAG_INIT;
    const char *wrong;

    if ((own && claimed_by == getpid()) || atomic_flag_test_and_set(&busy))
        return;
    wrong = slots ? NULL : open_file();
    problem = wrong ? wrong : claim();
    atomic_flag_clear(&busy);
}

/* ---- Reading ---- */

/* Any process of this user can write to the file: what no count can be is not passed on. Every
 * reader of JSON takes a number up to this one as it is. */
#define MOST ((uint64_t)1 << 53)

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return b > MOST || a + b > MOST ? MOST : a + b;
}

static int64_t later(int64_t a, int64_t b)
{
    return b > a && b <= (int64_t)MOST ? b : a;
}

void add_slot(struct slot *sum, const struct slot *slot)
{
    for (size_t i = 0; i < COUNTERS; i++)
        sum->counter[i] =
            add_up(sum->counter[i], atomic_load_explicit(&slot->counter[i], memory_order_relaxed));
    sum->last_failure = later(sum->last_failure, slot->last_failure);
    sum->last_sent = later(sum->last_sent, slot->last_sent);
}

/* The slot may have counted for another process before. */
void read_own(struct slot *ret_sum)
{
    struct slot *slot = own;

    if (!slot)
        return;
    add_slot(ret_sum, slot);
    for (size_t i = 0; i < COUNTERS && !is_truncated(); i++)
        ret_sum->counter[i] -=
            ret_sum->counter[i] < before.counter[i] ? ret_sum->counter[i] : before.counter[i];
    if (ret_sum->last_failure == before.last_failure)
        ret_sum->last_failure = 0;
    if (ret_sum->counter[TRANSMIT_SENT] == 0)
        ret_sum->last_sent = 0;
}

uint32_t read_pool(struct slot *ret_sum)
{
    uint32_t living = 0;

    if (!own || is_truncated())
        return 0;
    for (size_t i = 0; i < SLOTS && slots[i].pid != 0; i++) {
        add_slot(ret_sum, &slots[i]);
        living += !has_ended(slots[i].pid);
    }
    return living;
}

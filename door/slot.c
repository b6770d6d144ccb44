/*
 * slot.c - the counts of one process, in the file that all share (pool.c).
 *
 * The file has a slot for each process that lives; a new process goes on with the
 * counts of one that has ended, so the sum of all slots is what they all have
 * counted since the machine started. A process that finds no file, or none that
 * can be trusted, or no slot, counts by itself until it finds one.
 *
 * Who lives: a process holds a lock on its slot's byte of the file (fcntl), which
 * ends with it, in any PID namespace. Where the host has closed the descriptor, and
 * so the lock, its process ID says it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "door.h"

#define LOOK_NS ((int64_t)1000000000) /* between two looks at the file */

const char *pool_error(void)
{
    struct counting *here = counting_here();

    if (here->own && here->own->pid != here->pid)
        return is_truncated() ? pool_problem() : "the file in /dev/shm was overwritten";
    return shared_pool() && !here->own ? "as many processes count as can" : pool_problem();
}

/* ---- Who lives ---- */

static bool has_ended(int32_t pid)
{
    return pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH);
}

/* Returns false if another process has the lock. */
static bool lock_slot(size_t i)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)i, .l_len = 1};

    return fcntl(shared_file(), F_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

static bool is_locked(int fd, size_t i)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)i, .l_len = 1};

    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* 0: not known. */
static uint32_t pid_namespace(void)
{
    struct stat status;

    return stat("/proc/self/ns/pid", &status) == 0 ? (uint32_t)status.st_ino : 0;
}

/* ---- This process's slot ---- */

/* Adds what was counted elsewhere. */
static void move(struct slot *to, struct slot *from)
{
    for (size_t i = 0; i < COUNTERS; i++)
        atomic_fetch_add(&to->counter[i], atomic_exchange(&from->counter[i], 0));
    if (from->last_failure > to->last_failure)
        to->last_failure = from->last_failure;
    if (from->last_sent > to->last_sent)
        to->last_sent = from->last_sent;
}

static bool take(struct counting *here, struct slot *slot, struct slot *so_far)
{
    int32_t pid = slot->pid, self = getpid();

    /* One with this process's ID is left from before a restart of its container. */
    if ((pid != self && !has_ended(pid)) || !atomic_compare_exchange_strong(&slot->pid, &pid, self))
        return false;
    here->pid = self;
    here->before = (struct slot){0};
    add_slot(&here->before, slot);
    slot->pid_namespace = pid_namespace();
    here->own = slot;
    move(slot, so_far);
    move(slot, &here->alone);
    return true;
}

/* By a write: a page that is read first is mapped together with fifteen neighbours, which
 * count as this process's memory. */
static int32_t pid_of(struct slot *slot)
{
    return atomic_fetch_add(&slot->pid, 0);
}

/* so_far: what this process has counted in a file that is gone. */
static void claim(struct counting *here, struct slot *so_far)
{
    struct slot *slots = shared_pool()->slots;
    size_t i = 0;

    here->own = NULL;
    /* Readers look as far as the first slot that nobody ever had. */
    while (i < SLOTS &&
           !((pid_of(&slots[i]) == 0 || lock_slot(i)) && take(here, &slots[i], so_far)))
        i++;
    if (i < SLOTS)
        lock_slot(i);
    else
        move(&here->alone, so_far);
}

void open_pool(void)
{
    struct counting *here = counting_here();
    struct slot so_far = {0};
    bool is_gone;

    if (atomic_exchange(&here->busy, 1))
        return;
    is_gone = is_shared_file_gone();
    if (is_gone)
        read_own(&so_far);
    if ((shared_pool() && !is_gone) || !open_shared_file()) {
        if (!here->own || is_gone)
            claim(here, &so_far);
        else
            lock_slot((size_t)(here->own - shared_pool()->slots)); /* the host may have lost it */
    }
    here->next_look_ns = monotonic_ns() + LOOK_NS;
    here->busy = 0;
}

void look_after_pool(int64_t now_ns)
{
    if (now_ns >= counting_here()->next_look_ns)
        open_pool();
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
    struct counting *here = counting_here();

    if (!here->own)
        return;
    add_slot(ret_sum, here->own);
    for (size_t i = 0; i < COUNTERS && !is_truncated(); i++)
        ret_sum->counter[i] -= ret_sum->counter[i] < here->before.counter[i]
                                   ? ret_sum->counter[i]
                                   : here->before.counter[i];
    if (ret_sum->last_failure == here->before.last_failure)
        ret_sum->last_failure = 0;
    if (ret_sum->counter[TRANSMIT_SENT] == 0)
        ret_sum->last_sent = 0;
}

uint32_t read_pool(struct slot *ret_sum)
{
    struct slot *own = counting_here()->own;
    struct pool *pool = shared_pool();
    int fd = shared_file();
    uint32_t living = 0, namespace = pid_namespace();

    if (!own || is_truncated())
        return 0;
    for (size_t i = 0; i < SLOTS && pool->slots[i].pid != 0; i++) {
        struct slot *slot = &pool->slots[i];

        add_slot(ret_sum, slot);
        living +=
            slot == own || (fd >= 0 && is_locked(fd, i)) ||
            (slot->pid_namespace == namespace && slot->pid != own->pid && !has_ended(slot->pid));
    }
    return living;
}

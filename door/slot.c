/*
 * slot.c - the counters of one process, in the file that all processes of a user map (shared.c).
 *
 * The file has a slot for each live process. A new process continues with the counts in the slot of
 * one that has ended, so the sum of all slots is what all processes have counted since the machine
 * started. A process that can use no file or no slot keeps private counters until it can.
 *
 * Whether a process lives: it holds a lock on its slot's byte of the file, which the kernel
 * releases at its end, in any PID namespace. The lock belongs to the open file description
 * (F_OFD_SETLK in fcntl_locking(2)), which lives as long as a mapping of it. So the descriptor is
 * closed, and a host that closes all of them does not release the lock. Where no such lock can be
 * had, the process ID is checked instead.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "door.h"

#define CHECK_INTERVAL_NS ((int64_t)1000000000) /* between two checks of the file */

const char *shared_error(void)
{
    struct counting *here = counting_here();

    if (here->own && here->own->pid != here->pid)
        return is_truncated() ? shared_problem() : "the file in /dev/shm was overwritten";
    return shared_memory() && !here->own ? "all slots of the file in /dev/shm are taken"
                                         : shared_problem();
}

/* ---- Who lives ---- */

static bool has_ended(int32_t pid)
{
    return pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH);
}

static int lock(int fd, int command, short type, struct flock *ret_lock, size_t i)
{
    *ret_lock =
        (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)i, .l_len = 1};
    return fcntl(fd, command, ret_lock);
}

/* Returns false if another process has the lock. */
static bool lock_slot(int fd, size_t i)
{
    struct flock own;

    return lock(fd, F_OFD_SETLK, F_WRLCK, &own, i) == 0 || (errno != EAGAIN && errno != EACCES);
}

static void unlock_slot(int fd, size_t i)
{
    struct flock own;

    lock(fd, F_OFD_SETLK, F_UNLCK, &own, i);
}

static bool is_locked(int fd, size_t i)
{
    struct flock other;

    return lock(fd, F_OFD_GETLK, F_WRLCK, &other, i) == 0 && other.l_type != F_UNLCK;
}

#define LOCK_SIZE 1 /* one page, which nothing reads */

/* Keeps the locks of fd until the process ends. A forked child does not inherit the mapping. */
static void keep_locks(int fd)
{
    void *page = mmap(NULL, LOCK_SIZE, PROT_NONE, MAP_SHARED, fd, 0);

    if (page != MAP_FAILED && madvise(page, LOCK_SIZE, MADV_DONTFORK) != 0)
        munmap(page, LOCK_SIZE);
}

/* Returns 0 if it is not known. */
static uint32_t pid_namespace(void)
{
    struct stat status;

    return stat("/proc/self/ns/pid", &status) == 0 ? (uint32_t)status.st_ino : 0;
}

/* ---- This process's slot ---- */

/* Moves the counts of one slot to another. */
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

    /* A slot with this process's ID was left before the container was restarted. */
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

/* Reads with a write: the first read of a page would also map fifteen pages around it, which count
 * as this process's memory. */
static int32_t pid_of(struct slot *slot)
{
    return atomic_fetch_add(&slot->pid, 0);
}

/* The process of a slot may live in another PID namespace, so its lock is checked first. A slot
 * that was never used is taken first: readers stop at the first of these. */
static bool lock_and_take(struct counting *here, size_t i, struct slot *so_far, int fd)
{
    struct slot *slot = &shared_memory()->slots[i];
    bool was_used = pid_of(slot) != 0;

    if (was_used && !lock_slot(fd, i))
        return false;
    if (!take(here, slot, so_far)) {
        unlock_slot(fd, i);
        return false;
    }
    if (!was_used)
        lock_slot(fd, i);
    return true;
}

/* so_far is what this process has counted in a file that was removed. */
static void claim(struct counting *here, struct slot *so_far)
{
    int fd = shared_fd();
    size_t i = 0;

    here->own = NULL;
    while (i < SLOTS && !lock_and_take(here, i, so_far, fd))
        i++;
    if (i < SLOTS)
        keep_locks(fd);
    else
        move(&here->alone, so_far);
    syscall(SYS_close, fd);
}

static void join(struct counting *here)
{
    struct slot so_far = {0};
    bool is_gone = is_shared_file_gone();

    if (is_gone)
        read_own(&so_far);
    if (((shared_memory() && !is_gone) || !open_shared_file()) && (!here->own || is_gone))
        claim(here, &so_far);
    here->next_check_ns = monotonic_ns() + CHECK_INTERVAL_NS;
}

/* A thread that ended at a cancellation point in here would leave busy set for ever. */
void join_shared(void)
{
    struct counting *here = counting_here();
    int error = errno, cancel_state;

    if (atomic_exchange(&here->busy, 1))
        return;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    join(here);
    here->busy = 0;
    pthread_setcancelstate(cancel_state, NULL);
    errno = error;
}

void check_shared(int64_t now_ns)
{
    if (now_ns >= counting_here()->next_check_ns)
        join_shared();
}

/* ---- Reading ---- */

/* The largest count that is reported. Any process of this user can write nonsense to the file, and
 * every JSON reader keeps numbers up to this one exact. */
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

/* Subtracts what the slot had counted for earlier processes. */
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

uint32_t read_all(struct slot *ret_sum)
{
    struct slot *own = counting_here()->own;
    struct shared *pool = shared_memory();
    uint32_t living = 0, namespace = pid_namespace();
    int fd;

    if (!own || is_truncated())
        return 0;
    fd = shared_fd();
    for (size_t i = 0; i < SLOTS && pool->slots[i].pid != 0; i++) {
        struct slot *slot = &pool->slots[i];

        add_slot(ret_sum, slot);
        living +=
            slot == own || is_locked(fd, i) ||
            (slot->pid_namespace == namespace && slot->pid != own->pid && !has_ended(slot->pid));
    }
    syscall(SYS_close, fd);
    return living;
}

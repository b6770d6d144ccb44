/*
 * resources.c - threads and address space for Go, taken before it starts.
 *
 * Go aborts its host where it cannot have a thread or memory, at its start and
 * at any time after: a limit may be lowered, others may use up what there was.
 * So all threads that it will want are made in advance and handed to it one by
 * one, and some address space is kept for when the system has none left.
 *
 * build.sh links with --wrap: what Go's C side calls as pthread_create and mmap
 * arrives here. Without that, both are the system's, and only the proof remains.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "door.h"

typedef void *thread_body(void *);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, thread_body *body,
                          void *argument);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
#pragma weak __real_pthread_create
#pragma weak __real_mmap
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, thread_body *body,
                          void *argument);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);

/* ---- Threads ---- */

/* What Go has at most: two that look after the others (sysmon, the one that
 * makes threads), one for each of GOMAXPROCS=2, and the writer's, which sleeps or
 * is in a system call. Two more, because a thread that gives its place up may not
 * be idle yet when the next one is wanted: of 1,400 processes under test, one in
 * twenty wanted a sixth and three a seventh. (With GOMAXPROCS=4, up to 26.) */
#define THREADS 7

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool dismissed;
    size_t made, given;
    struct {
        pthread_t id;
        thread_body *body; /* NULL: has nothing to do yet */
        void *argument;
    } thread[THREADS];
} crew;

static void *await_work(void *number)
{
    size_t i = (size_t)number;

    pthread_mutex_lock(&crew.lock);
    while (!crew.thread[i].body && !crew.dismissed)
        pthread_cond_wait(&crew.changed, &crew.lock);
    pthread_mutex_unlock(&crew.lock);
    return crew.thread[i].body ? crew.thread[i].body(crew.thread[i].argument) : NULL;
}

static int create(pthread_t *thread, const pthread_attr_t *attributes, thread_body *body,
                  void *argument)
{
    return (__real_pthread_create ? __real_pthread_create : pthread_create)(thread, attributes,
                                                                            body, argument);
}

static void dismiss(void)
{
    pthread_mutex_lock(&crew.lock);
    crew.dismissed = true;
    pthread_cond_broadcast(&crew.changed);
    pthread_mutex_unlock(&crew.lock);
    while (crew.made > 0)
        pthread_join(crew.thread[--crew.made].id, NULL);
}

/* In a child of a process that was at this point, the crew has the parent's state. */
static bool hire(void)
{
    pthread_mutex_init(&crew.lock, NULL);
    pthread_cond_init(&crew.changed, NULL);
    crew.made = crew.given = 0;
    crew.dismissed = false;
    while (crew.made < THREADS) {
        crew.thread[crew.made].body = NULL;
        if (create(&crew.thread[crew.made].id, NULL, await_work, (void *)crew.made) != 0)
            return false;
        crew.made++;
    }
    return true;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, thread_body *body,
                          void *argument)
{
    bool taken;

    pthread_mutex_lock(&crew.lock);
    taken = crew.given < crew.made;
    if (taken) {
        *thread = crew.thread[crew.given].id;
        crew.thread[crew.given].argument = argument;
        crew.thread[crew.given++].body = body;
        pthread_cond_broadcast(&crew.changed);
    }
    pthread_mutex_unlock(&crew.lock);
    return taken ? 0 : create(thread, attributes, body, argument);
}

/* ---- Address space ---- */

/* What Go reserves at its start for its heap's index and first arena, as counted
 * in VmSize (0.6 to 0.7 GiB), and what of it becomes writable. */
#define GO_RESERVES ((size_t)1 << 30)
#define GO_WRITES ((size_t)64 << 20)

/* For what it maps later. Its heap begins somewhere in an arena of 64 MiB, and so
 * may need the next one, which it maps with as much again to align it. Profiles
 * are not in its heap: one more is enough. */
#define KEPT ((size_t)256 << 20)

/* The end of it is writable, so that giving it back also makes room where RLIMIT_DATA or
 * vm.overcommit_memory=2 is what refuses. Go's heap and what it knows of it stay below that
 * (transmit.MemoryLimit); 32 MiB were not enough once. No page of it is ever touched. */
#define KEPT_WRITABLE ((size_t)64 << 20)

static char *kept;
static _Atomic size_t kept_size;

static void *map(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    return (__real_mmap ? __real_mmap : mmap)(address, size, protection, flags, fd, offset);
}

static bool can_map(void)
{
    void *space = map(NULL, GO_RESERVES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool enough;

    if (space == MAP_FAILED)
        return false;
    enough = mprotect(space, GO_WRITES, PROT_READ | PROT_WRITE) == 0;
    munmap(space, GO_RESERVES);
    return enough;
}

static bool keep_space(void)
{
    void *space = map(NULL, KEPT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (space == MAP_FAILED)
        return false;
    if (mprotect((char *)space + KEPT - KEPT_WRITABLE, KEPT_WRITABLE, PROT_READ | PROT_WRITE)) {
        munmap(space, KEPT);
        return false;
    }
    kept = space;
    kept_size = KEPT;
    return true;
}

/* Gives as much of the kept space back to the system, from its end, and returns
 * whether there was that much. */
static bool release(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (size + page - 1) / page * page;
    size_t before = kept_size;

    do {
        if (before < pages)
            return false;
    } while (!atomic_compare_exchange_weak(&kept_size, &before, before - pages));
    return munmap(kept + before - pages, pages) == 0;
}

/* Again and again, for another thread may take what was given back. */
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *space;

    do
        space = map(address, size, protection, flags, fd, offset);
    while (space == MAP_FAILED && errno == ENOMEM && release(size));
    return space;
}

bool take_resources(void)
{
    if (hire() && keep_space()) {
        if (can_map())
            return true;
        release(KEPT);
    }
    dismiss();
    return false;
}

/*
 * resources.c - reserve threads and address space for Go before it starts.
 *
 * Go aborts its host when it cannot get a thread or memory, at its start and at any later time: a
 * limit may be lowered, or other processes may use up what was left. So this file creates all
 * threads that Go will need in advance and hands them out one by one. It also reserves some address
 * space for when the system has none left.
 *
 * build.sh links with --wrap, so that the calls of pthread_create, malloc, free and mmap by Go's C
 * code arrive here. Without --wrap, the system functions are used and only the check before the
 * start remains.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "door.h"

typedef void *thread_body(void *);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, thread_body *body,
                          void *argument);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void __wrap_free(void *memory);
#pragma weak __real_pthread_create
#pragma weak __real_mmap
#pragma weak __real_malloc
#pragma weak __real_free
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, thread_body *body,
                          void *argument);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__real_malloc(size_t size);
void __real_free(void *memory);

/* ---- Threads ---- */

/* The most that Go uses: sysmon, the thread that creates threads, one for each of GOMAXPROCS=2, and
 * the writer's, which sleeps or is in a system call. Three more, because a thread that becomes free
 * may not be idle yet when Go wants the next one: of some thousand processes under test, one in
 * twenty wanted a sixth thread, three a seventh and two an eighth. (With GOMAXPROCS=4, up to 26.)
 */
#define THREADS 8

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_released;
    size_t created, taken;
    struct {
        pthread_t id;
        thread_body *body; /* NULL: not handed out yet */
        void *argument;
    } thread[THREADS];
} spare_threads;

static void *await_work(void *number)
{
    size_t i = (size_t)number;

    pthread_mutex_lock(&spare_threads.lock);
    while (!spare_threads.thread[i].body && !spare_threads.is_released)
        pthread_cond_wait(&spare_threads.changed, &spare_threads.lock);
    pthread_mutex_unlock(&spare_threads.lock);
    return spare_threads.thread[i].body
               ? spare_threads.thread[i].body(spare_threads.thread[i].argument)
               : NULL;
}

static int create(pthread_t *thread, const pthread_attr_t *attributes, thread_body *body,
                  void *argument)
{
    return (__real_pthread_create ? __real_pthread_create : pthread_create)(thread, attributes,
                                                                            body, argument);
}

static void release_threads(void)
{
    pthread_mutex_lock(&spare_threads.lock);
    spare_threads.is_released = true;
    pthread_cond_broadcast(&spare_threads.changed);
    pthread_mutex_unlock(&spare_threads.lock);
    while (spare_threads.created > 0)
        pthread_join(spare_threads.thread[--spare_threads.created].id, NULL);
}

/* Initializes everything, because a child that was forked at this point has the parent's state. */
static bool create_threads(void)
{
    pthread_mutex_init(&spare_threads.lock, NULL);
    pthread_cond_init(&spare_threads.changed, NULL);
    spare_threads.created = spare_threads.taken = 0;
    spare_threads.is_released = false;
    while (spare_threads.created < THREADS) {
        spare_threads.thread[spare_threads.created].body = NULL;
        if (create(&spare_threads.thread[spare_threads.created].id, NULL, await_work,
                   (void *)spare_threads.created) != 0)
            return false;
        spare_threads.created++;
    }
    return true;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, thread_body *body,
                          void *argument)
{
    bool is_left;

    pthread_mutex_lock(&spare_threads.lock);
    is_left = spare_threads.taken < spare_threads.created;
    if (is_left) {
        *thread = spare_threads.thread[spare_threads.taken].id;
        spare_threads.thread[spare_threads.taken].argument = argument;
        spare_threads.thread[spare_threads.taken++].body = body;
        pthread_cond_broadcast(&spare_threads.changed);
    }
    pthread_mutex_unlock(&spare_threads.lock);
    return is_left ? 0 : create(thread, attributes, body, argument);
}

/* ---- Some words of memory ---- */

/* Go's C code allocates the arguments of a thread that it starts (ThreadStart, 24 bytes). It aborts
 * the host if there is no memory for them. */
#define ARGUMENTS 64

static struct {
    _Alignas(max_align_t) char bytes[ARGUMENTS];
} spare_arguments[THREADS];
static _Atomic size_t arguments_taken;

static bool is_spare(const void *memory)
{
    return (uintptr_t)memory - (uintptr_t)spare_arguments < sizeof spare_arguments;
}

void *__wrap_malloc(size_t size)
{
    void *memory = (__real_malloc ? __real_malloc : malloc)(size);
    size_t i;

    if (memory || size > ARGUMENTS)
        return memory;
    i = atomic_fetch_add(&arguments_taken, 1);
    return i < THREADS ? spare_arguments[i].bytes : NULL;
}

void __wrap_free(void *memory)
{
    if (!is_spare(memory)) /* each is used once: Go starts no more threads */
        (__real_free ? __real_free : free)(memory);
}

/* ---- Address space ---- */

/* The address space that Go reserves at its start for its heap's index and first arena (0.6 to
 * 0.7 GiB of VmSize), and the part that becomes writable. */
#define GO_RESERVES ((size_t)1 << 30)
#define GO_WRITES ((size_t)64 << 20)

/* For Go's later maps. Its heap begins somewhere in an arena of 64 MiB, so it may need the next
 * arena, which it maps with as much again for alignment. Profiles are not in Go's heap, so one more
 * arena is enough. */
#define RESERVED ((size_t)256 << 20)

/* The end of the reserved space is writable, so that releasing it also helps where RLIMIT_DATA or
 * vm.overcommit_memory=2 is the limit. Go's heap and its metadata stay below this size
 * (transmit.MemoryLimit); 32 MiB were not enough once. No page of it is ever touched. */
#define RESERVED_WRITABLE ((size_t)64 << 20)

static char *reserved;
static _Atomic size_t reserved_size;

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

static bool reserve_space(void)
{
    void *space = map(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (space == MAP_FAILED)
        return false;
    if (mprotect((char *)space + RESERVED - RESERVED_WRITABLE, RESERVED_WRITABLE,
                 PROT_READ | PROT_WRITE)) {
        munmap(space, RESERVED);
        return false;
    }
    reserved = space;
    reserved_size = RESERVED;
    return true;
}

/* Returns size bytes of the reserved space to the system, from its end. Returns false if less is
 * left. */
static bool release_space(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (size + page - 1) / page * page;
    size_t before = reserved_size;

    do {
        if (before < pages)
            return false;
    } while (!atomic_compare_exchange_weak(&reserved_size, &before, before - pages));
    return munmap(reserved + before - pages, pages) == 0;
}

/* Repeats, because another thread may take the space that was just released. */
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *space;

    do
        space = map(address, size, protection, flags, fd, offset);
    while (space == MAP_FAILED && errno == ENOMEM && release_space(size));
    return space;
}

bool take_resources(void)
{
    if (create_threads() && reserve_space()) {
        if (can_map())
            return true;
        release_space(RESERVED);
    }
    release_threads();
    return false;
}

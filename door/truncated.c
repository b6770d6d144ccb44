/*
 * truncated.c - a process goes on when the file that it has mapped is truncated.
 *
 * Any process of the same user can truncate the shared counters, and the next
 * addition is a SIGBUS then. Neither a seal (only a memfd can have one) nor a look
 * at the size before each addition (it may change in between) prevents that. So a
 * handler of SIGBUS puts private memory, all zero, in the place of the lost pages,
 * and the addition is done again. Any other SIGBUS is passed on.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "door.h"

/* A file that was removed stays mapped. */
#define FILES 8

static struct {
    char *begin;
    size_t length;
} files[FILES];
static _Atomic size_t used;
static struct sigaction next;
static atomic_bool truncated;

bool is_truncated(void)
{
    return atomic_load_explicit(&truncated, memory_order_relaxed);
}

/* Without a handler: the access is tried again, and ends the process as if this were not here. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
    struct sigaction none = {.sa_handler = SIG_DFL};

    if (next.sa_flags & SA_SIGINFO)
        next.sa_sigaction(signal, info, context);
    else if (next.sa_handler != SIG_DFL && next.sa_handler != SIG_IGN)
        next.sa_handler(signal);
    else
        sigaction(signal, &none, NULL);
}

/* Returns FILES if the address is in none. */
static size_t find(const void *address)
{
    size_t i = 0;

    while (i < used && (uintptr_t)address - (uintptr_t)files[i].begin >= files[i].length)
        i++;
    return i < used ? i : FILES;
}

static void handle(int signal, siginfo_t *info, void *context)
{
    size_t i = find(info->si_addr);

    if (info->si_code != BUS_ADRERR || i == FILES ||
        mmap(files[i].begin, files[i].length, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        pass_on(signal, info, context);
    else
        atomic_store(&truncated, true);
}

bool survive_truncation(void *pages, size_t size)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    size_t i = used;

    if (i == FILES)
        return false;
    files[i].begin = pages;
    files[i].length = size;
    used = i + 1;
    sigfillset(&action.sa_mask);
    if (i == 0)
        sigaction(SIGBUS, &action, &next);
    return true;
}

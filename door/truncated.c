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

static char *begin;
static size_t length;
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

static void handle(int signal, siginfo_t *info, void *context)
{
    uintptr_t offset = (uintptr_t)info->si_addr - (uintptr_t)begin;

    if (info->si_code != BUS_ADRERR || offset >= length ||
        mmap(begin, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) == MAP_FAILED)
        pass_on(signal, info, context);
    else
        atomic_store(&truncated, true);
}

void survive_truncation(void *pages, size_t size)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    begin = pages;
    length = size;
    sigfillset(&action.sa_mask);
    sigaction(SIGBUS, &action, &next);
}

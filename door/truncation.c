/*
 * truncation.c - survive the truncation of a mapped file.
 *
 * Any process of the same user can truncate the file of the shared counters. The next addition
 * would then raise SIGBUS. A seal does not help, because only a memfd can have one. Checking the
 * size before each addition does not help either, because it may change in between. So a handler of
 * SIGBUS replaces the lost pages by private memory, all zero, and the addition is repeated. The
 * handler passes on every other SIGBUS.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "door.h"

/* Removed files stay mapped and count. */
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

/* If the host has no handler, the access is repeated without ours, and ends the process. */
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

/* Returns FILES if the address is in no file. */
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
    if (i == 0) {
        sigaction(SIGBUS, NULL, &next); /* before a SIGBUS of another thread needs it */
        sigaction(SIGBUS, &action, &next);
    }
    return true;
}

/*
 * id.c - the "id" in _meta, by which a receiver recognizes a profile that it gets twice.
 *
 * A process takes a first random number from the system and adds a fixed step for each profile,
 * because a system call for each would cost a tenth of the send. A forked child takes its own first
 * number. The step is odd, so the sequence repeats after 2^64 numbers only. The mixing (splitmix64)
 * is a bijection, so the ids do not repeat earlier.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "door.h"

#define STEP 0x9e3779b97f4a7c15u

/* Never 0. Early in a machine's start there are no random numbers: then uses the clock and process
 * ID. */
static uint64_t draw(void)
{
    uint64_t number;

    if (syscall(SYS_getrandom, &number, sizeof number, GRND_NONBLOCK) != sizeof number)
        number = (uint64_t)monotonic_ns() ^ ((uint64_t)getpid() << 40);
    return number | 1;
}

static uint64_t next_number(void)
{
    _Atomic uint64_t *ids = ids_here();
    uint64_t none = 0;

    if (!ids)
        return draw();
    if (atomic_load_explicit(ids, memory_order_relaxed) == 0)
        atomic_compare_exchange_strong(ids, &none, draw());
    return atomic_fetch_add_explicit(ids, STEP, memory_order_relaxed);
}

static uint64_t mix(uint64_t number)
{
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9u;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebu;
    return number ^ (number >> 31);
}

char *append_id(char *end)
{
    uint64_t id = mix(next_number());

    for (int shift = 4 * (ID_DIGITS - 1); shift >= 0; shift -= 4)
        *end++ = "0123456789abcdef"[id >> shift & 15];
    return end;
}

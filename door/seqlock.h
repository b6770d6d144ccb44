/*
 * seqlock.h - what Go publishes and C reads: one writer at a time, readers that
 * never wait. A reader copies, and then asks whether what it has is of one piece.
 */
#ifndef SEQLOCK_H
#define SEQLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Holds so many bytes, a multiple of eight. */
#define SEQLOCK(size)                                                                              \
    struct {                                                                                       \
        _Atomic uint32_t version; /* odd while it changes */                                       \
        _Atomic uint64_t word[(size) / sizeof(uint64_t)];                                          \
    }

/* seqlock_write - replaces all of it; size as that of the SEQLOCK. */
static inline void seqlock_write(_Atomic uint32_t *version, _Atomic uint64_t *word,
                                 const void *from, size_t size)
{
    uint32_t old = atomic_load_explicit(version, memory_order_relaxed);

    atomic_store_explicit(version, old + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i * sizeof *word < size; i++) {
        uint64_t one;

        memcpy(&one, (const char *)from + i * sizeof one, sizeof one);
        atomic_store_explicit(&word[i], one, memory_order_relaxed);
    }
    atomic_store_explicit(version, old + 2, memory_order_release);
}

/* seqlock_begin - to be given to seqlock_is_whole() when all is read. */
static inline uint32_t seqlock_begin(const _Atomic uint32_t *version)
{
    return atomic_load_explicit(version, memory_order_acquire);
}

/* seqlock_read - copies the words that hold the bytes from one offset to another to
 * the same offsets of to. */
static inline void seqlock_read(void *to, const _Atomic uint64_t *word, size_t from, size_t until)
{
    for (size_t i = from / sizeof *word; i * sizeof *word < until; i++) {
        uint64_t one = atomic_load_explicit(&word[i], memory_order_relaxed);

        memcpy((char *)to + i * sizeof one, &one, sizeof one);
    }
}

static inline bool seqlock_is_whole(const _Atomic uint32_t *version, uint32_t begun)
{
    atomic_thread_fence(memory_order_acquire);
    return begun % 2 == 0 && begun == atomic_load_explicit(version, memory_order_relaxed);
}

#endif

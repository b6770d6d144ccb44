/*
 * note.c - what all processes of a user know of a listener: until when nobody waits for it,
 * and when which log line about it is due.
 *
 * Notes are found by a key. When there are as many as can be, a new one takes the place of the
 * one that was used the longest time ago, so no number of listeners that are gone, or of a
 * neighbour's, keeps others out.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "door.h"

uint64_t note_key(const char *path, size_t len, uint64_t about)
{
    uint64_t key = 0xcbf29ce484222325u ^ about; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        key = (key ^ (unsigned char)path[i]) * 0x100000001b3u;
    return key | 1;
}

/* A time in the future is another clock's (a container that was moved), or a damaged file's. */
static int64_t age(struct note *note, int64_t now_ns)
{
    int64_t used_ns = note->used_ns;

    return used_ns > now_ns || used_ns < 0 ? INT64_MAX : now_ns - used_ns;
}

/* The note of the key, else a free one, else the oldest. */
static struct note *place(struct note *notes, uint64_t key, int64_t now_ns)
{
    struct note *oldest = &notes[key % NOTES];

    for (size_t i = 0; i < NOTES; i++) {
        struct note *note = &notes[(key + i) % NOTES];

        if (note->key == key || note->key == 0)
            return note;
        if (age(note, now_ns) > age(oldest, now_ns))
            oldest = note;
    }
    return oldest;
}

static bool claim(struct note *note, uint64_t key)
{
    uint64_t before = note->key;

    if (before == key)
        return true;
    /* First: whoever finds the key finds nothing of another's. */
    for (size_t i = 0; i < NOTE_STATES; i++)
        note->state[i] = 0;
    return atomic_compare_exchange_strong(&note->key, &before, key) || before == key;
}

struct note *find_note(struct note *notes, uint64_t key, int64_t now_ns, int64_t *ret_age_ns)
{
    struct note *note;

    do {
        note = place(notes, key, now_ns);
    } while (!claim(note, key)); /* another process was faster */
    *ret_age_ns = age(note, now_ns);
    note->used_ns = now_ns;
    return note;
}

int64_t *transmit_wait_state(const char *path, size_t len)
{
    struct pool *shared = shared_pool();
    int64_t age_ns;

    if (!shared)
        return NULL;
    return (int64_t *)find_note(shared->notes, note_key(path, len, ABOUT_WAITING), monotonic_ns(),
                                &age_ns)
        ->state;
}

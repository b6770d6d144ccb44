/*
 * note.c - what the processes of a user share about a listener: its back-off, and when each log
 * line about it is due.
 *
 * A key identifies a note. When all notes are taken, a new one replaces the one that was used least
 * recently. So listeners that are gone, or those of other sites, cannot use up all notes.
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

/* A time in the future comes from another clock (a container that was moved) or a damaged file. */
static int64_t age(struct note *note, int64_t now_ns)
{
    int64_t used_ns = note->used_ns;

    return used_ns > now_ns || used_ns < 0 ? INT64_MAX : now_ns - used_ns;
}

/* Returns the note of the key, else a free one, else the least recently used one. */
static struct note *look_up(struct note *notes, uint64_t key, int64_t now_ns)
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
    /* Before the key is set, so that a process that finds the key finds no other listener's state.
     */
    for (size_t i = 0; i < NOTE_STATES; i++)
        note->state[i] = 0;
    return atomic_compare_exchange_strong(&note->key, &before, key) || before == key;
}

struct note *find_note(struct note *notes, uint64_t key, int64_t now_ns, int64_t *ret_age_ns)
{
    struct note *note;

    do {
        note = look_up(notes, key, now_ns);
    } while (!claim(note, key)); /* another process was faster */
    *ret_age_ns = age(note, now_ns);
    note->used_ns = now_ns;
    return note;
}

int64_t *transmit_wait_state(const char *path, size_t len)
{
    struct shared *shared = shared_memory();
    int64_t age_ns;

    if (!shared)
        return NULL;
    return (int64_t *)find_note(shared->notes, note_key(path, len, ABOUT_WAITING), monotonic_ns(),
                                &age_ns)
        ->state;
}

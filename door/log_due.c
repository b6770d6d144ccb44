/* log_due.c - transmit_log_due: how often a result may be logged. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "door.h"

#define FIRST_PAUSE_NS ((int64_t)60 * 1000000000)
#define LONGEST_PAUSE_NS ((int64_t)3600 * 1000000000)

/* What a line's note holds. */
enum { NEXT_NS, PAUSE_NS, SUPPRESSED };

/* For a process that shares none. */
static struct note own[NOTES];

/* All processes of a user share the lines, also those that never start Go: an outage is one
 * line of all of them. Sites with other listeners have lines of their own. */
static struct note *line(int32_t result, const char *path, int64_t now_ns, int64_t *ret_quiet_ns)
{
    uint64_t key = note_key(path, strlen(path), (uint32_t)result);

    look_after_pool(now_ns);
    return find_note(shared_pool() ? shared_pool()->notes : own, key, now_ns, ret_quiet_ns);
}

static bool is_due(struct note *line, int64_t quiet_ns, int64_t now_ns)
{
    int64_t next_ns = line->state[NEXT_NS];
    int64_t pause_ns = line->state[PAUSE_NS] * 2;
    /* Another clock has set it (a container that was moved), or a damaged file. */
    bool is_nonsense = next_ns > now_ns + LONGEST_PAUSE_NS || pause_ns < 0;

    if (next_ns == 0 || quiet_ns > LONGEST_PAUSE_NS || is_nonsense)
        pause_ns = FIRST_PAUSE_NS;
    else if (now_ns < next_ns)
        return false;
    if (pause_ns > LONGEST_PAUSE_NS)
        pause_ns = LONGEST_PAUSE_NS;
    /* Of several at once, one writes the line. */
    if (!atomic_compare_exchange_strong(&line->state[NEXT_NS], &next_ns, now_ns + pause_ns))
        return false;
    line->state[PAUSE_NS] = pause_ns;
    return true;
}

int64_t transmit_log_due_for(int32_t result, const char *socket_path)
{
    int error = errno;
    int64_t quiet_ns, now_ns = monotonic_ns();
    struct note *note = line(result, socket_path ? socket_path : "", now_ns, &quiet_ns);
    int64_t suppressed = -1;

    if (is_due(note, quiet_ns, now_ns))
        suppressed = atomic_exchange(&note->state[SUPPRESSED], 0) & UINT32_MAX;
    else
        atomic_fetch_add(&note->state[SUPPRESSED], 1);
    errno = error;
    return suppressed;
}

int32_t transmit_log_due(int32_t result, uint32_t *ret_suppressed)
{
    const struct target *target = get_target();

    int64_t suppressed = transmit_log_due_for(result, target ? target->socket_path : NULL);

    if (ret_suppressed)
        *ret_suppressed = suppressed < 0 ? 0 : (uint32_t)suppressed;
    return suppressed >= 0;
}

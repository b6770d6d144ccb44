/* log_due.c - transmit_log_due: how often a result may be logged. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "door.h"

#define FIRST_PAUSE_NS ((int64_t)60 * 1000000000)
#define LONGEST_PAUSE_NS ((int64_t)3600 * 1000000000)

/* The states of a log line's note. */
enum { NEXT_NS, PAUSE_NS, SUPPRESSED };

/* Used while this process shares no notes. */
static struct note own[NOTES];

/* All processes of a user share the notes, so an outage is one log line for all of them. Each
 * listener has its own. */
static struct note *line(int32_t result, const char *path, int64_t now_ns, int64_t *ret_quiet_ns)
{
    uint64_t key = note_key(path, strlen(path), (uint32_t)result);

    check_shared(now_ns);
    return find_note(shared_memory() ? shared_memory()->notes : own, key, now_ns, ret_quiet_ns);
}

static bool is_due(struct note *line, int64_t quiet_ns, int64_t now_ns)
{
    int64_t next_ns = line->state[NEXT_NS];
    int64_t pause_ns = line->state[PAUSE_NS] * 2;
    /* Set by another clock (a container that was moved), or in a damaged file. */
    bool is_nonsense = next_ns > now_ns + LONGEST_PAUSE_NS || pause_ns < 0;

    if (next_ns == 0 || quiet_ns > LONGEST_PAUSE_NS || is_nonsense)
        pause_ns = FIRST_PAUSE_NS;
    else if (now_ns < next_ns)
        return false;
    if (pause_ns > LONGEST_PAUSE_NS)
        pause_ns = LONGEST_PAUSE_NS;
    /* Of several processes, one writes the line. */
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

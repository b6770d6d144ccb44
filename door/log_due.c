/* log_due.c - transmit_log_due: how often a result may be logged. */
#include <errno.h>
#include <stdatomic.h>

#include "door.h"

#define FIRST_PAUSE_NS ((int64_t)60 * 1000000000)
#define LONGEST_PAUSE_NS ((int64_t)3600 * 1000000000)

/* For a process that shares none. */
static struct line own[RESULTS];

/* All processes of a user share the lines, also those that never start Go: an outage is one
 * line of all of them. */
static struct line *lines(int64_t now_ns)
{
    look_after_pool(now_ns);
    return shared_pool() ? shared_pool()->lines : own;
}

/* What lies outside shares the first place. */
static size_t place(int32_t result)
{
    return result > -64 && result < 64 ? (size_t)(result + 63) : 0;
}

static bool is_due(struct line *line, int64_t now_ns)
{
    int64_t next_ns = line->next_ns;
    int64_t pause_ns = line->pause_ns * 2;
    int64_t quiet_ns = now_ns - atomic_exchange(&line->seen_ns, now_ns);
    /* Another clock has set it (a container that was moved), or a damaged file. */
    bool is_nonsense = next_ns > now_ns + LONGEST_PAUSE_NS || pause_ns < 0;

    if (next_ns == 0 || quiet_ns > LONGEST_PAUSE_NS || is_nonsense)
        pause_ns = FIRST_PAUSE_NS;
    else if (now_ns < next_ns)
        return false;
    if (pause_ns > LONGEST_PAUSE_NS)
        pause_ns = LONGEST_PAUSE_NS;
    /* Of several at once, one writes the line. */
    if (!atomic_compare_exchange_strong(&line->next_ns, &next_ns, now_ns + pause_ns))
        return false;
    line->pause_ns = pause_ns;
    return true;
}

int32_t transmit_log_due(int32_t result, uint32_t *ret_suppressed)
{
    int error = errno;
    int64_t now_ns = monotonic_ns();
    struct line *line = &lines(now_ns)[place(result)];
    bool due = is_due(line, now_ns);
    uint32_t suppressed = due ? atomic_exchange(&line->suppressed, 0) : 0;

    if (!due)
        atomic_fetch_add(&line->suppressed, 1);
    if (ret_suppressed)
        *ret_suppressed = suppressed;
    errno = error;
    return due;
}

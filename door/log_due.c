/* log_due.c - transmit_log_due: how often a result may be logged. */
#include <stdatomic.h>

#include "door.h"

#define FIRST_PAUSE_NS ((int64_t)60 * 1000000000)
#define LONGEST_PAUSE_NS ((int64_t)3600 * 1000000000)

/* Results -63 to 63; what lies outside shares the first place. */
#define RESULTS 127

static struct {
    _Atomic int64_t next_ns;  /* when the next line is due; 0: never had one */
    _Atomic int64_t pause_ns; /* between the last line and that */
    _Atomic int64_t seen_ns;  /* when the result last occurred */
    _Atomic uint32_t suppressed;
} logged[RESULTS];

static size_t place(int32_t result)
{
    return result > -64 && result < 64 ? (size_t)(result + 63) : 0;
}

int32_t transmit_log_due(int32_t result, uint32_t *ret_suppressed)
{
    size_t i = place(result);
    int64_t now_ns = monotonic_ns();
    int64_t next_ns = logged[i].next_ns;
    int64_t pause_ns = logged[i].pause_ns * 2;
    int64_t quiet_ns = now_ns - atomic_exchange(&logged[i].seen_ns, now_ns);

    if (next_ns == 0 || quiet_ns > LONGEST_PAUSE_NS)
        pause_ns = FIRST_PAUSE_NS;
    else if (now_ns < next_ns)
        goto not_due;
    if (pause_ns > LONGEST_PAUSE_NS)
        pause_ns = LONGEST_PAUSE_NS;
    /* Of several threads at once, one writes the line. */
    if (!atomic_compare_exchange_strong(&logged[i].next_ns, &next_ns, now_ns + pause_ns))
        goto not_due;
    logged[i].pause_ns = pause_ns;
    if (ret_suppressed)
        *ret_suppressed = atomic_exchange(&logged[i].suppressed, 0);
    return 1;

not_due:
    atomic_fetch_add(&logged[i].suppressed, 1);
    if (ret_suppressed)
        *ret_suppressed = 0;
    return 0;
}

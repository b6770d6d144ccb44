/* clock.c - preloaded into a host whose clock was never set. The clock begins in 2000, or at the
 * second CLOCK. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    const char *start = getenv("CLOCK");
    int result = (int)syscall(SYS_clock_gettime, clock, ret_now);

    if (clock == CLOCK_REALTIME)
        ret_now->tv_sec = (start ? atol(start) : 946684800) + ret_now->tv_sec % 100;
    return result;
}

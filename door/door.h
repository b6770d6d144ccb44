/* door.h - what the C and the Go side of the front door share. */
#ifndef DOOR_H
#define DOOR_H

#define TRANSMIT_VERSION "1.0.0"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/transmit.h"

/* One call on its way from C to Go. */
struct call {
    const char *json;
    size_t len;
    const char *socket_path; /* NULL: as configured */
    uint32_t flags;
    uint32_t timeout_us; /* 0: as configured */
    uint32_t max_files;  /* 0: no limit */
    bool is_last;        /* the process ends */
    int64_t spent_ns;    /* how long the call took already, by starting Go */
    char *ret_error;     /* room for transmit_last_error's text, NUL included */
    size_t ret_error_size;
};

/* What Go answers: export.go has them. */
int32_t transmitSend(struct call *call);
int32_t transmitConfigure(struct call *call);
int32_t transmitFlush(struct call *call);
int32_t transmitReplay(struct call *call);

/* start_go - start the Go runtime unless it runs. Returns 0 or a negative
 * result; adds the time that it took to *ret_spent_ns, and blocks until that
 * is budget_ns at most. Asynchronous signals must be blocked. */
int32_t start_go(int64_t budget_ns, int64_t *ret_spent_ns);

/* go_runs_here - whether it runs in this very process. */
bool go_runs_here(void);

/* take_resources - hold ready what Go needs of the host, for now and for later.
 * Returns false, and holds nothing, if that cannot be had. */
bool take_resources(void);

/* ---- A send without Go: try_send.c, target.c ---- */

/* What transmit_try_send is given. */
struct attempt {
    const char *json;
    size_t len;
    uint32_t flags;
    const char *socket_path;
    const char *meta; /* what _meta has between its time and version; NULL: nothing */
    size_t max_datagram_size;
};

/* try_send - returns whether the profile is sent; otherwise nothing has happened. */
bool try_send(const struct attempt *attempt);

/* transmit_want_sends - from now on, try_send leaves all to Go, which runs, or
 * does not; one call at a time, Go's. */
void transmit_want_sends(int32_t wants);

#define MAX_PATH 107      /* what a socket's address has room for, less the NUL */
#define MAX_META_TEXT 256 /* bytes of struct attempt's meta */

/* What the settings say about a send without Go. */
struct target {
    char socket_path[MAX_PATH + 1];
    char meta[MAX_META_TEXT + 1];
    uint64_t max_datagram_size;
};

/* transmit_set_target - the settings have changed; one call at a time, Go's. */
void transmit_set_target(const struct target *target);

/* get_target - what holds now; NULL: only Go knows. Never changes or goes away. */
const struct target *get_target(void);

#define KEPT_SOCKETS 4 /* sockets that are kept at most */

/* A kept socket. */
struct kept {
    _Atomic uint32_t state; /* the path may be read when it is READY */
    _Atomic int fd;         /* 0: none yet */
    char path[MAX_PATH + 1];
};

enum { EMPTY, CLAIMED, READY };

/* kept_sockets - those of this very process, all zero at first; NULL: none can be
 * kept, for a forked child would not know them from its own. */
struct kept *kept_sockets(void);

/* Go calls this, on a thread of its own, when it can take calls. */
void transmit_go_runs(void);

/* append_id - writes the id of one more profile, ID_DIGITS hexadecimal digits, to
 * end. Returns what is behind them. Makes no system call but in the first call. */
#define ID_DIGITS 16
char *append_id(char *end);

/* ids_here - where this very process counts its ids: 0 until it has any, also in a
 * forked child. NULL: nothing can tell a child. */
_Atomic uint64_t *ids_here(void);

/* go_state - "not started", "runs", or what is wrong with how it was built: see transmit_stats. */
const char *go_state(void);

/* ---- Statistics: stats.c, pool.c ---- */

/* Where a slot has what. Results come first: see place() in stats.c. */
enum counter {
    LAST_RESULT = TRANSMIT_PENDING - TRANSMIT_ETIMEDOUT,
    SENT_BYTES,
    BUFFERED_BYTES,
    LATENCY_SUM_US,
    /* Events that Go tells of, see transmit/count.go */
    SHRUNK,
    WAITS_IN_VAIN,
    CONNECTS,
    REPLAYED,
    WRITTEN_LATER,
    LOST_LATER,
    LATENCY,
    LATENCIES = 20, /* up to 2^18 us, and the rest */
    COUNTERS = LATENCY + LATENCIES
};

/* What one process has counted. */
struct slot {
    _Atomic int32_t pid;          /* 0: nobody's yet */
    _Atomic int64_t last_failure; /* unix seconds * 256 + the result's place; 0: none */
    _Atomic uint64_t counter[COUNTERS];
    _Atomic int64_t last_sent; /* unix seconds; 0: never */
} __attribute__((aligned(64)));

/* count_send - one profile's result, its size, and how long the call took. */
void count_send(int32_t result, size_t len, int64_t ns);

/* transmit_count - one of the events above; Go calls this. */
void transmit_count(int32_t event);

/* open_pool - get this process a slot, unless it has one. */
void open_pool(void);
const char *pool_error(void);

/* survive_truncation - from now on, these pages of a file may be truncated: private
 * memory then takes their place. Called once. is_truncated - whether that happened. */
void survive_truncation(void *pages, size_t size);
bool is_truncated(void);

/* own_slot - NULL: there is none. */
struct slot *own_slot(void);

/* add_slot - add one's counts to a sum; read_own, this process's; read_pool, all
 * of them, which returns how many processes live, 0 if there is no pool. */
void add_slot(struct slot *sum, const struct slot *slot);
void read_own(struct slot *ret_sum);
uint32_t read_pool(struct slot *ret_sum);

/* monotonic_ns - CLOCK_MONOTONIC in nanoseconds. */
int64_t monotonic_ns(void);

#endif

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
    int64_t began_ns;    /* when the caller called, by monotonic_ns() */
    char *ret_error;     /* room for transmit_last_error's text, NUL included */
    size_t ret_error_size;
};

/* What Go answers: export.go has them. */
int32_t transmitSend(struct call *call);
int32_t transmitConfigure(struct call *call);
int32_t transmitFlush(struct call *call);
int32_t transmitReplay(struct call *call);

/* start_go - start the Go runtime unless it runs. Returns 0 or a negative
 * result; blocks for budget_ns at most. Asynchronous signals must be blocked. */
int32_t start_go(int64_t budget_ns);

/* go_runs_here - whether it runs in this very process. */
bool go_runs_here(void);

/* take_resources - hold ready what Go needs of the host, for now and for later.
 * Returns false, and holds nothing, if that cannot be had. */
bool take_resources(void);

/* ---- A send without Go: try_send.c, kept.c, target.c ---- */

/* What transmit_try_send is given. */
struct attempt {
    const char *json;
    size_t len;
    uint32_t flags;
    const char *socket_path;
    const char *meta; /* what _meta has between its time and version; NULL: nothing */
    size_t max_datagram_size;
    int64_t began_ns; /* when the caller called, by monotonic_ns() */
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

/* A document as it goes out, in one datagram. */
struct datagram {
    const char *head, *tail;
    size_t head_len, tail_len;
};

/* send_to - one attempt by the socket that is kept for the path, or by a new one. */
bool send_to(const char *path, const struct datagram *text, int64_t now_ns);

#define KEPT_SOCKETS 4 /* sockets that are kept at most */

/* A kept socket. */
struct kept {
    _Atomic uint32_t state; /* the path may be read when it is READY */
    _Atomic int fd;         /* 0: none yet */
    _Atomic uint64_t file;  /* what the path was when it was connected: file_at() */
    _Atomic int64_t next_look_ns;
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

/* ---- Statistics: stats.c, slot.c ---- */

/* Where a slot has what. Results come first: see place() in stats.c. */
enum counter {
    LAST_RESULT = TRANSMIT_PENDING - TRANSMIT_ETIMEDOUT,
    SENT_BYTES,
    BUFFERED_BYTES,
    LATENCY_SUM_US,
    /* Events that Go tells of, see transmit/counter.go */
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
    _Atomic int32_t pid; /* 0: nobody's yet */
    _Atomic uint32_t pid_namespace;
    _Atomic int64_t last_failure; /* unix seconds * 256 + the result's place; 0: none */
    _Atomic uint64_t counter[COUNTERS];
    _Atomic int64_t last_sent; /* unix seconds; 0: never */
} __attribute__((aligned(64)));

/* count_send - one profile's result, its size, and when the call began. */
void count_send(int32_t result, size_t len, int64_t began_ns);

/* transmit_count - one of the events above; Go calls this. */
void transmit_count(int32_t event);

/* What counts for this very process. A forked child finds it all zero. */
struct counting {
    struct slot *_Atomic own; /* NULL: it has none */
    struct slot alone;        /* what it has counted without one */
    struct slot before;       /* what own had counted when it became its own */
    int32_t pid;
    _Atomic uint32_t busy; /* a thread is opening the pool */
    _Atomic int64_t next_look_ns;
};

/* counting_here - never NULL: start.c. */
struct counting *counting_here(void);

/* open_pool - get this process a slot, unless it has one that is in use; look_after_pool, at
 * most once a second. Nobody waits. pool_error - why it has none. */
void open_pool(void);
void look_after_pool(int64_t now_ns);
const char *pool_error(void);

/* add_slot - add one's counts to a sum; read_own, this process's; read_pool, all
 * of them, which returns how many processes live, 0 if there is no pool. */
void add_slot(struct slot *sum, const struct slot *slot);
void read_own(struct slot *ret_sum);
uint32_t read_pool(struct slot *ret_sum);

/* ---- What all processes of a user share: pool.c, note.c, log_due.c ---- */

#define NOTE_STATES 3

struct note {
    _Atomic uint64_t key; /* 0: nobody's yet */
    _Atomic int64_t used_ns;
    _Atomic int64_t state[NOTE_STATES]; /* all 0 at first; log_due.c, transmit/backoff.go */
};

#define NOTES 256
#define SLOTS 512

struct pool {
    _Atomic uint64_t layout;
    struct note notes[NOTES];
    struct slot slots[SLOTS];
};

/* note_key - of a listener's path, and what the note is about: a result, or this. */
#define ABOUT_WAITING ((uint64_t)1 << 32)
uint64_t note_key(const char *path, size_t len, uint64_t about);

/* find_note - the note of a key, made if need be; and how long ago it was last used. Lasts for
 * one call: it may become another key's. */
struct note *find_note(struct note *notes, uint64_t key, int64_t now_ns, int64_t *ret_age_ns);

/* shared_pool - NULL: not opened yet, or it cannot be. */
struct pool *shared_pool(void);

/* open_shared_file - returns NULL or why not; is_shared_file_gone, whether somebody has removed
 * it; shared_file, a descriptor of it, or -1. One thread at a time. */
const char *open_shared_file(void);
bool is_shared_file_gone(void);
int shared_file(void);
const char *pool_problem(void);

/* transmit_wait_state - the note of the back-off of the listener at a path; NULL: none is shared.
 * Go calls it. */
int64_t *transmit_wait_state(const char *path, size_t len);

/* survive_truncation - from now on, these pages of a file may be truncated: private memory then
 * takes their place. Returns false if too many are. is_truncated - whether that happened. */
bool survive_truncation(void *pages, size_t size);
bool is_truncated(void);

/* monotonic_ns - CLOCK_MONOTONIC in nanoseconds. */
int64_t monotonic_ns(void);

#endif

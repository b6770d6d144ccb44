/* counters.h - the counters of transmit_stats, and the file in which all processes of a user share
 * them. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/transmit.h"
#include "results.h"

/* A result's counter: those of 0 to TRANSMIT_PENDING first, then -1, -2 and so on. */
#define RESULT_COUNTER(result) ((result) >= 0 ? (result) : TRANSMIT_PENDING - (result))

/* As large as the largest counter of a result. */
union result_counters {
#define ROOM(result, name, text) char of_##result[RESULT_COUNTER(TRANSMIT_##result)];
    COUNTED_RESULTS(ROOM)
#undef ROOM
};

/* The counters in a slot: results come first. */
enum counter {
    LAST_RESULT = sizeof(union result_counters),
#define COUNTER(counter, name) counter,
    C_COUNTERS(COUNTER) LATENCY_SUM_US,
    GO_COUNTERS(COUNTER) LATENCY,
#undef COUNTER
    LATENCIES = 20, /* up to 2^18 us, and the rest */
    COUNTERS = LATENCY + LATENCIES
};

/* What one process has counted. */
struct slot {
    _Atomic int32_t pid; /* 0: never used */
    _Atomic uint32_t pid_namespace;
    _Atomic int64_t last_failure; /* unix seconds * 256 + the result's counter; 0: none */
    _Atomic uint64_t counter[COUNTERS];
    _Atomic int64_t last_sent; /* unix seconds; 0: never */
} __attribute__((aligned(64)));

/* count_send - count one call: its result, the profile's size, and when the call began. */
void count_send(int32_t result, size_t len, int64_t began_ns);

/* transmit_count - add one to a counter. Go calls this, too. */
void transmit_count(int32_t event);

/* Where this process counts. A forked child reads all of it as zero. */
struct counting {
    struct slot *_Atomic own; /* its slot of the shared file; NULL: none */
    struct slot alone;        /* used while own is NULL */
    struct slot before;       /* counts in own from earlier processes */
    int32_t pid;
    _Atomic uint32_t busy; /* a thread is in join_shared */
    _Atomic int64_t next_check_ns;
};

/* counting_here - never NULL: start.c. */
struct counting *counting_here(void);

/* join_shared - get a slot of the shared file for this process, unless it has one. Does not wait.
 * check_shared - the same, at most once a second.
 * shared_error - why this process has no slot. */
void join_shared(void);
void check_shared(int64_t now_ns);
const char *shared_error(void);

/* add_slot - add the counts of a slot to a sum.
 * read_own - the counts of this process.
 * read_all - the sum of all slots. Returns how many processes live; 0 without a shared file. */
void add_slot(struct slot *sum, const struct slot *slot);
void read_own(struct slot *ret_sum);
uint32_t read_all(struct slot *ret_sum);

/* ---- The file that all processes of a user share: shared.c, note.c, log_due.c ---- */

#define NOTE_STATES 3

/* What the processes share about one listener. */
struct note {
    _Atomic uint64_t key; /* 0: free */
    _Atomic int64_t used_ns;
    _Atomic int64_t state[NOTE_STATES]; /* all 0 at first; for log_due.c or transmit/backoff.go */
};

#define NOTES 256
#define SLOTS 512

struct shared {
    _Atomic uint64_t layout;
    struct note notes[NOTES];
    struct slot slots[SLOTS];
};

/* note_key - the key of a note: the listener's path, and either a result or ABOUT_WAITING. */
#define ABOUT_WAITING ((uint64_t)1 << 32)
uint64_t note_key(const char *path, size_t len, uint64_t about);

/* find_note - find or make the note of a key. ret_age_ns is the time since its last use. Use the
 * note for one call only: it may get another key later. */
struct note *find_note(struct note *notes, uint64_t key, int64_t now_ns, int64_t *ret_age_ns);

/* shared_memory - the mapped file; NULL: not opened yet, or it cannot be. */
struct shared *shared_memory(void);

/* open_shared_file - open and map the file. Returns NULL or why not.
 * is_shared_file_gone - whether the file was removed.
 * shared_fd - a new descriptor of it, to be closed; -1: it was removed, or it cannot be opened.
 * One thread at a time may call the first two.
 * shared_problem - why it is not open. */
const char *open_shared_file(void);
bool is_shared_file_gone(void);
int shared_fd(void);
const char *shared_problem(void);

/* transmit_wait_state - the shared back-off of the listener at a path; NULL: none is shared. Go
 * calls this. */
int64_t *transmit_wait_state(const char *path, size_t len);

/* survive_truncation - replace these pages by private memory if their file is truncated later.
 * Returns false if there are too many such files. is_truncated - whether that has happened. */
bool survive_truncation(void *pages, size_t size);
bool is_truncated(void);

#endif

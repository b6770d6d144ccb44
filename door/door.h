/* door.h - calls from C to Go, the start of Go, and the send without Go. See docs/internals.md for
 * the threads on which these functions run. */
#ifndef DOOR_H
#define DOOR_H

#define TRANSMIT_VERSION "1.0.0"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/transmit.h"
#include "counters.h"

#define MAX_PATH 107 /* length of the longest path of a socket, without the NUL */

/* The arguments of one call from C to Go. */
struct call {
    const char *json;
    size_t len;
    const char *settings; /* of this call, as for transmit_configure; NULL: the current ones */
    size_t settings_len;
    char *ret_listener; /* NULL, or MAX_PATH + 1 bytes of zeros for the listener of the settings */
    const char *socket_path; /* NULL: as configured */
    uint32_t flags;
    uint32_t timeout_us; /* 0: as configured */
    uint32_t max_files;  /* 0: no limit */
    bool is_last;        /* the process ends after this call */
    int64_t began_ns;    /* when the caller called, by monotonic_ns() */
    char *ret_error;     /* Go writes the text of transmit_last_error here, with a NUL */
    size_t ret_error_size;
};

/* The functions of export.go: they run in Go. */
int32_t transmitSend(struct call *call);
int32_t transmitConfigure(struct call *call);
int32_t transmitFlush(struct call *call);
int32_t transmitReplay(struct call *call);

/* start_go - start the Go runtime unless it runs. Returns 0 or a negative result. Blocks for
 * budget_ns at most. The caller must have blocked asynchronous signals. */
int32_t start_go(int64_t budget_ns);

/* go_runs_here - whether Go runs in this process. In a forked child it does not. */
bool go_runs_here(void);

/* take_resources - reserve threads and address space for Go. Returns false, and reserves nothing,
 * if the host has too few. */
bool take_resources(void);

/* ---- A send without Go: try_send.c, kept.c, send_target.c ---- */

/* The arguments of transmit_try_send. */
struct attempt {
    const char *json;
    size_t len;
    uint32_t flags;
    const char *socket_path;
    const char *meta; /* text of _meta between its time and version; NULL: none */
    size_t max_datagram_size;
    int64_t began_ns; /* when the caller called, by monotonic_ns() */
    int error;        /* why it failed: an errno; 0: it was not made, or another reason */
};

/* try_send - send the profile, without Go. If it returns false, it sets error and nothing else has
 * happened. */
bool try_send(struct attempt *attempt);

/* compose - write the text that the attempt sends to room. Returns its length, 0 if it does not fit
 * or Go has to look at the document. */
size_t compose(const struct attempt *attempt, char *room, size_t size);

/* transmit_want_sends - whether try_send must leave all sends to Go from now on. Go calls this, one
 * call at a time. */
void transmit_want_sends(int32_t wants);

#define MAX_META_TEXT 256               /* bytes of struct attempt's meta */
#define META_SIZE (MAX_META_TEXT + 128) /* bytes of the whole member "_meta" */

#define MAX_SOURCE 2048 /* bytes of settings that are recognized without Go */

/* The settings that a send without Go needs. */
struct target {
    char socket_path[MAX_PATH + 1];
    char meta[MAX_META_TEXT + 1];
    char source[MAX_SOURCE]; /* the settings as transmit_configure got them */
    uint64_t source_len;     /* 0: it is too long */
    uint64_t max_datagram_size;
    uint32_t waits_for_disk; /* 1 or 0: as with TRANSMIT_NO_WAIT */
    uint32_t timeout_us;
    uint32_t number; /* other settings have another one, also where all of the above is the same */
};

#define TARGETS 64

/* transmit_set_target - publish new settings. Go calls this, one call at a time. */
void transmit_set_target(const struct target *target);

/* get_target - the current settings; NULL: only Go knows them. The result stays valid. */
const struct target *get_target(void);

/* is_target_of - whether the target, which may be NULL, was made of these settings. */
bool is_target_of(const struct target *target, const char *settings, size_t len);

/* configured_timeout_us - the setting timeout_us, also if only Go knows the others. */
uint32_t configured_timeout_us(void);

/* One datagram, in two pieces. */
struct datagram {
    const char *head, *tail;
    size_t head_len, tail_len;
};

/* send_to - try once, with the kept socket of the path or with a new one. */
bool send_to(const char *path, const struct datagram *text, int64_t now_ns);

#define KEPT_SOCKETS 4

/* A socket that stays open between sends. */
struct kept {
    _Atomic uint32_t state; /* path may be read once this is READY */
    _Atomic int fd;         /* 0: none yet */
    _Atomic uint64_t file;  /* file at the path when the socket was connected: file_at() */
    _Atomic int64_t next_check_ns;
    char path[MAX_PATH + 1];
};

enum { EMPTY, CLAIMED, READY };

/* kept_sockets - those of this process, all zero at first. NULL: none can be kept, because a forked
 * child could not be told from its parent. */
struct kept *kept_sockets(void);

/* transmit_go_runs - Go can take calls now. Go calls this, on its first thread. */
void transmit_go_runs(void);

/* append_id - write a new profile's id, ID_DIGITS hexadecimal digits, to end. Returns the end of
 * the text. Only the first call makes a system call. */
#define ID_DIGITS 16
char *append_id(char *end);

/* ids_here - the counter of ids of this process, 0 at first, also in a forked child. NULL: a child
 * could not be told from its parent. */
_Atomic uint64_t *ids_here(void);

/* ---- A profile for the disk, without entering Go: hand_over.c ---- */

#define ANSWER_SIZE 512

/* A profile that was handed over. */
struct handed_over {
    char *json; /* from malloc */
    size_t len;
    int32_t error;            /* why the listener did not take it: an errno */
    uint32_t settings;        /* their number, when the caller called */
    uint32_t capabilities[6]; /* the caller's: capget(2) */
    char *answer;             /* room for the text of transmit_last_error */
};

/* copy_to_hand_over - make ret for hand_over. Returns false if the profile cannot be handed over. A
 * fault in the caller's memory may end the call here (siglongjmp): so nothing is held, and no
 * signal is blocked yet. */
bool copy_to_hand_over(const struct attempt *attempt, uint32_t settings, struct handed_over *ret);

/* hand_over - give the profile, whose memory it takes, to Go's writer. Returns the result, with a
 * text in call->ret_error, or TRANSMIT_EUNSENT, and then nothing has happened. Go must run. Blocks
 * until deadline_ns. */
int32_t hand_over(struct call *call, const struct attempt *attempt, struct handed_over *profile,
                  int64_t deadline_ns);

/* What the callers in C and Go's writer share; Go: transmit.Shared. */
struct writer {
    _Atomic uint32_t calls;  /* the writer sleeps (futex) until this changes */
    _Atomic uint32_t sleeps; /* 1: it sleeps, or is about to */
    _Atomic uint32_t in_use; /* 1: a profile is on its way through hand_over */
    _Atomic int32_t thread;  /* the writer's thread ID; 0: it must not be bound to a CPU */
    _Atomic int32_t cpu;     /* the CPU that it is bound to, plus 1; 0: any */
};

/* transmit_writer - the only one. Go calls this when it starts. */
struct writer *transmit_writer(void);

/* transmit_next_profile - the profile that was handed over. False: there is none. Go's writer calls
 * this, and then transmit_answer. */
bool transmit_next_profile(struct handed_over *ret);

/* transmit_answer - wake the caller. Returns false if it has not waited. */
bool transmit_answer(int32_t result);

/* go_state - the value of "go" in transmit_stats. */
const char *go_state(void);

/* monotonic_ns - CLOCK_MONOTONIC in nanoseconds. */
int64_t monotonic_ns(void);

#endif

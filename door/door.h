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

/* The arguments of one call from C to Go. */
struct call {
    const char *json;
    size_t len;
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
};

/* try_send - send the profile, without Go. If it returns false, nothing has happened. */
bool try_send(const struct attempt *attempt);

/* transmit_want_sends - whether try_send must leave all sends to Go from now on. Go calls this, one
 * call at a time. */
void transmit_want_sends(int32_t wants);

#define MAX_PATH 107      /* length of the longest path of a socket, without the NUL */
#define MAX_META_TEXT 256 /* bytes of struct attempt's meta */

/* The settings that a send without Go needs. */
struct target {
    char socket_path[MAX_PATH + 1];
    char meta[MAX_META_TEXT + 1];
    uint64_t max_datagram_size;
};

/* transmit_set_target - publish new settings. Go calls this, one call at a time. */
void transmit_set_target(const struct target *target);

/* get_target - the current settings; NULL: only Go knows them. The result stays valid. */
const struct target *get_target(void);

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

/* go_state - the value of "go" in transmit_stats. */
const char *go_state(void);

/* monotonic_ns - CLOCK_MONOTONIC in nanoseconds. */
int64_t monotonic_ns(void);

#endif

/*
 * transmit.h - hand a JSON profile to a listener on this machine, within 50 ms.
 *
 * One profile is one JSON object. The library sends it as one datagram on a Unix
 * socket. If the listener does not take it, the library writes it to a disk buffer,
 * as one file. Link with -ltransmit, or load libtransmit.so with dlopen(3).
 *
 * Threads   Every function may be called from any thread at any time.
 * Go        A part of the library is written in Go. It starts once in a process, with
 *           threads of its own, at the first call that needs it: to check or shrink a
 *           document, to pass it as a memfd, to change settings, to replay, or because the
 *           listener does not take a profile at once. All else is C in the calling thread.
 * Fork      A child sends with a socket of its own, whatever its parent has done. If the
 *           parent had started Go, calls of the child that need Go return
 *           TRANSMIT_EFORKED, because threads do not survive fork(2). Otherwise the child
 *           starts Go for itself. exec(3) is unaffected.
 * Memory    The library reads json and settings during the call and keeps no pointer to them. If
 *           they cannot be read (a mapped file that was truncated), the call returns
 *           TRANSMIT_EPANIC, or the handler that the program installed before its first call gets
 *           the fault, and may leave the call with siglongjmp(3). Nothing is held then.
 *           Texts that it returns are static or belong to the calling thread: do not
 *           free them.
 * errno     No function changes errno or the thread's signal mask.
 *           A call that needs Go blocks asynchronous signals until it returns. It also
 *           gives a thread without an alternate signal stack one of 32 KiB
 *           (sigaltstack(2)). The first send or transmit_stats installs a handler of SIGBUS; the
 *           start of Go, handlers of SIGSEGV, SIGBUS and SIGFPE. All of them pass on
 *           faults outside the library.
 * Privileges  Give up privileges before Go starts: capset(2), PR_SET_NO_NEW_PRIVS,
 *           seccomp(2) without TSYNC and unshare(2) change the calling thread only, not
 *           Go's threads, which have the privileges of the thread that starts Go. There is one
 *           exception: before it writes a profile, the thread that writes to the disk drops the
 *           capabilities that the caller does not have, but for CAP_SETUID and CAP_SETGID: a
 *           change of the user, on all threads, must not fail on that one.
 *           setuid(2) and its variants change all threads. The library does not read
 *           the environment of a setuid program.
 *
 * Blocking: a call returns within timeout_us (50 ms, see transmit_configure), including
 * the start of Go (some milliseconds). Put the socket on a local file system: connect(2)
 * and stat(2) wait without limit for a file system that hangs.
 *
 * Listener: a profile goes to the program that is bound to the socket's path. The library
 * compares a socket that it keeps open with the path once a second. So if another program is
 * bound there while the old one lives, the old one may get profiles for one more second.
 *
 * Full queue: if the listener's queue is full, one call of all processes of this user waits
 * for room until its time is up, and the others for some milliseconds. After a wait that
 * timed out, calls try once and then write to the disk without waiting: for 1 s, then for
 * 2 s, 4 s and so on up to 30 s. A successful send of a process that met the full queue ends
 * this; so do 30 s without a full queue after it.
 *
 * Versions: names and values in this file keep their meaning as long as
 * TRANSMIT_ABI_VERSION stays the same.
 */
#ifndef TRANSMIT_H
#define TRANSMIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The interface that this header describes; see transmit_abi_version. */
#define TRANSMIT_ABI_VERSION 1

/* ---- Results ----
 * 0 and above: the profile is in the listener's socket, on the disk, or in the library's
 * memory. -1 to -39, but for -23, and -60: only the caller has it. -40 to -59: it is lost. */

#define TRANSMIT_SENT 0     /* the listener's socket took it */
#define TRANSMIT_BUFFERED 1 /* it is one whole file in the disk buffer */
#define TRANSMIT_PENDING 2  /* it is in memory; a thread is still writing it to the disk */

/* The call was wrong: nothing was sent, nothing was written. */
#define TRANSMIT_EINVAL (-1)     /* a setting or a flag; transmit_last_error names it */
#define TRANSMIT_ENULL (-2)      /* json is NULL */
#define TRANSMIT_EEMPTY (-3)     /* len is 0 */
#define TRANSMIT_ESYNTAX (-4)    /* not valid JSON (RFC 8259) */
#define TRANSMIT_ENOTOBJECT (-5) /* valid JSON, but not an object */
#define TRANSMIT_EDEPTH (-6)     /* nested deeper than TRANSMIT_MAX_DEPTH */
#define TRANSMIT_EUTF8 (-7)      /* not valid UTF-8 */
#define TRANSMIT_ETOOBIG (-8)    /* longer than TRANSMIT_MAX_LENGTH */

/* Go cannot run, or not yet: nothing was sent, nothing was written. */
#define TRANSMIT_EFORKED (-20)   /* in a fork(2) child of a process that had started Go */
#define TRANSMIT_ERESOURCE (-21) /* too few threads or too little memory left */
#define TRANSMIT_ESTARTING (-22) /* not started in half of the time: the next call may work */
#define TRANSMIT_EPANIC (-23)    /* a defect (it may have been sent), or json cannot be read */

/* The listener did not take the profile, and it could not be written to the disk: it is lost. */
#define TRANSMIT_EBUSY (-40)     /* too many profiles already wait for a slow disk */
#define TRANSMIT_ENODIR (-41)    /* no buffer directory can be used: forbidden, read-only, unsafe */
#define TRANSMIT_EFULL (-42)     /* the disk, its inodes or a quota are used up */
#define TRANSMIT_EIO (-43)       /* another error of the disk; transmit_last_error has it */
#define TRANSMIT_ETIMEDOUT (-44) /* it is large: no time was left to check and copy it */

/* transmit_try_send did not send it: the caller still has the profile. */
#define TRANSMIT_EUNSENT (-60)

/* ---- Sending ---- */

#define TRANSMIT_MAX_DEPTH 512         /* nested arrays and objects, as in PHP's json_encode */
#define TRANSMIT_MAX_LENGTH (64 << 20) /* bytes: 64 MiB */

/*
 * transmit_send - send one profile.
 *
 * json    a JSON object in UTF-8, with or without white space around it; it
 *         need not end in a NUL
 * len     its length in bytes
 *
 * The member "_meta" is added, or replaced: {"timestamp": <unix seconds>,
 * "transmitter_version": "1.0", "id": <16 hexadecimal digits>}, and "php_version"
 * if that is set. The id is unique: use it to recognize a profile that arrives twice.
 *
 * A document over max_datagram_size is shrunk. The list or map
 * xhprof.profiling.top_functions keeps its first 50 entries ("_meta" then has
 * "truncated": true). If sql.queries has more than 100 entries, it keeps the 100 with
 * the largest time_ms, slowest first ("sql_truncated": true). If the document is
 * still too large, or there is no time to shrink it (tens of megabytes), it goes to
 * the disk buffer. All other bytes stay as they are.
 *
 * Returns TRANSMIT_SENT, TRANSMIT_BUFFERED, TRANSMIT_PENDING, or why not.
 */
int32_t transmit_send(const char *json, size_t len);

/* Do not check json: a check takes longer than the send. The caller guarantees that it is
 * one valid JSON object in UTF-8 without a member "_meta". */
#define TRANSMIT_TRUSTED 1u
/* Send the document as it is: not checked, not shrunk, without "_meta". One over
 * max_datagram_size goes to the disk buffer whole. */
#define TRANSMIT_AS_IS 2u
/* Do not try the socket: TRANSMIT_SENT cannot be the result. */
#define TRANSMIT_TO_DISK 4u
/* The caller has shrunk it: transmit_stats counts that. */
#define TRANSMIT_SHRUNK 8u
/* Do not wait for the disk: if the listener does not take the profile, the result is
 * TRANSMIT_PENDING as soon as the library has a copy. */
#define TRANSMIT_NO_WAIT 16u

/*
 * transmit_send_with - transmit_send with options for this call.
 *
 * flags        TRANSMIT_TRUSTED and so on, or-ed together; 0 for none
 * socket_path  the listener's socket, an absolute path, else TRANSMIT_EINVAL; NULL for
 *              the setting listener_socket
 * timeout_us   microseconds that this call may take; 0 for the setting timeout_us
 */
int32_t transmit_send_with(const char *json, size_t len, uint32_t flags, const char *socket_path,
                           uint32_t timeout_us);

/*
 * transmit_try_send - one attempt that starts nothing and never waits.
 *
 * flags              TRANSMIT_TRUSTED or TRANSMIT_AS_IS, nothing else
 * socket_path        the listener's socket, an absolute path
 * meta               with TRANSMIT_TRUSTED: members of "_meta" to put after its timestamp.
 *                    Valid JSON that begins with a comma, such as
 *                    ,"php_version":"8.2.1"; at most 256 bytes. NULL: none
 * max_datagram_size  bytes that the listener takes, "_meta" included
 *
 * It does not start Go, touches no disk, and uses no settings: it does not check listener_user.
 * Returns TRANSMIT_SENT or TRANSMIT_EUNSENT. After TRANSMIT_EUNSENT, also for an invalid argument,
 * nothing has happened: the caller may pass the profile to transmit_send_with.
 *
 * transmit_send_with makes this attempt by itself, if flags are TRANSMIT_TRUSTED or TRANSMIT_AS_IS,
 * also with TRANSMIT_SHRUNK or TRANSMIT_NO_WAIT, and listener_user is -1. While a back-off lasts or
 * a replay is due, the result is TRANSMIT_EUNSENT without an attempt: Go must see the next success.
 *
 * Blocking: for the path's file system only. Threads: any, also in a signal handler, with 16 KiB of
 * stack. Fork: a child opens a socket of its own. The library keeps a socket open for each of the
 * first four paths, and opens one for each send to any other. The program may close them at any
 * time.
 */
int32_t transmit_try_send(const char *json, size_t len, uint32_t flags, const char *socket_path,
                          const char *meta, uint32_t max_datagram_size);

/*
 * transmit_flush - wait until the writes that were TRANSMIT_PENDING have ended.
 *
 * Blocks for timeout_us at most. Returns TRANSMIT_BUFFERED when nothing is left
 * to write, TRANSMIT_PENDING otherwise. At exit(3) and a return from main, the library
 * does this by itself, and completes a search for files over the limits of the buffer
 * that it has begun, in one second at most. It does not at _exit(2), quick_exit(3),
 * exec(3), daemon(3), or when a signal ends the process.
 */
int32_t transmit_flush(uint32_t timeout_us);

/* ---- Replay ----
 *
 * transmit_replay - send what is in the disk buffer to the configured listener.
 *
 * max_files  profiles to send; 0 for no limit
 * budget_us  microseconds that this may take; 0 for the setting timeout_us
 *
 * Sends the oldest first, unchanged, and removes a file when the listener's socket
 * has taken the profile. It reads only regular files of this user, never through
 * links. A file that is not one JSON object, because of a power failure or of
 * TRANSMIT_AS_IS, is renamed to bad_profile_*.json and not tried again. A file over
 * max_datagram_size is sent as a memfd if the setting oversize says so. Otherwise it
 * stays.
 *
 * Returns how many were sent. transmit_last_error says why it ended before all were
 * sent: there is no listener, the listener does not read, the time is up, or
 * another process of this user replays. It is "" if nothing is left that can be sent.
 * In a directory of 100,000 files, the first calls may only search for the oldest;
 * later calls continue the search. Below 0: TRANSMIT_ENODIR, or Go cannot run.
 *
 * Replay keeps at most one datagram in the listener's queue, so that live sends come
 * first. A process that is killed loses nothing. The profile that it was sending may
 * be sent again: at most one for each kill. Another consumer must rename or remove a
 * file before reading it, or the profile may be delivered twice.
 *
 * Blocks for budget_us at most.
 */
int32_t transmit_replay(uint32_t max_files, uint32_t budget_us);

/* ---- Settings ----
 *
 * transmit_configure - change settings, for all threads, from the next call on.
 *
 * json    a JSON object of at most 64 KiB, else TRANSMIT_EINVAL. Omitted keys keep their
 *         values:
 *
 *   key                default
 *   listener_socket    "/var/run/bitville-apm/listener.sock"; an absolute path, without
 *                      unix:// or unixgram:// before it; no abstract socket
 *   listener_user      -1      a user's number, or name in /etc/passwd: profiles go only to
 *                      a socket that this user or root owns. -1: to any socket
 *   timeout_us         50000   for a whole call; 1 to 60000000
 *   max_datagram_size  65507   bytes; 1 to 16777216. Set it lower for a listener that takes
 *                      less
 *   listener           ""      the program that listens. Unless max_datagram_size is set, this
 *                      sets it: "telegraf" 65536, "vector" 102400, "syslog-ng" 65536,
 *                      "fluent-bit" 32767, "rsyslog" 8192. "": none of them
 *   oversize           "shrink"   shrink a document over max_datagram_size.
 *                      "buffer": write it whole to the disk buffer. "memfd": send it
 *                      whole, in an empty datagram with one descriptor (SCM_RIGHTS)
 *                      of a sealed memfd; if that fails, write it to the disk buffer
 *   replay             "off"   "auto": the first successful send of a process, and the
 *                      first after an outage, start transmit_replay in the background,
 *                      in one process at a time, with up to 1000 profiles a second,
 *                      until nothing is left or the listener is gone
 *   wait_for_disk      true     false: as with TRANSMIT_NO_WAIT, except for calls with
 *                      TRANSMIT_TO_DISK
 *   buffer_dirs        ["/var/lib/bitville-apm/buffer", "/tmp/bitville-apm-buffer",
 *                       "$TMPDIR/bitville-apm-buffer", "$TMPDIR"]
 *                      absolute paths; the first usable one is used
 *   buffer_links       true     false: refuse a path with a symbolic link. Use this if you
 *                      have resolved the links, and another user might make a new one
 *   buffer_max_bytes   1073741824   the limit in bytes of this user's profiles for this
 *                      listener in the directory; 0: no limit. The oldest are removed first
 *   buffer_max_files   100000       the limit of their number; 0: no limit
 *   php_version        ""           a member of "_meta", unless it is empty
 *
 * Returns 0. After a negative result nothing has changed. TRANSMIT_EINVAL is for an unknown
 * key, a wrong type or an impossible value; transmit_last_error names the key. After
 * TRANSMIT_ESTARTING, on a busy machine, call again.
 */
int32_t transmit_configure(const char *json, size_t len);

/* Ask whether a log line about the result is due. */
#define TRANSMIT_ASK_LOG 32u

/*
 * transmit_send_configured - transmit_configure and transmit_send_with in one call.
 *
 * For a program in which each call has settings of its own, such as PHP with several sites: the
 * profile goes where these settings say, whatever another thread configures meanwhile.
 *
 * settings  as in transmit_configure. If they equal those of the last call, they are only compared
 * flags     as in transmit_send_with; also TRANSMIT_ASK_LOG, which no other function takes
 *
 * The lower 32 bits of the returned number are the result of transmit_send_with, or a negative one
 * of transmit_configure: then nothing was sent, and the settings are as before. The upper 32 bits
 * are 0. With TRANSMIT_ASK_LOG, they are the answer of transmit_log_due_for, plus 1: 0 if no line
 * is due. Blocks for timeout_us at most.
 */
int64_t transmit_send_configured(const char *settings, size_t settings_len, const char *json,
                                 size_t len, uint32_t flags, const char *socket_path,
                                 uint32_t timeout_us);

/* ---- What happened ---- */

/* transmit_strerror - what a result means. Static text, never NULL. */
const char *transmit_strerror(int32_t result);

/*
 * transmit_last_error - what went wrong in this thread's last call: the operation, its
 * object, and the system's error. For a buffered profile: why the listener did not take
 * it, and the directory. "" if nothing went wrong. Valid until the thread's next call.
 */
const char *transmit_last_error(void);

/*
 * transmit_log_due - whether to write a log line about this result now.
 *
 * Limits the log during an outage, for each result with the configured listener, in all processes
 * of this user together. Returns 1 if a line is due: the first time, and again after 1 minute, then
 * 2, 4 and so on up to 60. Otherwise returns 0. An hour without the result resets this.
 *
 * ret_suppressed  set to the number of 0 answers since the last 1; may be NULL
 */
int32_t transmit_log_due(int32_t result, uint32_t *ret_suppressed);

/*
 * transmit_log_due_for - the same for another listener, with both answers in one number.
 *
 * socket_path  the listener's socket; NULL if the result concerns no listener
 *
 * If a line is due, returns how many were not since the last one, 0 or more. Otherwise returns -1.
 */
int64_t transmit_log_due_for(int32_t result, const char *socket_path);

/*
 * transmit_stats - what became of the profiles so far, as a JSON object:
 *
 *   process        the counters of this process since its first call
 *   pool           the counters of all processes of this user since the machine started;
 *                  null if they cannot be shared
 *   pool_error     why they cannot be shared
 *   go             "not started" or "runs" in this process. If the library was not built by
 *                  build.sh: "unprotected", and a signal handler of the program may
 *                  overwrite memory; or "started at load", and a forked child may hang
 *
 * process and pool have:
 *
 *   pid            of this process; a pool has processes: how many live
 *   sent, buffered, pending    calls with that result
 *   sent_bytes, buffered_bytes bytes of their profiles (a pending one counts as buffered)
 *   written_later, lost_later  what became of the pending ones; the rest are being written
 *   shrunk         profiles that were shrunk
 *   waits_in_vain  waits for a full queue that timed out
 *   connects       to a listener: the first one of a process, and after its restarts
 *   replayed       profiles that were sent from the disk buffer
 *   refused, lost  calls with a result below 0, by cause
 *   latency_us     calls by duration: the keys are upper bounds in microseconds. Each call
 *                  is in one of them only
 *   latency_sum_us of all calls
 *   last_sent      null, or the unix time of the last call that was sent
 *   last_failure   null, or {"time": <unix seconds>, "result": …, "text": "…"} of the
 *                  last call that was not sent
 *
 * Counts are exact and survive the process, even if it is killed. They are in
 * /dev/shm/libtransmit-<user id>.1, mode 0600, or in a file with a longer name if that one belongs
 * to another version. If the file cannot be used, or 512 processes use it, a process has counters
 * of its own, which end with it.
 *
 * Never NULL; "{}" without memory; the text belongs to the thread and is valid until its next
 * transmit_stats. Does not start Go. Blocks for some microseconds.
 */
const char *transmit_stats(void);

/* ---- Versions, of the library that is loaded ---- */

/* transmit_version - such as "1.0.0". Static text. */
const char *transmit_version(void);

/* transmit_abi_version - TRANSMIT_ABI_VERSION as it was when the library was built. */
uint32_t transmit_abi_version(void);

#ifdef __cplusplus
}
#endif
#endif

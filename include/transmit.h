/*
 * transmit.h - hand a JSON profile to a listener on this host, within 50 ms.
 *
 * One profile is one JSON object. It goes out as one datagram on a Unix socket;
 * when the listener does not take it, it is left whole, as one file, in a disk
 * buffer. Link with -ltransmit, or load libtransmit.so with dlopen(3).
 *
 * Threads   Every function may be called from any thread at any time.
 * Start     The library starts, with threads of its own, when a call needs more
 *           than one attempt to send: a document to be checked, cut or passed as a
 *           memfd, settings, replay, or a listener that does not take it.
 * Fork      A child sends by itself, whatever its parent has done. Where that
 *           does not succeed, a child of a process that had started the library
 *           gets TRANSMIT_EFORKED, for its threads do not survive fork(2); another
 *           child starts its own. exec(3) is unaffected.
 * Memory    The library reads json during the call and keeps no pointer to it.
 *           What it returns is static or belongs to the calling thread: never
 *           free it.
 * errno     Unchanged by every function, and so is the thread's signal mask.
 *           While a call lasts that needs the library started, the thread takes no
 *           asynchronous signals. After its first such call, a thread that had no
 *           alternate signal stack has one of 32 KiB, for handlers that ask for it
 *           (sigaltstack(2)). The start also adds a handler of SIGSEGV, SIGBUS and
 *           SIGFPE, which passes on what is not the library's.
 * Privileges  Give up privileges before the first call that is not simply sent: it
 *           starts threads, and capset(2), PR_SET_NO_NEW_PRIVS, seccomp(2) without
 *           TSYNC and unshare(2) change the calling thread only. The thread that
 *           writes to the disk gives up the capabilities that its caller has not,
 *           for good if they are not permitted any more; all other restrictions
 *           have to be there first. setuid(2) and its kind change all threads. A
 *           setuid program's environment is not read.
 *
 * Blocking: a call returns within timeout_us (50 ms, see transmit_configure),
 * the start of the library (about 4 ms) included. The socket's path has to be on a local
 * file system: connect(2) and stat(2) wait for one that hangs, however long that takes.
 *
 * Listener: a profile goes to whoever is bound to the socket's path. When another listener is
 * bound there while the old one lives on, the old one may get profiles for one more second.
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
 * 0 and above: the profile is in the listener's socket or the library takes
 * care of it. Below 0: it was refused or lost, and the code says why. */

#define TRANSMIT_SENT 0     /* the listener's socket took it */
#define TRANSMIT_BUFFERED 1 /* it is one whole file in the disk buffer */
#define TRANSMIT_PENDING 2  /* time was up while the disk was at it: the write goes on */

/* The call was wrong: nothing was sent, nothing was written. */
#define TRANSMIT_EINVAL (-1)     /* a setting or a flag; transmit_last_error names it */
#define TRANSMIT_ENULL (-2)      /* json is NULL */
#define TRANSMIT_EEMPTY (-3)     /* len is 0 */
#define TRANSMIT_ESYNTAX (-4)    /* not valid JSON (RFC 8259) */
#define TRANSMIT_ENOTOBJECT (-5) /* valid JSON, but not an object */
#define TRANSMIT_EDEPTH (-6)     /* nested deeper than TRANSMIT_MAX_DEPTH */
#define TRANSMIT_EUTF8 (-7)      /* not valid UTF-8 */
#define TRANSMIT_ETOOBIG (-8)    /* longer than TRANSMIT_MAX_LENGTH */

/* The library cannot run here: nothing was sent, nothing was written. */
#define TRANSMIT_EFORKED (-20)   /* in a fork(2) child of a process that had started it */
#define TRANSMIT_ERESOURCE (-21) /* too few threads or too little memory left for it */
#define TRANSMIT_ESTARTING (-22) /* not started in half of the time: the next call may work */
#define TRANSMIT_EPANIC (-23)    /* a defect in the library, caught */

/* The listener did not take the profile, and neither did the disk: it is lost. */
#define TRANSMIT_EBUSY (-40)     /* as many profiles wait for a slow disk as may wait */
#define TRANSMIT_ENODIR (-41)    /* no buffer directory can be used */
#define TRANSMIT_EFULL (-42)     /* the disk, its inodes or a quota are used up */
#define TRANSMIT_EIO (-43)       /* the file could not be written; transmit_last_error says why */
#define TRANSMIT_ETIMEDOUT (-44) /* time was up before a large document was checked and copied */

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
 * if that is set. The id is this profile's alone: who may get one twice knows it
 * by that, and not by what a profile says of itself.
 *
 * A document over max_datagram_size is cut: the list or map
 * xhprof.profiling.top_functions to its first 50 entries ("_meta" then has
 * "truncated": true), and sql.queries, if it has more than 100, to the 100 with
 * the largest time_ms, slowest first ("sql_truncated": true). If it is still
 * too large, or there is no time to cut it (tens of megabytes), it goes to the
 * disk buffer. All other bytes stay as they are.
 *
 * Returns TRANSMIT_SENT, TRANSMIT_BUFFERED, TRANSMIT_PENDING, or why not.
 */
int32_t transmit_send(const char *json, size_t len);

/* The caller vouches that json is one valid JSON object in UTF-8 and has no
 * member "_meta": it is not checked, which would cost more than the send. */
#define TRANSMIT_TRUSTED 1u
/* The document goes as it is: not checked, not cut, no "_meta". Over
 * max_datagram_size it goes to the disk buffer whole. */
#define TRANSMIT_AS_IS 2u
/* Do not try the socket: TRANSMIT_SENT cannot be the result. */
#define TRANSMIT_TO_DISK 4u
/* The caller has cut it: transmit_stats counts that. */
#define TRANSMIT_SHRUNK 8u
/* Do not wait for the disk: where the listener does not take the profile, the
 * result is TRANSMIT_PENDING as soon as the library has it. */
#define TRANSMIT_NO_WAIT 16u

/*
 * transmit_send_with - transmit_send, with choices for this call.
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
 * meta               with TRANSMIT_TRUSTED: what "_meta" has between its timestamp
 *                    and its version, as valid JSON that begins with a comma, such
 *                    as ,"php_version":"8.2.1"; at most 256 bytes. NULL: nothing
 * max_datagram_size  bytes that the listener takes, "_meta" included
 *
 * Needs no settings, listener_user included, and no Go, and touches no disk. Returns TRANSMIT_SENT,
 * or TRANSMIT_EUNSENT: nothing has happened, the caller still has the profile and may give it to
 * transmit_send_with. That is so for every argument that is not as described, too. The other
 * functions make this attempt by themselves.
 *
 * Blocking: for the path's file system only. Threads: any, also in a signal handler, with 16 KiB of
 * stack. Fork: a child opens a socket of its own. The library keeps one socket for each of the
 * first four paths; a host may close them at any time.
 */
int32_t transmit_try_send(const char *json, size_t len, uint32_t flags, const char *socket_path,
                          const char *meta, uint32_t max_datagram_size);

/*
 * transmit_flush - wait until the writes that were TRANSMIT_PENDING have ended.
 *
 * Blocks for timeout_us at most. Returns TRANSMIT_BUFFERED when nothing is left
 * to write, TRANSMIT_PENDING otherwise. A process that ends with exit(3), or by
 * returning from main, waits so by itself, for one second at most; one that ends
 * with _exit(2), quick_exit(3), exec(3), daemon(3) or by a signal does not.
 */
int32_t transmit_flush(uint32_t timeout_us);

/* ---- Replay ----
 *
 * transmit_replay - send what is in the disk buffer to the configured listener.
 *
 * max_files  profiles to send; 0 for no limit
 * budget_us  microseconds that this may take; 0 for the setting timeout_us
 *
 * Sends the oldest first, each as it lies there, and removes its file only when
 * the listener's socket has taken it. It reads regular files of this user only,
 * never through links. A file that is not one JSON object (a power failure left
 * it so) is renamed to bad_profile_*.json and not tried again; so is what was
 * sent with TRANSMIT_AS_IS and is not JSON. One over max_datagram_size goes as a
 * memfd if the setting oversize says so, and else stays for whoever watches the
 * directory.
 *
 * Returns how many were sent. transmit_last_error says why it ended before all
 * were: nobody listens, the listener does not read, time was up, another process
 * replays (one of each user does); "" if nothing that can be sent is left. In a
 * directory of 100,000 files, the first calls may do nothing but look for the
 * oldest: they go on where the last one ended. Below 0: TRANSMIT_ENODIR, or the
 * library cannot run here.
 *
 * It leaves the listener's queue to the others' sends: one profile at a time, the
 * next one when it was read. Killed at any moment, nothing is lost. The profile
 * that was being sent then may be sent again, and so may one that a slow disk
 * held up: at most one for each kill. What somebody else takes from the directory
 * at the same time arrives once if he renames or removes the file first.
 *
 * Blocks for budget_us at most.
 */
int32_t transmit_replay(uint32_t max_files, uint32_t budget_us);

/* ---- Settings ----
 *
 * transmit_configure - change settings, for all threads, from the next call on.
 *
 * json    a JSON object; a key that is left out keeps its value:
 *
 *   key                default
 *   listener_socket    "/var/run/bitville-apm/listener.sock"; an absolute path, without
 *                      unix:// or unixgram:// before it; no abstract socket
 *   listener_user      -1      a user's number, or name in /etc/passwd: nothing is sent to
 *                      a socket that belongs neither to him nor to root. -1: to any
 *   timeout_us         50000   for a whole call; 1 to 60000000
 *   max_datagram_size  65507   bytes; 1 to 16777216. The listener's limit, if lower
 *   listener           ""      whose limit that is, where max_datagram_size never was
 *                      set: "telegraf" 65536, "vector" 102400, "syslog-ng" 65536,
 *                      "fluent-bit" 32767, "rsyslog" 8192. "": none of them
 *   oversize           "shrink"   what becomes of a larger document: it is cut.
 *                      "buffer": it goes whole to the disk buffer. "memfd": it goes
 *                      whole, in an empty datagram with one descriptor (SCM_RIGHTS)
 *                      of a sealed memfd; to the disk if that cannot be
 *   replay             "off"   "auto": the first datagram that goes through after
 *                      an outage, or in a process, starts transmit_replay in the
 *                      background, in one process of all, 1000 profiles a second
 *                      at most, until nothing is left or the listener is away
 *   wait_for_disk      true     false: as with TRANSMIT_NO_WAIT, but for calls with
 *                      TRANSMIT_TO_DISK
 *   buffer_dirs        ["/var/lib/bitville-apm/buffer", "/tmp/bitville-apm-buffer",
 *                       "$TMPDIR/bitville-apm-buffer", "$TMPDIR"]
 *                      absolute paths; the first usable one is taken
 *   buffer_links       true     false: none with a link in its path, for a caller that has
 *                      resolved them
 *   buffer_max_bytes   1073741824   of all profiles in the directory; 0: no limit
 *   buffer_max_files   100000       0: no limit. The oldest go first
 *   php_version        ""           "_meta" has it if it is not empty
 *
 * Returns 0. An unknown key, a wrong type or an impossible value is
 * TRANSMIT_EINVAL, changes nothing, and is named by transmit_last_error.
 * TRANSMIT_ESTARTING also changes nothing: a busy machine needs another call.
 */
int32_t transmit_configure(const char *json, size_t len);

/* ---- What happened ---- */

/* transmit_strerror - what a result means. Static text, never NULL. */
const char *transmit_strerror(int32_t result);

/*
 * transmit_last_error - what went wrong in this thread's last call: which
 * operation, on what, and the system's error. For a profile that was buffered,
 * why the listener did not take it, and in which directory it is. "" if nothing
 * went wrong. Valid until the thread's next call.
 */
const char *transmit_last_error(void);

/*
 * transmit_log_due - whether to write a log line about this result now.
 *
 * Bounds a log during an outage: 1 for the first occurrence of a result with the configured
 * listener, in all processes of this user, then after a minute, then after twice as long each
 * time, up to an hour; 0 in between. Starts anew when it has not occurred for an hour.
 *
 * ret_suppressed  set to the number of 0 answers since the last 1; may be NULL
 */
int32_t transmit_log_due(int32_t result, uint32_t *ret_suppressed);

/*
 * transmit_log_due_for - the same, with the listener at socket_path; NULL: with none.
 *
 * Returns -1 when no line is due, otherwise how often it has returned -1 since the last line.
 */
int64_t transmit_log_due_for(int32_t result, const char *socket_path);

/*
 * transmit_stats - what became of the profiles so far, as a JSON object:
 *
 *   process        what this process has counted since its first call
 *   pool           what all processes of this user on this host have counted since
 *                  the host started; null: there is no pool
 *   pool_error     why there is none
 *   go             of this process: "not started", "runs", or how this library was built wrong:
 *                  "unprotected", without the changes to Go of build.sh, so that a signal handler
 *                  of the host's may overwrite memory; "started at load", without door/export.ld,
 *                  so that a forked child may hang
 *
 * Both have:
 *
 *   pid            of this process; a pool has processes: how many live
 *   sent, buffered, pending    calls with that result
 *   sent_bytes, buffered_bytes what they were given (a pending one counts as buffered)
 *   written_later, lost_later  what became of the pending ones; the rest is under way
 *   shrunk         profiles that were cut
 *   waits_in_vain  for a full queue
 *   connects       to a listener: the first one of a process, and after its restarts
 *   replayed       profiles that were sent from the disk buffer
 *   refused, lost  calls with a result below 0, by cause
 *   latency_us     how many calls took so many microseconds at most; a call counts once
 *   latency_sum_us of all calls
 *   last_sent      null, or the unix time of the last call that was sent
 *   last_failure   null, or {"time": <unix seconds>, "result": …, "text": "…"} of the
 *                  last call that was not sent
 *
 * Counts are exact and survive the process, also one that is killed. They lie in
 * /dev/shm/libtransmit-<user id>.1, of mode 0600, or in one with a longer name where that is
 * another version's; where it cannot be had, or more than 512 processes count, a process counts
 * by itself.
 *
 * Never NULL; "{}" without memory; the text belongs to the thread and is valid until its next
 * transmit_stats. Does not start the library. Blocks for some microseconds.
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

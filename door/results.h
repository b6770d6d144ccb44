/*
 * results.h - every result of transmit.h: its name in transmit_stats and its text.
 *
 * The counters (counters.h), transmit_stats (stats.c) and transmit_strerror (strerror.c) are made
 * of these rows, so no result is without a counter. The build stops when transmit.h has a result
 * that is missing here.
 */
#ifndef RESULTS_H
#define RESULTS_H

/* X(result, name, text) */
#define SAFE_RESULTS(X)                                                                            \
    X(SENT, "sent", "sent to the listener")                                                        \
    X(BUFFERED, "buffered", "written to the disk buffer")                                          \
    X(PENDING, "pending", "it is in memory, and a thread is still writing it to the disk")

#define REFUSED_RESULTS(X)                                                                         \
    X(EINVAL, "invalid", "invalid setting or flag")                                                \
    X(ENULL, "null", "the document is NULL")                                                       \
    X(EEMPTY, "empty", "the document is empty")                                                    \
    X(ESYNTAX, "syntax", "the document is not valid JSON")                                         \
    X(ENOTOBJECT, "not_object", "the document is not a JSON object")                               \
    X(EDEPTH, "depth", "the document is nested deeper than 512 levels")                            \
    X(EUTF8, "utf8", "the document is not valid UTF-8")                                            \
    X(ETOOBIG, "too_big", "the document is longer than 64 MiB")                                    \
    X(EFORKED, "forked",                                                                           \
      "this process was forked from one that had started the library's Go part: that cannot run "  \
      "here")                                                                                      \
    X(ERESOURCE, "resource", "too few threads or too little memory left")                          \
    X(ESTARTING, "starting",                                                                       \
      "the library's Go part did not start in time: the next call may work")                       \
    X(EPANIC, "panic", "a defect in the library was caught: the profile may have been sent")

#define LOST_RESULTS(X)                                                                            \
    X(EBUSY, "busy", "the profile is lost: too many wait for a slow disk")                         \
    X(ENODIR, "no_directory", "the profile is lost: no buffer directory can be used")              \
    X(EFULL, "full", "the profile is lost: no space left for the disk buffer")                     \
    X(EIO, "io", "the profile is lost: its file could not be written")                             \
    X(ETIMEDOUT, "timed_out",                                                                      \
      "the profile is lost: it is large, and no time was left to check and copy it")

#define COUNTED_RESULTS(X) SAFE_RESULTS(X) REFUSED_RESULTS(X) LOST_RESULTS(X)

/* transmit_try_send's answer is not counted: the caller makes another call with the profile. */
#define ALL_RESULTS(X)                                                                             \
    COUNTED_RESULTS(X)                                                                             \
    X(EUNSENT, "", "not sent: the caller still has the profile")

/* Counters that only C increments. X(counter, name) */
#define C_COUNTERS(X)                                                                              \
    X(SENT_BYTES, "sent_bytes")                                                                    \
    X(BUFFERED_BYTES, "buffered_bytes")

/* Counters that Go increments (transmit/counter.go), in the same order. X(counter, name) */
#define GO_COUNTERS(X)                                                                             \
    X(SHRUNK, "shrunk")                                                                            \
    X(WAITS_TIMED_OUT, "waits_in_vain")                                                            \
    X(CONNECTS, "connects")                                                                        \
    X(REPLAYED, "replayed")                                                                        \
    X(WRITTEN_LATER, "written_later")                                                              \
    X(LOST_LATER, "lost_later")

#endif

/*
 * hand_over.c - give a profile to Go's writer without entering Go.
 *
 * In an outage each profile goes to the disk. A caller that enters Go needs one of Go's two
 * processors (GOMAXPROCS), and so does the writer when it wakes up. Other threads of Go must first
 * take them away from threads that sleep: on a busy machine that takes a millisecond. Here the
 * caller leaves the profile in a box, wakes the writer and sleeps.
 *
 *   caller                                      writer
 *   copies the profile, takes the box (in_use),
 *   increments posted, wakes the writer         writes the file, fills in the answer
 *   sleeps until done equals posted             settles; sets done, wakes a caller that sleeps
 *   reads the answer, frees the box
 *   at its deadline instead: settles            finds that settled: counts it, frees the box
 *
 * The first one to settle a profile decides. There is one box. If it is in use, or the writer is
 * busy with other work, the caller enters Go.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "door.h"

#define JUST_NOW_NS ((int64_t)2000000)

static struct {
    struct writer writer;
    _Atomic uint32_t posted, done; /* numbers of profiles */
    atomic_bool is_settled, is_caller_asleep;
    _Atomic int64_t answered_ns; /* when it was answered last, by monotonic_ns() */
    struct handed_over profile;
    int32_t result;
    char answer[ANSWER_SIZE];
} box;

#define MAX_TEXT ((64 << 10) + META_SIZE)

struct writer *transmit_writer(void)
{
    return &box.writer;
}

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static bool settle(void)
{
    return !atomic_exchange(&box.is_settled, true);
}

static void free_box(void)
{
    free(box.profile.json);
    atomic_store(&box.writer.in_use, 0);
}

/* ---- The caller's thread ---- */

/* The errors of a listener that is away. All others, such as a full queue, need Go. */
static const char *why(int error)
{
    return error == ENOENT         ? "no such file or directory"
           : error == ECONNREFUSED ? "connection refused"
                                   : NULL;
}

/* Go replaces control characters in an error's text: makePrintable in export.go. In UTF-8, some
 * begin with 0xc2. */
static bool is_printable(const char *path)
{
    for (; *path; path++)
        if ((unsigned char)*path < ' ' || *path == 0x7f || (unsigned char)*path == 0xc2)
            return false;
    return true;
}

/* The writer sleeps, or it is about to, because it has answered just now. Otherwise it looks after
 * the directory, or the disk hangs, and Go knows whether to wait for it. */
static bool is_writer_free(int64_t now_ns)
{
    return box.writer.sleeps || now_ns - box.answered_ns < JUST_NOW_NS;
}

static bool take_box(const struct handed_over *profile)
{
    uint32_t free = 0;

    if (!atomic_compare_exchange_strong(&box.writer.in_use, &free, 1))
        return false;
    box.profile = *profile;
    return true;
}

/* Returns NULL if the profile needs Go. */
static char *copy_of(const struct attempt *attempt, size_t *ret_len)
{
    size_t size = attempt->len + META_SIZE;
    char *text = size <= MAX_TEXT ? malloc(size) : NULL;

    *ret_len = text ? compose(attempt, text, size) : 0;
    if (*ret_len > 0 && *ret_len <= attempt->max_datagram_size)
        return text;
    free(text);
    return NULL;
}

bool copy_to_hand_over(const struct attempt *attempt, uint32_t settings, struct handed_over *ret)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    if (!why(attempt->error) || !is_printable(attempt->socket_path) ||
        !is_writer_free(attempt->began_ns))
        return false;
    *ret = (struct handed_over){.error = attempt->error, .settings = settings};
    ret->json = copy_of(attempt, &ret->len);
    syscall(SYS_capget, &header, ret->capabilities);
    return ret->json;
}

/* Binds the sleeping writer to this CPU. Otherwise the futex wakes it on another one, which may be
 * halted, and the writer wakes the caller from there: that takes longer than writing the file. The
 * caller sleeps at once, so its CPU is free. */
static void bring_writer_here(void)
{
    struct writer *writer = &box.writer;
    int cpu = sched_getcpu();
    cpu_set_t only;

    if (writer->thread == 0 || cpu < 0 || writer->cpu == cpu + 1)
        return;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    if (sched_setaffinity(writer->thread, sizeof only, &only) == 0)
        writer->cpu = cpu + 1;
    else
        writer->thread = 0; /* a sandbox refuses it */
}

static uint32_t post(void)
{
    uint32_t number = atomic_fetch_add(&box.posted, 1) + 1;

    atomic_fetch_add(&box.writer.calls, 1);
    if (box.writer.sleeps)
        futex_wake(&box.writer.calls);
    return number;
}

/* Often it is done already, because the writer ran at once. The flag saves the writer a system call
 * then, and the caller its sleep: it might be woken on another CPU. */
static bool await(uint32_t number, int64_t deadline_ns)
{
    int64_t left_ns;
    uint32_t done;

    atomic_store(&box.is_caller_asleep, true);
    while ((done = atomic_load(&box.done)) != number &&
           (left_ns = deadline_ns - monotonic_ns()) > 0) {
        struct timespec timeout = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};

        syscall(SYS_futex, &box.done, FUTEX_WAIT_PRIVATE, done, &timeout, NULL, 0);
    }
    atomic_store(&box.is_caller_asleep, false);
    return done == number;
}

static int32_t leave_it(struct call *call, const char *reason, const struct attempt *attempt)
{
    snprintf(call->ret_error, call->ret_error_size, "%s; connect to %s: %s", reason,
             attempt->socket_path, why(attempt->error));
    return TRANSMIT_PENDING;
}

int32_t hand_over(struct call *call, const struct attempt *attempt, struct handed_over *profile,
                  int64_t deadline_ns)
{
    bool waits = !(call->flags & TRANSMIT_NO_WAIT);
    uint32_t number;
    int32_t result;

    if (!take_box(profile)) {
        free(profile->json);
        return TRANSMIT_EUNSENT;
    }
    atomic_store(&box.is_settled, !waits);
    if (waits && box.writer.sleeps) /* to move a thread that runs takes longer than to wake it */
        bring_writer_here();
    number = post();
    if (!waits)
        return leave_it(call, "the disk is not waited for", attempt);
    if (!await(number, deadline_ns) && settle())
        return leave_it(call, "the disk is slow", attempt);
    result = box.result;
    snprintf(call->ret_error, call->ret_error_size, "%s", box.answer);
    free_box();
    return result;
}

/* ---- The writer's thread ---- */

bool transmit_next_profile(struct handed_over *ret)
{
    if (box.posted == box.done)
        return false;
    *ret = box.profile;
    ret->answer = box.answer;
    return true;
}

bool transmit_answer(int32_t result)
{
    uint32_t number = box.posted;
    bool is_awaited;

    box.result = result;
    box.answered_ns = monotonic_ns();
    is_awaited = settle();
    box.done = number;
    if (!is_awaited)
        free_box();
    else if (box.is_caller_asleep)
        futex_wake(&box.done);
    return is_awaited;
}

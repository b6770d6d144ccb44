/*
 * export.c - the functions of transmit.h.
 *
 * Each function that needs Go blocks signals (enter), starts Go if it does not run, calls it, and
 * restores the thread's state (leave). A send is tried without Go first. All decisions are made in
 * Go.
 */
#define _GNU_SOURCE
#include "door.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Thread_local char last_error[512];

/* ---- The caller's thread ---- */

struct thread {
    sigset_t signals;
    int cancel_state;
    int error;
};

/* Blocks signals. A handler without SA_ONSTACK would run on a goroutine's stack of a few KiB. The
 * signals of faults cannot be blocked. */
static void enter(struct thread *thread)
{
    sigset_t all;

    thread->error = errno;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGTRAP);
    sigdelset(&all, SIGABRT);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_BLOCK, &all, &thread->signals);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &thread->cancel_state);
    last_error[0] = '\0';
}

static int32_t leave(const struct thread *thread, int32_t result)
{
    if (result < 0 && last_error[0] == '\0')
        snprintf(last_error, sizeof last_error, "%s", transmit_strerror(result));
    pthread_setcancelstate(thread->cancel_state, NULL);
    pthread_sigmask(SIG_SETMASK, &thread->signals, NULL);
    errno = thread->error;
    return result;
}

/* ---- Calls that Go answers ---- */

/* Go runs two calls at once (GOMAXPROCS), and a third waits for one of them without a deadline.
 * Calls with small documents are short. Those with large documents wait here, until a deadline. */
#define LARGE ((size_t)1 << 20)
#define LARGE_AT_ONCE 2
#define GATE_PAUSE_NS 200000

static _Atomic uint32_t large_calls;

static bool admit(int64_t deadline_ns)
{
    const struct timespec pause = {.tv_nsec = GATE_PAUSE_NS};

    while (atomic_fetch_add(&large_calls, 1) >= LARGE_AT_ONCE) {
        atomic_fetch_sub(&large_calls, 1);
        if (monotonic_ns() >= deadline_ns)
            return false;
        syscall(SYS_nanosleep, &pause, NULL);
    }
    return true;
}

static int32_t enter_go(struct call *call, int32_t (*go)(struct call *), int64_t timeout_ns)
{
    int32_t result;

    if (call->len < LARGE)
        return go(call);
    /* A tenth of the time is reserved for the return. */
    if (!admit(call->began_ns + timeout_ns / 10 * 9))
        return TRANSMIT_ETIMEDOUT;
    result = go(call);
    atomic_fetch_sub(&large_calls, 1);
    return result;
}

static int32_t run(struct call *call, int32_t (*go)(struct call *))
{
    struct thread thread;
    int32_t result;
    uint32_t timeout_us = call->timeout_us ? call->timeout_us : configured_timeout_us();

    if (call->began_ns == 0)
        call->began_ns = monotonic_ns();
    enter(&thread);
    call->ret_error = last_error;
    call->ret_error_size = sizeof last_error;
    /* Half of the time: if Go needs longer, PHP sends in plain PHP and needs the other half. */
    result = start_go((int64_t)timeout_us * 500);
    if (result == 0)
        result = enter_go(call, go, (int64_t)timeout_us * 1000);
    return leave(&thread, result);
}

/* Returns a result without Go, with this text in last_error. "": that of transmit_strerror. */
static int32_t answer(int32_t result, const char *text)
{
    struct thread thread;

    enter(&thread);
    snprintf(last_error, sizeof last_error, "%s", text);
    return leave(&thread, result);
}

static int32_t check(const char *json, size_t len)
{
    if (!json)
        return TRANSMIT_ENULL;
    if (len == 0)
        return TRANSMIT_EEMPTY;
    if (len > TRANSMIT_MAX_LENGTH)
        return TRANSMIT_ETOOBIG;
    return 0;
}

/* Tries to send without Go. */
static bool try_first(const struct call *call, const struct target *target, struct attempt *attempt)
{
    if (!target)
        return false;
    attempt->socket_path = call->socket_path ? call->socket_path : target->socket_path;
    attempt->meta = target->meta;
    attempt->max_datagram_size = target->max_datagram_size;
    return try_send(attempt);
}

/* A part of the time is reserved for a busy machine: as wakeUp in transmit/transmit.go. */
static int64_t deadline_of(const struct call *call, const struct target *target)
{
    int64_t timeout_us = call->timeout_us ? call->timeout_us : target->timeout_us;
    int64_t wake_up_us = timeout_us / 25;

    return call->began_ns + (timeout_us - (wake_up_us < 2000 ? wake_up_us : 2000)) * 1000;
}

/* In an outage, Go's writer gets the profile without a call of Go. */
static int32_t to_disk(struct call *call, const struct target *target,
                       const struct attempt *attempt)
{
    struct handed_over profile;
    struct thread thread;
    int32_t result;

    if (attempt->error == 0 || call->socket_path || !go_runs_here() ||
        !copy_to_hand_over(attempt, target->number, &profile))
        return TRANSMIT_EUNSENT;
    if (!target->waits_for_disk)
        call->flags |= TRANSMIT_NO_WAIT;
    enter(&thread);
    call->ret_error = last_error;
    call->ret_error_size = sizeof last_error;
    result = hand_over(call, attempt, &profile, deadline_of(call, target));
    return leave(&thread, result);
}

/* Returns NULL if Go has to change the settings first. */
static const struct target *target_for(const struct call *call)
{
    const struct target *target = get_target();

    return !call->settings || is_target_of(target, call->settings, call->settings_len) ? target
                                                                                       : NULL;
}

/* TRANSMIT_SHRUNK is for the statistics only, so Go does not get it. */
static int32_t send_counted(struct call *call)
{
    const struct target *target = target_for(call);
    int32_t result = check(call->json, call->len);
    struct attempt attempt = {.json = call->json, .len = call->len, .began_ns = call->began_ns};

    if (result)
        return answer(result, "");
    if (call->flags & TRANSMIT_SHRUNK)
        transmit_count(SHRUNK);
    call->flags &= ~TRANSMIT_SHRUNK;
    attempt.flags = call->flags & ~TRANSMIT_NO_WAIT;
    if (target && call->ret_listener)
        strcpy(call->ret_listener, target->socket_path);
    if (try_first(call, target, &attempt)) {
        last_error[0] = '\0';
        return TRANSMIT_SENT;
    }
    result = to_disk(call, target, &attempt);
    return result == TRANSMIT_EUNSENT ? run(call, transmitSend) : result;
}

int32_t transmit_send_with(const char *json, size_t len, uint32_t flags, const char *socket_path,
                           uint32_t timeout_us)
{
    struct call call = {.json = json,
                        .len = len,
                        .flags = flags,
                        .socket_path = socket_path,
                        .timeout_us = timeout_us,
                        .began_ns = monotonic_ns()};
    int32_t result = send_counted(&call);

    count_send(result, len, call.began_ns);
    return result;
}

int32_t transmit_send(const char *json, size_t len)
{
    return transmit_send_with(json, len, 0, NULL, 0);
}

int32_t transmit_try_send(const char *json, size_t len, uint32_t flags, const char *socket_path,
                          const char *meta, uint32_t max_datagram_size)
{
    struct attempt attempt = {.json = json,
                              .len = len,
                              .flags = flags,
                              .socket_path = socket_path,
                              .meta = meta,
                              .max_datagram_size = max_datagram_size,
                              .began_ns = monotonic_ns()};

    if (!try_send(&attempt))
        return TRANSMIT_EUNSENT;
    last_error[0] = '\0';
    count_send(TRANSMIT_SENT, len, attempt.began_ns);
    return TRANSMIT_SENT;
}

/* Bounds the time of Go's parser, which has no deadline. */
#define MAX_SETTINGS ((size_t)64 << 10)

static int32_t check_settings(const char *json, size_t len)
{
    int32_t wrong = check(json, len);
    char text[128];

    if (wrong == 0)
        return len > MAX_SETTINGS ? answer(TRANSMIT_EINVAL, "settings are longer than 64 KiB") : 0;
    snprintf(text, sizeof text, "settings: %s", transmit_strerror(wrong));
    return answer(wrong, text);
}

int32_t transmit_configure(const char *json, size_t len)
{
    struct call call = {.json = json, .len = len};
    int32_t wrong = check_settings(json, len);

    if (wrong)
        return wrong;
    if (is_target_of(get_target(), json, len) && go_runs_here()) {
        last_error[0] = '\0';
        return 0;
    }
    return run(&call, transmitConfigure);
}

/* Returns 0 if no log line is due, else 1 plus the number of lines left out. */
static int64_t ask_to_log(const struct call *call, int32_t result)
{
    const char *path = call->socket_path ? call->socket_path : call->ret_listener;
    int64_t left_out = transmit_log_due_for(result, path);

    return left_out < INT32_MAX ? left_out + 1 : INT32_MAX;
}

int64_t transmit_send_configured(const char *settings, size_t settings_len, const char *json,
                                 size_t len, uint32_t flags, const char *socket_path,
                                 uint32_t timeout_us)
{
    char listener[MAX_PATH + 1] = "";
    struct call call = {.json = json,
                        .len = len,
                        .settings = settings,
                        .settings_len = settings_len,
                        .ret_listener = flags & TRANSMIT_ASK_LOG ? listener : NULL,
                        .flags = flags & ~TRANSMIT_ASK_LOG,
                        .socket_path = socket_path,
                        .timeout_us = timeout_us,
                        .began_ns = monotonic_ns()};
    int32_t result = check_settings(settings, settings_len);
    int64_t lines = 0;

    if (result == 0)
        result = send_counted(&call);
    count_send(result, len, call.began_ns);
    if (result != TRANSMIT_SENT && (flags & TRANSMIT_ASK_LOG))
        lines = ask_to_log(&call, result);
    return lines << 32 | (uint32_t)result;
}

int32_t transmit_flush(uint32_t timeout_us)
{
    struct call call = {.timeout_us = timeout_us ? timeout_us : 1};

    return go_runs_here() ? run(&call, transmitFlush) : answer(TRANSMIT_BUFFERED, "");
}

int32_t transmit_replay(uint32_t max_files, uint32_t budget_us)
{
    struct call call = {.max_files = max_files, .timeout_us = budget_us};

    return run(&call, transmitReplay);
}

/* How long exit(3) waits for a slow disk before the writer ends with the process. */
#define EXIT_FLUSH_US 1000000

__attribute__((destructor)) static void flush_at_exit(void)
{
    struct call call = {.timeout_us = EXIT_FLUSH_US, .is_last = true};

    if (go_runs_here())
        run(&call, transmitFlush);
}

/* ---- Answers that need no Go ---- */

const char *transmit_last_error(void)
{
    return last_error;
}

const char *transmit_version(void)
{
    return TRANSMIT_VERSION;
}

uint32_t transmit_abi_version(void)
{
    return TRANSMIT_ABI_VERSION;
}

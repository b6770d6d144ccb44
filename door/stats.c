/*
 * stats.c - transmit_stats: what became of the profiles of this process, and of all processes of
 * this user.
 *
 * To count is one atomic addition to this process's slot in a small file in memory that all
 * processes map (slot.c). No call waits for it, and the counts of a killed process stay.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "door.h"

static struct slot *here(void)
{
    struct counting *here = counting_here();
    struct slot *own = atomic_load_explicit(&here->own, memory_order_relaxed);

    return own ? own : &here->alone;
}

static void add(size_t counter, uint64_t n)
{
    atomic_fetch_add_explicit(&here()->counter[counter], n, memory_order_relaxed);
}

/* Counter n is for calls that took less than 2 to the nth microseconds; the last one is for the
 * rest. */
static size_t latency_counter(int64_t ns)
{
    uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
    size_t n = us ? 64 - (size_t)__builtin_clzll(us) : 0;

    return LATENCY + (n < LATENCIES ? n : LATENCIES - 1);
}

void count_send(int32_t result, size_t len, int64_t began_ns)
{
    int64_t now_ns = monotonic_ns(), ns = now_ns - began_ns;

    check_shared(now_ns);
    add(RESULT_COUNTER(result), 1);
    add(latency_counter(ns), 1);
    add(LATENCY_SUM_US, (uint64_t)ns / 1000);
    if (result == TRANSMIT_SENT) {
        add(SENT_BYTES, len);
        atomic_store_explicit(&here()->last_sent, (int64_t)time(NULL), memory_order_relaxed);
        return;
    }
    if (result >= 0)
        add(BUFFERED_BYTES, len);
    /* Time and result in one word, so that a reader never sees values of two failures. */
    atomic_store(&here()->last_failure, (int64_t)time(NULL) * 256 - result + TRANSMIT_PENDING);
}

void transmit_count(int32_t event)
{
    add((size_t)event, 1);
}

/* ---- As JSON ---- */

struct text {
    char json[4096];
    size_t length;
};

static void append(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof text->json - text->length;
    int n;

    va_start(arguments, format);
    n = vsnprintf(text->json + text->length, room, format, arguments);
    va_end(arguments);
    if (n > 0)
        text->length += (size_t)n < room ? (size_t)n : room - 1;
}

struct name {
    const char *name;
    size_t counter;
};

#define OF_RESULT(result, name, text) {name, RESULT_COUNTER(TRANSMIT_##result)},
#define OF_COUNTER(counter, name) {name, counter},

static const struct name totals[] = {SAFE_RESULTS(OF_RESULT) C_COUNTERS(OF_COUNTER)
                                         GO_COUNTERS(OF_COUNTER)};
static const struct name refused[] = {REFUSED_RESULTS(OF_RESULT)};
static const struct name lost[] = {LOST_RESULTS(OF_RESULT)};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void append_counters(struct text *text, const struct name *names, size_t count,
                            const struct slot *slot)
{
    for (size_t i = 0; i < count; i++)
        append(text, "%s\"%s\":%llu", i ? "," : "", names[i].name,
               (unsigned long long)slot->counter[names[i].counter]);
}

/* The keys are upper bounds, like Prometheus' le, but each call counts once. */
static void append_latency(struct text *text, const struct slot *slot)
{
    append(text, ",\"latency_us\":{");
    for (size_t i = 0; i < LATENCIES; i++)
        if (i + 1 < LATENCIES)
            append(text, "\"%llu\":%llu,", 1ULL << i,
                   (unsigned long long)slot->counter[LATENCY + i]);
        else
            append(text, "\"+Inf\":%llu}", (unsigned long long)slot->counter[LATENCY + i]);
    append(text, ",\"latency_sum_us\":%llu", (unsigned long long)slot->counter[LATENCY_SUM_US]);
}

static void append_sent(struct text *text, int64_t time)
{
    if (time == 0)
        append(text, ",\"last_sent\":null");
    else
        append(text, ",\"last_sent\":%lld", (long long)time);
}

static void append_failure(struct text *text, int64_t failure)
{
    int32_t result = (int32_t)(TRANSMIT_PENDING - failure % 256);

    if (failure == 0) {
        append(text, ",\"last_failure\":null");
        return;
    }
    append(text, ",\"last_failure\":{\"time\":%lld,\"result\":%d,\"text\":\"%s\"}",
           (long long)(failure / 256), (int)result, transmit_strerror(result));
}

static void append_slot(struct text *text, const struct slot *slot)
{
    append_counters(text, totals, COUNT(totals), slot);
    append(text, ",\"refused\":{");
    append_counters(text, refused, COUNT(refused), slot);
    append(text, "},\"lost\":{");
    append_counters(text, lost, COUNT(lost), slot);
    append(text, "}");
    append_latency(text, slot);
    append_sent(text, slot->last_sent);
    append_failure(text, slot->last_failure);
}

/* A pointer and not the text: thread-local variables are in the static TLS block, and a program
 * that loads the library later has only about a kilobyte left there. */
static _Thread_local struct text *own_text;

/* Frees the text of a thread that ends. If the host has used up all keys, the text is leaked. */
static pthread_key_t key;
static bool has_key;

static void make_key(void)
{
    has_key = pthread_key_create(&key, free) == 0;
}

static struct text *text_of_thread(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (own_text)
        return own_text;
    pthread_once(&once, make_key);
    own_text = malloc(sizeof *own_text);
    if (has_key)
        pthread_setspecific(key, own_text);
    return own_text;
}

static void append_process(struct text *text)
{
    struct slot own = {0};

    read_own(&own);
    add_slot(&own, &counting_here()->alone);
    append(text, "{\"pid\":%d,", (int)getpid());
    append_slot(text, &own);
    append(text, "}");
}

static void append_pool(struct text *text)
{
    struct slot pool = {0};
    uint32_t processes = read_all(&pool);

    if (processes == 0) {
        append(text, "null,\"pool_error\":\"%s\"", shared_error());
        return;
    }
    add_slot(&pool, &counting_here()->alone);
    append(text, "{\"processes\":%u,", (unsigned)processes);
    append_slot(text, &pool);
    append(text, "}");
}

static void build(struct text *text)
{
    join_shared();
    text->length = 0;
    append(text, "{\"process\":");
    append_process(text);
    append(text, ",\"pool\":");
    append_pool(text);
    append(text, ",\"go\":\"%s\"}", go_state());
}

const char *transmit_stats(void)
{
    int error = errno;
    struct text *text = text_of_thread();

    if (text)
        build(text);
    errno = error;
    return text ? text->json : "{}";
}

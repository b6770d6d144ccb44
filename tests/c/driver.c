/*
 * driver.c - a host process that reads commands from standard input, one a line, and
 * answers each on standard output:
 *
 *   load PATH                      the document; ######## in it counts the sends
 *   null                           the document is NULL
 *   length N                       pretends that the document has N bytes
 *   send COUNT FLAGS TIMEOUT PATH  transmit_send_with; - is no path
 *   try COUNT FLAGS PATH           transmit_try_send
 *   under FLAGS SETTINGS           transmit_send_configured. There are two answers: its result, and
 *                                  its upper 32 bits
 *   plain                          transmit_send
 *   configure                      the document
 *   flush TIMEOUT
 *   replay MAXIMUM BUDGET          transmit_replay
 *   text RESULT                    transmit_strerror, in the answer's place
 *   due RESULT [SOCKET_PATH]       transmit_log_due, transmit_log_due_for
 *   keys                           takes all pthread keys that are left
 *   limit RESOURCE N               RLIMIT_NPROC, _AS, _NOFILE, …; -1 is the hard limit
 *   threads COUNT SENDS            COUNT threads send SENDS times each. There is one answer: its
 *                                  result is how many failed, its text how many were SENT
 *   slowest                        microseconds of the slowest call of these threads
 *   closefrom N
 *   occupy PATH TYPE FIRST         takes the lowest free descriptor numbers, in turn for a file
 *                                  (first, if FIRST is 1) and for a socket of that type
 *   occupied                       bytes that were written to these, or -1
 *   chroot DIR
 *   seteuid UID, setuid UID
 *   users UID COUNT                COUNT times seteuid(2) to UID and back while another thread
 *                                  sends; the answer is as of threads
 *   umask MODE
 *   leave N                        exit(3) N microseconds after 16 threads have begun to send
 *   end HOW                        exit, _exit, quick_exit, abort, or exec
 *
 * An answer is "RESULT MICROSECONDS TEXT"; a send has COUNT of them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "driver_descriptors.h"
#include "transmit.h"

static char *document;
static size_t length;

static long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void answer(long result, long began_us)
{
    long took_us = now_us() - began_us;

    printf("%ld %ld %s\n", result, took_us, transmit_last_error());
}

static void load(const char *path)
{
    FILE *file = fopen(path, "r");
    struct stat status;

    if (!file || fstat(fileno(file), &status) != 0)
        exit(2);
    free(document);
    length = (size_t)status.st_size;
    document = malloc(length + 1);
    if (!document || fread(document, 1, length, file) != length)
        exit(2);
    document[length] = '\0';
    fclose(file);
}

static void send_all(const char *arguments)
{
    int count;
    unsigned flags, timeout_us;
    char path[512], number[9];
    char *place = document ? memmem(document, length, "########", 8) : NULL;

    if (sscanf(arguments, "%d %u %u %511s", &count, &flags, &timeout_us, path) != 4)
        exit(2);
    for (int i = 0; i < count; i++) {
        snprintf(number, sizeof number, "%08u", (unsigned)i % 100000000);
        if (place)
            memcpy(place, number, 8);
        long began_us = now_us();
        answer(transmit_send_with(document, length, flags, strcmp(path, "-") ? path : NULL,
                                  timeout_us),
               began_us);
    }
    if (place)
        memcpy(place, "########", 8);
}

static void try_all(const char *arguments)
{
    int count;
    unsigned flags;
    char path[512];

    if (sscanf(arguments, "%d %u %511s", &count, &flags, path) != 3)
        exit(2);
    for (int i = 0; i < count; i++) {
        long began_us = now_us();

        answer(transmit_try_send(document, length, flags, path, NULL, 65507), began_us);
    }
}

static void send_under(const char *arguments)
{
    const char *settings = strchr(arguments, ' ') + 1;
    long began_us = now_us();
    int64_t both = transmit_send_configured(settings, strlen(settings), document, length,
                                            (uint32_t)strtoul(arguments, NULL, 10), NULL, 0);

    answer((int32_t)both, began_us);
    answer(both >> 32, began_us);
}

static int sends_each, serial, sent, refused;
static long slowest_us;

static void *send_own(void *nothing)
{
    char *own = malloc(length), number[9];
    char *place;

    memcpy(own, document, length);
    place = memmem(own, length, "########", 8);
    for (int i = 0; i < sends_each; i++) {
        snprintf(number, sizeof number, "%08u",
                 (unsigned)__atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED) % 100000000);
        if (place)
            memcpy(place, number, 8);
        long began_us = now_us();
        int32_t result = transmit_send(own, length);
        long took_us = now_us() - began_us;
        long before_us = __atomic_load_n(&slowest_us, __ATOMIC_RELAXED);
        while (took_us > before_us &&
               !__atomic_compare_exchange_n(&slowest_us, &before_us, took_us, 0, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED))
            ;
        __atomic_fetch_add(result < 0 ? &refused : &sent, result <= 0, __ATOMIC_RELAXED);
    }
    free(own);
    return nothing;
}

static void threads(const char *arguments)
{
    pthread_t thread[64];
    int count;
    long began_us = now_us();

    if (sscanf(arguments, "%d %d", &count, &sends_each) != 2 || count > 64)
        exit(2);
    serial = sent = refused = 0;
    slowest_us = 0;
    for (int i = 0; i < count; i++)
        if (pthread_create(&thread[i], NULL, send_own, NULL) != 0)
            exit(2);
    for (int i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
    printf("%d %ld %d\n", refused, now_us() - began_us, sent);
}

static int32_t replay(const char *arguments)
{
    unsigned max_files, budget_us;

    if (sscanf(arguments, "%u %u", &max_files, &budget_us) != 2)
        exit(2);
    return transmit_replay(max_files, budget_us);
}

static void limit(const char *arguments)
{
    char name[16];
    long value;
    struct rlimit limit;

    if (sscanf(arguments, "%15s %ld", name, &value) != 2)
        exit(2);
    int resource = strcmp(name, "nproc") == 0   ? RLIMIT_NPROC
                   : strcmp(name, "as") == 0    ? RLIMIT_AS
                   : strcmp(name, "fsize") == 0 ? RLIMIT_FSIZE
                   : strcmp(name, "data") == 0  ? RLIMIT_DATA
                   : strcmp(name, "stack") == 0 ? RLIMIT_STACK
                                                : RLIMIT_NOFILE;
    getrlimit(resource, &limit);
    limit.rlim_cur = value < 0 ? limit.rlim_max : (rlim_t)value;
    answer(setrlimit(resource, &limit), now_us());
}

static void due(const char *arguments)
{
    const char *path = strchr(arguments, ' ');
    int32_t result = atoi(arguments);

    answer(path ? transmit_log_due_for(result, path + 1) >= 0 : transmit_log_due(result, NULL),
           now_us());
}

static void take_keys(void)
{
    pthread_key_t key;

    while (pthread_key_create(&key, NULL) == 0)
        ;
    answer(0, now_us());
}

/* seteuid(3) makes every thread change by a signal, the library's as well. */
static void users(const char *arguments)
{
    pthread_t thread;
    int uid, count;
    long began_us = now_us();

    if (sscanf(arguments, "%d %d", &uid, &count) != 2)
        exit(2);
    serial = sent = refused = 0;
    slowest_us = 0;
    sends_each = count;
    pthread_create(&thread, NULL, send_own, NULL);
    for (int i = 0; i < count; i++)
        if (seteuid((uid_t)uid) != 0 || seteuid(0) != 0)
            exit(2);
    pthread_join(thread, NULL);
    printf("%d %ld %d\n", refused, now_us() - began_us, sent);
}

static void leave(useconds_t after_us)
{
    pthread_t thread;

    sends_each = 1000000;
    for (int i = 0; i < 16; i++)
        if (pthread_create(&thread, NULL, send_own, NULL) != 0)
            _exit(2);
    usleep(after_us);
    exit(0);
}

static void end(const char *how)
{
    if (strcmp(how, "exit") == 0)
        exit(0);
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(0);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "exec") == 0)
        execl("/bin/true", "true", (char *)NULL);
    _exit(0);
}

static bool obey(const char *verb, const char *arguments)
{
    long began_us = now_us();

    if (strcmp(verb, "load") == 0)
        load(arguments);
    else if (strcmp(verb, "null") == 0)
        document = NULL;
    else if (strcmp(verb, "length") == 0)
        length = strtoul(arguments, NULL, 10);
    else if (strcmp(verb, "send") == 0)
        send_all(arguments);
    else if (strcmp(verb, "try") == 0)
        try_all(arguments);
    else if (strcmp(verb, "under") == 0)
        send_under(arguments);
    else if (strcmp(verb, "plain") == 0)
        answer(transmit_send(document, length), began_us);
    else if (strcmp(verb, "configure") == 0)
        answer(transmit_configure(document, length), began_us);
    else if (strcmp(verb, "flush") == 0)
        answer(transmit_flush((uint32_t)strtoul(arguments, NULL, 10)), began_us);
    else if (strcmp(verb, "replay") == 0)
        answer(replay(arguments), began_us);
    else if (strcmp(verb, "text") == 0)
        printf("%s\n", transmit_strerror(atoi(arguments)));
    else if (strcmp(verb, "stats") == 0)
        printf("%s\n", transmit_stats());
    else if (strcmp(verb, "threads") == 0)
        threads(arguments);
    else if (strcmp(verb, "slowest") == 0)
        answer(slowest_us, now_us());
    else if (strcmp(verb, "due") == 0)
        due(arguments);
    else if (strcmp(verb, "keys") == 0)
        take_keys();
    else if (strcmp(verb, "limit") == 0)
        limit(arguments);
    else if (strcmp(verb, "closefrom") == 0)
        close_from(atoi(arguments));
    else if (strcmp(verb, "occupy") == 0)
        answer(occupy(arguments), began_us);
    else if (strcmp(verb, "occupied") == 0)
        answer(occupied(), began_us);
    else if (strcmp(verb, "chroot") == 0)
        answer(chroot(arguments) ? -1 : chdir("/"), began_us);
    else if (strcmp(verb, "seteuid") == 0)
        answer(seteuid((uid_t)atol(arguments)), began_us);
    else if (strcmp(verb, "setuid") == 0)
        answer(setuid((uid_t)atol(arguments)), began_us);
    else if (strcmp(verb, "users") == 0)
        users(arguments);
    else if (strcmp(verb, "umask") == 0)
        answer(umask((mode_t)strtoul(arguments, NULL, 8)), began_us);
    else if (strcmp(verb, "leave") == 0)
        leave((useconds_t)atol(arguments));
    else if (strcmp(verb, "end") == 0)
        end(arguments);
    else
        return false;
    return true;
}

int main(void)
{
    static char line[1 << 17];

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        char *arguments = line + strcspn(line, " \n");

        line[strcspn(line, "\n")] = '\0';
        if (*arguments)
            *arguments++ = '\0';
        if (!obey(line, arguments))
            return 2;
    }
    return 0;
}

/* rows.c - the rows of bench.c. */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static char where[100];
static int bare = -1;

/* ---- Allocations ---- */

static long allocations;

void *__libc_malloc(size_t size);

/* All of the process call this one. */
void *malloc(size_t size)
{
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_malloc(size);
}

/* ---- A listener that takes everything ---- */

static bool by_send(void)
{
    return send(bare, json, length, MSG_DONTWAIT) == (ssize_t)length;
}

/* The least that knows its descriptor again, which the host may have closed. */
static bool by_identified(void)
{
    return fcntl(bare, F_GETSIG) >= 0 && by_send();
}

bool by_trusted(void)
{
    return transmit_send_with(json, length, TRANSMIT_TRUSTED, NULL, 0) == TRANSMIT_SENT;
}

static bool as_is(void)
{
    return transmit_send_with(json, length, TRANSMIT_AS_IS, NULL, 0) == TRANSMIT_SENT;
}

bool by_checked(void)
{
    return transmit_send(json, length) == TRANSMIT_SENT;
}

void receive(void)
{
    static char datagram[1 << 18];

    if (recv(receiver, datagram, sizeof datagram, MSG_DONTWAIT) < 0 && errno != EAGAIN)
        fail("recv");
    if (journal >= 0)
        recv(journal, datagram, sizeof datagram, MSG_DONTWAIT);
}

static void listen_in(const char *folder)
{
    snprintf(where, sizeof where, "%s/s", folder);
    receiver = bind_to(where);
    configure(folder);
}

/* What is compared closely has no third way between, which leaves other caches. */
static void compare_at(size_t bytes, const struct way *others)
{
    const struct way close[] = {{"send", by_send}, {"trusted", by_trusted}, {0}};
    char row[32];

    make_profile(bytes);
    snprintf(row, sizeof row, "send-%zu", bytes);
    compare(row, close, 2000, receive);
    compare(row, others, 500, receive);
}

/* Without the first sends, in which Go starts. */
static void count_allocations(void)
{
    long before = allocations;

    for (int i = 0; i < 1000; i++, receive())
        if (!by_trusted())
            fail("allocations");
    printf("allocations\ttrusted\t%ld\n", allocations - before);
}

void run_send(const char *folder)
{
    static const size_t sizes[] = {64, 512, 4096, 13000, 26000, 45000, 65000};
    struct way others[] = {{"identified", by_identified},
                           {"as-is", as_is},
                           {"checked", by_checked},
                           {"journal", by_journal},
                           {0}};
    const char *why = listen_as_journald();
    struct sockaddr_un address;

    listen_in(folder);
    address = address_of(where);
    bare = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (connect(bare, (struct sockaddr *)&address, sizeof address))
        fail("connect");
    if (why) {
        printf("# sd_journal_send is not measured: %s\n", why);
        others[3].name = NULL;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        compare_at(sizes[i], others);
    count_allocations();
}

static bool by_memcpy(void)
{
    static char *copy;

    if (!copy)
        copy = malloc(length);
    memcpy(copy, json, length);
    return copy[length / 2] == json[length / 2];
}

/* With more time than a call has: on a busy machine it takes longer, and is to be seen. */
static bool by_cutting(void)
{
    return transmit_send_with(json, length, 0, NULL, 10000000) == TRANSMIT_SENT;
}

void run_cut(const char *folder)
{
    const struct way ways[] = {{"memcpy", by_memcpy}, {"transmit", by_cutting}, {0}};

    listen_in(folder);
    make_profile(10000000);
    compare("cut-10m", ways, 30, receive);
}

/* ---- Nobody listens ---- */

static char directory[90];

static void nothing(void)
{
}

/* The least that makes a whole file: under another name first. */
static bool by_file(void)
{
    static unsigned number;
    char new[128], name[128];
    int fd;

    snprintf(new, sizeof new, "%s/new", directory);
    snprintf(name, sizeof name, "%s/file_%08u", directory, number++);
    fd = open(new, O_CREAT | O_EXCL | O_WRONLY, 0600);
    return fd >= 0 && write(fd, json, length) == (ssize_t)length && close(fd) == 0 &&
           rename(new, name) == 0;
}

/* In a file, or on its way there: on a busy machine, a call may end with its time. */
static bool is_kept(void)
{
    return transmit_send_with(json, length, TRANSMIT_TRUSTED, NULL, 0) >= 0;
}

void run_disk(const char *folder)
{
    const struct way ways[] = {{"file", by_file}, {"transmit", is_kept}, {0}};
    const struct way least[] = {{"file", by_file}, {"thread", by_writer}, {0}};

    snprintf(directory, sizeof directory, "%s/files", folder);
    mkdir(directory, 0700);
    start_writer(by_file);
    configure(folder);
    make_profile(4096);
    compare("c-disk", ways, 1000, nothing);
    compare("c-disk-thread", least, 1000, nothing);
}

/* ---- A listener that reads nothing ---- */

/* What a program does without the library: a socket, 50 ms of patience, a file. */
static bool by_patience(void)
{
    const struct timeval patience = {.tv_usec = 50000};
    struct sockaddr_un address = address_of(where);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    bool done;

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    done = sendto(fd, json, length, 0, (struct sockaddr *)&address, sizeof address) ==
               (ssize_t)length ||
           by_file();
    close(fd);
    return done;
}

/* Prints what one of so many calls took: all of them together matter here. */
static void print_mean(const char *way, bool (*run)(void), int calls)
{
    int64_t start_ns = now_ns();

    for (int i = 0; i < calls; i++)
        if (!run())
            fail("c-wedged: %s", way);
    printf("c-wedged\t%s\t%lld\n", way, (long long)((now_ns() - start_ns) / calls));
}

void run_wedged(const char *folder)
{
    snprintf(directory, sizeof directory, "%s/wedged", folder);
    mkdir(directory, 0700);
    listen_in(folder);
    make_profile(400);
    print_mean("transmit", is_kept, 1000);
    print_mean("patience", by_patience, 10);
}

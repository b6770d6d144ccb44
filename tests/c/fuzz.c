/*
 * fuzz.c SETTINGS SOCKET SECONDS SEED - calls every function of transmit.h with random arguments
 * for SECONDS. All memory that the library may read is read-only and ends, or begins, at a page
 * that is not mapped. So reading a byte too many, or changing one, ends the process. It is built
 * with ASan and UBSan (fuzz_test.go).
 *
 * It binds SOCKET and reads each datagram at once. Prints how many calls there were, then how many
 * were sent, buffered and refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fuzz_documents.h"
#include "transmit.h"

static const char *settings, *socket_name;
static int listener;
static unsigned long seed, calls, sent, buffered, refused;

static void fail(const char *what, long result)
{
    fprintf(stderr, "seed %lu, call %lu: %s: %ld, %s\n", seed, calls, what, result,
            transmit_last_error());
    exit(1);
}

/* ---- Memory with an end on both sides ---- */

struct glass {
    char *begin;
    size_t size;
};

static struct glass glass_of(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *all =
        mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (all == MAP_FAILED)
        exit(2);
    return (struct glass){all + page, size};
}

/* The bytes at one end of it, to be read only; beyond them lies what would be taken for JSON. */
static const char *show(struct glass *glass, const char *bytes, size_t size)
{
    char *place = chance(2) ? glass->begin : glass->begin + glass->size - size;

    mprotect(glass->begin, glass->size, PROT_READ | PROT_WRITE);
    memset(glass->begin, "\"}0 "[chance(4)], size + 64 < glass->size ? size + 64 : glass->size);
    memcpy(place, bytes, size);
    mprotect(glass->begin, glass->size, PROT_READ);
    return place;
}

static struct glass document_glass, path_glass, number_glass;

/* ---- Calls ---- */

static bool is_known(int32_t result)
{
    return (result >= TRANSMIT_ETOOBIG && result <= TRANSMIT_PENDING) || result == TRANSMIT_EBUSY ||
           result == TRANSMIT_ETIMEDOUT;
}

/* What every answer has to be. */
static int32_t checked(const char *what, int32_t result, int error)
{
    calls++;
    if (errno != error)
        fail("errno has changed", errno);
    if (!is_known(result))
        fail(what, result);
    if (result < 0 && transmit_last_error()[0] == '\0')
        fail("no word about it", result);
    if (strcmp(transmit_strerror(result), transmit_strerror(-9999)) == 0)
        fail("a result without text", result);
    return result;
}

static const char *make_path(void)
{
    char path[400];
    size_t size = 1 + some(sizeof path - 1);

    switch (chance(8)) {
    case 0:
    case 1:
    case 2: /* most without Go */
        return NULL;
    case 3:
    case 4:
        return show(&path_glass, socket_name, strlen(socket_name) + 1);
    case 5:
        snprintf(path, sizeof path, "%s.nobody", socket_name);
        return show(&path_glass, path, strlen(path) + 1);
    }
    for (size_t i = 0; i < size; i++)
        path[i] = (char)(1 + chance(255));
    path[size - 1] = '\0';
    return show(&path_glass, path, size);
}

/* Whether the datagram is the document, or for what is not AS_IS, looks like it. */
static void check_datagram(const char *json, uint32_t flags)
{
    static char datagram[ROOM + 1024];
    ssize_t size = recv(listener, datagram, sizeof datagram, MSG_DONTWAIT);

    if (size < 0)
        fail("sent, and nothing came", errno);
    if (flags & TRANSMIT_AS_IS) {
        if ((size_t)size != length || memcmp(datagram, json, length) != 0)
            fail("another document came", size);
    } else if (!memmem(datagram, (size_t)size, "\"_meta\":{\"timestamp\":", 21) &&
               !memmem(datagram, (size_t)size, "{\"timestamp\":", 13)) {
        fail("a document without _meta came", size);
    }
    if (recv(listener, datagram, 1, MSG_DONTWAIT) >= 0)
        fail("a second datagram came", size);
}

static void configure(void)
{
    if (checked("settings", transmit_configure(settings, strlen(settings)), errno) != 0)
        fail("the settings", -1);
}

/* In both ways. */
static int32_t send_somehow(const char *json, uint32_t flags, const char *path, uint32_t timeout_us)
{
    if (chance(2))
        return transmit_send_with(json, length, flags, path, timeout_us);
    return (int32_t)transmit_send_configured(settings, strlen(settings), json, length,
                                             flags & ~TRANSMIT_ASK_LOG, path, timeout_us);
}

static void try_send(void)
{
    uint32_t flags = (uint32_t)(chance(30) ? chance(8) : chance(1ul << 32));
    uint32_t timeout_us = (uint32_t)(chance(3) ? 0 : some(2000000));
    const char *json = show(&document_glass, text, length), *path = make_path();
    int error = errno = (int)chance(200);
    int32_t result = checked("send", send_somehow(json, flags, path, timeout_us), error);

    sent += result == TRANSMIT_SENT;
    buffered += result > 0;
    refused += result < 0;
    if (flags > 7 && result != TRANSMIT_EINVAL)
        fail("impossible flags", result);
    if (result == TRANSMIT_SENT) {
        if (flags & TRANSMIT_TO_DISK)
            fail("sent, not written", flags);
        check_datagram(json, flags);
    }
    if (flags & (TRANSMIT_TRUSTED | TRANSMIT_AS_IS) || flags > 7)
        return;
    /* Settings are read by the same rules; time is not up for them. */
    bool refuses = result <= TRANSMIT_ESYNTAX && result >= TRANSMIT_EUTF8;
    errno = error;
    int32_t other = checked("configure", transmit_configure(json, length), error);
    if (refuses ? other != result : result >= 0 && other != 0 && other != TRANSMIT_EINVAL)
        fail("send and configure differ", other);
    configure();
}

static void try_wrong(void)
{
    static const size_t lengths[] = {0, 1, TRANSMIT_MAX_LENGTH + 1, (size_t)-1};
    size_t wrong = lengths[chance(4)];
    const char *nothing = wrong == 1 ? NULL : document_glass.begin - 1; /* not readable */
    int32_t want = !nothing ? TRANSMIT_ENULL : wrong ? TRANSMIT_ETOOBIG : TRANSMIT_EEMPTY;
    int error = errno = (int)chance(200);

    if (checked("wrong send", transmit_send(nothing, wrong), error) != want)
        fail("a wrong length", (long)wrong);
    if (checked("wrong configure", transmit_configure(nothing, wrong), error) != want)
        fail("a wrong length of settings", (long)wrong);
}

static void try_the_others(void)
{
    uint32_t *number = (uint32_t *)(number_glass.begin + number_glass.size) - 1;
    int32_t result = (int32_t)(chance(2) ? (long)chance(200) - 100 : (long)chance(1ul << 32));
    int error = errno = (int)chance(200);
    int32_t due = transmit_log_due(result, chance(3) ? number : NULL);

    if (chance(2))
        due = transmit_log_due_for(result, chance(3) ? "/nowhere/s" : NULL) >= 0;
    if (due != 0 && due != 1)
        fail("log_due", due);
    if (!*transmit_strerror(result) || !*transmit_version() || transmit_abi_version() != 1)
        fail("text", result);
    checked("flush", transmit_flush((uint32_t)chance(100)), error);
}

static void try_all(void)
{
    make_document(settings);
    try_send();
    if (chance(8) == 0)
        try_wrong();
    if (chance(8) == 0)
        try_the_others();
}

static void begin(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int room = 4 << 20;

    document_glass = glass_of(ROOM);
    path_glass = glass_of(4096);
    number_glass = glass_of(4096);
    mprotect(number_glass.begin, number_glass.size, PROT_READ | PROT_WRITE);
    strncpy(address.sun_path, socket_name, sizeof address.sun_path - 1);
    listener = socket(AF_UNIX, SOCK_DGRAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
        exit(2);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    settings = argv[1];
    socket_name = argv[2];
    seed = state = strtoul(argv[4], NULL, 10) | 1;
    begin();
    while (transmit_configure(settings, strlen(settings)) == TRANSMIT_ESTARTING)
        ; /* a busy machine */
    configure();
    for (time_t end = time(NULL) + atol(argv[3]); time(NULL) <= end;)
        try_all();
    printf("%lu %lu %lu %lu\n", calls, sent, buffered, refused);
    return 0;
}

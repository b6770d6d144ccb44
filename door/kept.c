/*
 * kept.c - the sockets that try_send.c uses.
 *
 * It keeps a socket open for each of the first paths, recognizes it as its own, and checks which
 * listener is bound to the path.
 *
 * There are no locks, because a signal handler may call the library in the middle of this code, and
 * a fork may happen at any moment. A thread that cannot use a kept socket opens one for this send.
 * System calls are made with syscall(2), because libc's functions are cancellation points.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "door.h"

/* ---- Kept sockets ----
 *
 * One for each of the first paths that took a datagram: a process has few. They are in the page
 * that a forked child reads as zero (start.c), so a child opens its own sockets. A stored path
 * never changes. */

/* The signal for input and output (F_SETSIG) marks a kept socket: the host may have closed it, and
 * opened another file under the same number. The signal is never sent, because O_ASYNC is not set.
 * A host that wants such signals uses SIGIO or a real-time signal. Each path has a signal of its
 * own, so no profile goes to another listener. */
static const int kept_signals[] = {SIGWINCH, SIGTTOU, SIGTTIN, SIGTSTP};
_Static_assert(sizeof kept_signals / sizeof *kept_signals == KEPT_SOCKETS, "one for each");

/* Marks a socket that is not kept yet. */
#define ONCE SIGCONT

/* In ordinary memory, so that a child knows which sockets it has inherited. */
static _Atomic int last_kept[KEPT_SOCKETS];

static bool has_signal(int fd, int signal)
{
    return fd > 2 && syscall(SYS_fcntl, fd, F_GETSIG) == signal;
}

static void close_socket(int fd, int signal)
{
    if (has_signal(fd, signal))
        syscall(SYS_close, fd);
}

static bool is_for(struct kept *kept, const char *path)
{
    return atomic_load_explicit(&kept->state, memory_order_acquire) == READY &&
           strcmp(kept->path, path) == 0;
}

/* Returns the index of the path, or KEPT_SOCKETS. */
static size_t find(const char *path)
{
    struct kept *kept = kept_sockets();
    size_t i = 0;

    while (kept && i < KEPT_SOCKETS && !is_for(&kept[i], path))
        i++;
    return kept ? i : KEPT_SOCKETS;
}

/* Stores the path and returns its index. Returns KEPT_SOCKETS if all are taken, or while another
 * thread, or the code that a signal has interrupted, stores one. */
static size_t claim(const char *path)
{
    struct kept *kept = kept_sockets();
    char copy[MAX_PATH + 1]; /* a fault in the caller's memory must not leave it CLAIMED */

    if (!kept)
        return KEPT_SOCKETS;
    strcpy(copy, path);
    for (size_t i = 0; i < KEPT_SOCKETS; i++) {
        uint32_t state = EMPTY;

        if (atomic_compare_exchange_strong(&kept[i].state, &state, CLAIMED)) {
            strcpy(kept[i].path, copy);
            atomic_store_explicit(&kept[i].state, READY, memory_order_release);
            return i;
        }
        if (state == CLAIMED)
            return KEPT_SOCKETS;
        if (is_for(&kept[i], path))
            return i;
    }
    return KEPT_SOCKETS;
}

/* Replaces the kept socket old, which the host has closed (0: there was none), by fd. Returns false
 * if another thread was faster. */
static bool keep(size_t i, int old, int fd)
{
    int inherited;

    if (syscall(SYS_fcntl, fd, F_SETSIG, kept_signals[i]) != 0)
        return false;
    if (!atomic_compare_exchange_strong(&kept_sockets()[i].fd, &old, fd)) {
        syscall(SYS_fcntl, fd, F_SETSIG, ONCE);
        return false;
    }
    inherited = atomic_exchange(&last_kept[i], fd);
    if (old == 0 && inherited != fd)
        close_socket(inherited, kept_signals[i]);
    return true;
}

/* ---- One socket ---- */

/* The result is never 0, 1 or 2: a host that has closed its standard streams may still print to
 * these numbers. */
static int above_standard_streams(int fd)
{
    int high;

    if (fd < 0 || fd > 2)
        return fd;
    high = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
    syscall(SYS_close, fd);
    return high;
}

static int open_socket(void)
{
    const struct timeval timeout = {.tv_usec = 50000};
    int fd =
        above_standard_streams((int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

    if (fd < 0)
        return -1;
    syscall(SYS_fcntl, fd, F_SETSIG, ONCE);
    syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    return fd;
}

/* The path fits into the address: is_possible() checks that. */
static bool connect_to(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    memcpy(address.sun_path, path, len);
    return syscall(SYS_connect, fd, &address, offsetof(struct sockaddr_un, sun_path) + len + 1) ==
           0;
}

#define HOW (MSG_DONTWAIT | MSG_NOSIGNAL)

static bool send_once(int fd, const struct datagram *text)
{
    struct iovec pieces[] = {{(char *)text->head, text->head_len},
                             {(char *)text->tail, text->tail_len}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    long sent = text->tail_len == 0
                    ? syscall(SYS_sendto, fd, text->head, text->head_len, HOW, NULL, 0)
                    : syscall(SYS_sendmsg, fd, &message, HOW);

    return sent == (long)(text->head_len + text->tail_len);
}

/* The listener was restarted, or its queue is full and another listener may be bound to the path by
 * now. */
static bool is_worth_connecting(int error)
{
    return error == ECONNREFUSED || error == ECONNRESET || error == ENOTCONN || error == EPIPE ||
           error == EAGAIN;
}

static bool connect_and_send(int fd, const char *path, const struct datagram *text)
{
    bool sent = connect_to(fd, path) && send_once(fd, text);

    if (sent)
        transmit_count(CONNECTS);
    return sent;
}

/* ---- Who is bound to the path ----
 *
 * A socket keeps its peer even after another listener is bound to the path. So the file at the path
 * is checked once a second. */

#define CHECK_INTERVAL_NS ((int64_t)1000000000)
#define NO_FILE 0u

/* Identifies a file, even where a file system reuses inode numbers. */
static uint64_t file_at(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return NO_FILE;
    return ((uint64_t)status.st_ino * 0x9e3779b97f4a7c15u) ^
           ((uint64_t)status.st_dev * 0xbf58476d1ce4e5b9u) ^
           (((uint64_t)status.st_mtim.tv_sec * 1000000000 + (uint64_t)status.st_mtim.tv_nsec) |
            1u << 31);
}

static void remember(struct kept *kept, uint64_t file, int64_t now_ns)
{
    kept->file = file;
    kept->next_check_ns = now_ns + CHECK_INTERVAL_NS;
}

/* Only one thread checks, because the file system may hang. If the host may no longer look at the
 * path (it has given up privileges), the answer is yes. */
static bool is_still_there(struct kept *kept, int64_t now_ns)
{
    int64_t next_ns = kept->next_check_ns;
    uint64_t file;

    if (now_ns < next_ns ||
        !atomic_compare_exchange_strong(&kept->next_check_ns, &next_ns, now_ns + CHECK_INTERVAL_NS))
        return true;
    errno = 0;
    file = file_at(kept->path);
    if (file == kept->file || (file == NO_FILE && errno != ENOENT && errno != ENOTDIR))
        return true;
    kept->next_check_ns = 0;
    return false;
}

static bool send_kept(struct kept *kept, int fd, const struct datagram *text, int64_t now_ns)
{
    uint64_t file;

    if (is_still_there(kept, now_ns)) {
        if (send_once(fd, text))
            return true;
        if (!is_worth_connecting(errno))
            return false;
    }
    file = file_at(kept->path);
    if (!connect_and_send(fd, kept->path, text))
        return false;
    remember(kept, file, now_ns);
    return true;
}

static bool send_by_new_socket(size_t i, int old, const char *path, const struct datagram *text,
                               int64_t now_ns)
{
    uint64_t file;
    bool sent;
    int fd;

    errno = 0;
    file = file_at(path);
    if (file == NO_FILE && errno == ENOENT)
        return false;
    fd = open_socket();
    if (fd < 0)
        return false;
    sent = connect_and_send(fd, path, text);
    if (sent && i == KEPT_SOCKETS)
        i = claim(path);
    if (sent && i < KEPT_SOCKETS && keep(i, old, fd))
        remember(&kept_sockets()[i], file, now_ns);
    else
        close_socket(fd, ONCE);
    return sent;
}

bool send_to(const char *path, const struct datagram *text, int64_t now_ns)
{
    size_t i = find(path);
    int fd = i < KEPT_SOCKETS ? kept_sockets()[i].fd : 0;

    if (i < KEPT_SOCKETS && has_signal(fd, kept_signals[i]))
        return send_kept(&kept_sockets()[i], fd, text, now_ns);
    return send_by_new_socket(i, fd, path, text, now_ns);
}

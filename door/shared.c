/*
 * shared.c - the file in /dev/shm that all processes of one user map: their counters (slot.c) and
 * notes (note.c).
 *
 * The file must be in memory, because writing to a page of a file on a disk may wait for that disk.
 * No part of it is ever locked, so a process that is killed blocks no other one. transmit_stats
 * calls shared_fd with cancellation enabled, so that uses syscall(2): open and close of libc are
 * cancellation points.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "door.h"

/* If that file has another layout, as after an upgrade, this version uses a file of its own. */
#define PATH_FORMAT "/dev/shm/libtransmit-%u.1"
#define OTHER_PATH_FORMAT PATH_FORMAT ".%llx"

/* Change the number if fields get another order or meaning. The size alone does not tell that a
 * counter was added: slots are padded. */
#define LAYOUT (0x74780003u + ((uint64_t)sizeof(struct shared) << 32) + ((uint64_t)COUNTERS << 56))
_Static_assert(sizeof(struct shared) < 1u << 24 && COUNTERS < 256, "LAYOUT has no room for them");

static struct shared *_Atomic pool;
static const char *_Atomic problem = "not opened yet";

/* The mapped file. */
static struct {
    char path[64];
    uid_t owner;
    struct stat status;
} file;

struct shared *shared_memory(void)
{
    return atomic_load_explicit(&pool, memory_order_acquire);
}

const char *shared_problem(void)
{
    return is_truncated() ? "the file in /dev/shm was truncated" : problem;
}

/* A number and not strerror's text, which may be translated and break the JSON. */
static const char *failed(const char *what, int error)
{
    static char text[64];

    snprintf(text, sizeof text, "%s: error %d", what, error);
    return text;
}

/* Another user may have made it: a link, or a file that others can read or truncate. */
static const char *distrust(int fd)
{
    struct stat status;
    struct statfs file_system;

    if (fstat(fd, &status) != 0 || fstatfs(fd, &file_system) != 0)
        return failed("stat", errno);
    if (file_system.f_type != TMPFS_MAGIC)
        return "/dev/shm is not in memory";
    if (!S_ISREG(status.st_mode) || status.st_nlink != 1 || status.st_uid != geteuid() ||
        (status.st_mode & 077) != 0)
        return "the file in /dev/shm belongs to another user or is open to others";
    return NULL;
}

/* Allocates all pages of the file. If RLIMIT_FSIZE is too low, the kernel sends this thread a
 * SIGXFSZ, which would end the host. */
static int allocate(int fd, off_t size)
{
    const struct timespec at_once = {0, 0};
    sigset_t only, before, pending;
    int error;

    sigemptyset(&only);
    sigaddset(&only, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &only, &before);
    sigpending(&pending);
    error = posix_fallocate(fd, 0, size);
    if (error == EFBIG && !sigismember(&pending, SIGXFSZ))
        sigtimedwait(&only, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* It mostly has them, and this check costs a fiftieth of posix_fallocate. */
static bool has_all_pages(int fd, off_t size)
{
    struct stat status;

    return fstat(fd, &status) == 0 && status.st_size >= size &&
           (off_t)status.st_blocks * 512 >= size;
}

static const char other_version[] = "the file in /dev/shm belongs to another version";

static bool is_other_versions(int fd)
{
    uint64_t layout = 0;

    return pread(fd, &layout, sizeof layout, 0) > 0 && layout != 0 && layout != LAYOUT;
}

/* Allocates all pages first: writing to a missing page would raise SIGBUS. */
static const char *map_file(int fd)
{
    const char *wrong = distrust(fd);
    uint64_t layout = 0;
    struct shared *pages;
    int error;

    if (wrong)
        return wrong;
    if (is_other_versions(fd))
        return other_version;
    error = has_all_pages(fd, sizeof *pages) ? 0 : allocate(fd, sizeof *pages);
    if (error == EFBIG)
        return "RLIMIT_FSIZE is less than the size of the file in /dev/shm";
    if (error)
        return failed("allocate", error);
    pages = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pages == MAP_FAILED)
        return failed("map", errno);
    if (!survive_truncation(pages, sizeof *pages))
        wrong = "the file in /dev/shm was removed too often";
    else if (!atomic_compare_exchange_strong(&pages->layout, &layout, LAYOUT) && layout != LAYOUT)
        wrong = other_version;
    if (wrong) {
        munmap(pages, sizeof *pages);
        return wrong;
    }
    pool = pages; /* the old pages stay mapped, because other threads may be counting there */
    return NULL;
}

static int open_path(int flags)
{
    int high, fd = (int)syscall(SYS_openat, AT_FDCWD, file.path,
                                O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);

    if (fd < 0 || fd > 2)
        return fd;
    /* A host that has closed its standard streams may still print to them. */
    high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    syscall(SYS_close, fd);
    return high;
}

static bool is_same(const struct stat *status)
{
    return status->st_ino == file.status.st_ino && status->st_dev == file.status.st_dev;
}

/* Opens the file at file.path. Returns NULL or why not. */
static const char *open_file(void)
{
    int fd = open_path(O_CREAT);
    const char *wrong;

    if (fd < 0)
        return failed("open", errno);
    wrong = map_file(fd);
    if (!wrong)
        fstat(fd, &file.status);
    syscall(SYS_close, fd);
    return wrong;
}

const char *open_shared_file(void)
{
    const char *wrong;

    file.owner = geteuid();
    snprintf(file.path, sizeof file.path, PATH_FORMAT, (unsigned)file.owner);
    wrong = open_file();
    if (wrong == other_version) {
        snprintf(file.path, sizeof file.path, OTHER_PATH_FORMAT, (unsigned)file.owner,
                 (unsigned long long)LAYOUT);
        wrong = open_file();
    }
    problem = wrong ? wrong : "";
    return wrong;
}

/* A process that has changed its user (seteuid) keeps its file. */
bool is_shared_file_gone(void)
{
    struct stat status;

    if (!shared_memory() || geteuid() != file.owner)
        return false;
    return stat(file.path, &status) == 0 ? !is_same(&status) : errno == ENOENT;
}

int shared_fd(void)
{
    struct stat status;
    int fd = open_path(0);

    if (fd >= 0 && (fstat(fd, &status) != 0 || !is_same(&status))) {
        syscall(SYS_close, fd);
        return -1;
    }
    return fd;
}

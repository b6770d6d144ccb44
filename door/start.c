/*
 * start.c - start Go inside the host process, once, or return why not.
 *
 * Go starts at the first call that needs it, not when the library is loaded. A forked child does
 * not have its parent's threads. If Go started in a server's master, every call in a worker would
 * hang.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "door.h"

/* Go's start-up functions, between the two symbols of export.ld. Without that script the symbols
 * are null, and the loader has started Go already. */
typedef void go_entry(int argc, char **argv, char **envp);
extern go_entry *const transmit_go_init_begin[] __attribute__((weak, visibility("hidden")));
extern go_entry *const transmit_go_init_end[] __attribute__((weak, visibility("hidden")));

enum phase { NOT_HERE, STARTING, RUNNING };

/* The state of this process: whether Go runs, sockets, ids and counters. It is in a page with
 * MADV_WIPEONFORK, which a forked child reads as zero: NOT_HERE. pid is for kernels before 4.14,
 * which do not have that advice. */
struct process {
    _Atomic uint32_t phase;
    pid_t pid;
    _Atomic uint64_t ids; /* id.c */
    struct kept kept[KEPT_SOCKETS];
    struct counting counting;
};
_Static_assert(sizeof(struct process) <= 4096, "it has one page");
static struct process *process;
static bool page_is_wiped;

/* This process or an ancestor has started Go. In ordinary memory, which a child inherits. */
static atomic_bool begun;

int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Runs before Go's own entry, because transmit_go_runs needs the page. 101 is the first priority
 * that programs may use. */
__attribute__((constructor(101))) static void prepare(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return;
    /* An emulator (qemu-user before 8) accepts any advice and does nothing. */
    page_is_wiped = madvise(page, size, MADV_WIPEONFORK) == 0 && madvise(page, size, -1) != 0;
    process = page;
    if (!transmit_go_init_begin) {
        begun = true;
        process->pid = getpid();
        process->phase = STARTING;
    }
}

_Atomic uint64_t *ids_here(void)
{
    return process && page_is_wiped ? &process->ids : NULL;
}

struct kept *kept_sockets(void)
{
    return process && page_is_wiped ? process->kept : NULL;
}

/* If a child cannot be told from its parent, both count in one slot. */
struct counting *counting_here(void)
{
    static struct counting inherited;

    return process && page_is_wiped ? &process->counting : &inherited;
}

static uint32_t phase_here(void)
{
    uint32_t phase = atomic_load_explicit(&process->phase, memory_order_acquire);

    if (!page_is_wiped && phase != NOT_HERE && process->pid != getpid())
        return NOT_HERE;
    return phase;
}

static void set_phase(uint32_t phase)
{
    atomic_store_explicit(&process->phase, phase, memory_order_release);
    syscall(SYS_futex, &process->phase, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Whether Go's threads block SIGPROF (PHP's time limit) and SIGCHLD. An unpatched Go unblocks both
 * on its threads: see overlay() in build.sh. */
static bool holds_signals;

static bool are_held(void)
{
    sigset_t held;

    return pthread_sigmask(SIG_BLOCK, NULL, &held) == 0 && sigismember(&held, SIGPROF) == 1 &&
           sigismember(&held, SIGCHLD) == 1;
}

void transmit_go_runs(void)
{
    if (!process)
        return;
    holds_signals = are_held();
    set_phase(RUNNING);
}

/* ---- Start ---- */

/* The initial stack that Go reads: argv, NULL, environment, NULL, auxiliary vector. It is not the
 * host's, because the host's GO* variables are not meant for this library, and musl passes
 * constructors nothing. */
static union {
    char *text;
    unsigned long value;
} stack[32];

static size_t fill_auxiliary(size_t n, unsigned long type, unsigned long value)
{
    if (value == 0)
        return n;
    stack[n++].value = type;
    stack[n++].value = value;
    return n;
}

/* Go seeds its random numbers from AT_RANDOM, and overwrites it. The kernel's bytes belong to the
 * host, and are the same in all workers of a server, which would then choose the same file names.
 * Without AT_RANDOM, Go opens /dev/urandom. */
static size_t fill_random(size_t n)
{
    static unsigned char bytes[16];

    if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) != sizeof bytes)
        return n;
    return fill_auxiliary(n, AT_RANDOM, (unsigned long)bytes);
}

static void fill_stack(void)
{
    static const unsigned long vector[] = {AT_PAGESZ, AT_SECURE, AT_HWCAP, AT_HWCAP2,
                                           AT_SYSINFO_EHDR};
    static char temp[PATH_MAX + sizeof "TMPDIR="] = "TMPDIR=";
    const char *dir = secure_getenv("TMPDIR");
    size_t n = 0;

    stack[n++].text = "libtransmit";
    n++;
    /* Two suffice for a send and a write at the same time; more would mean more threads. */
    stack[n++].text = "GOMAXPROCS=2";
    /* Preemption uses signals, which would interrupt the host's system calls. */
    stack[n++].text = "GODEBUG=asyncpreemptoff=1,containermaxprocs=0,updatemaxprocs=0";
    if (dir && strlen(dir) < PATH_MAX)
        stack[n++].text = strcat(temp, dir);
    n++;
    n = fill_random(n);
    for (size_t i = 0; i < sizeof vector / sizeof *vector; i++)
        n = fill_auxiliary(n, vector[i], getauxval(vector[i]));
}

/* Go adds SA_ONSTACK to the host's handlers, and installs its own for SIGPIPE and SIGURG. It needs
 * only its own for those faults that it turns into a panic. These pass on a fault outside Go. */
static bool go_keeps(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE;
}

/* Another thread of the host may install a handler while Go starts: that one stays. */
static bool is_of_go(const struct sigaction *now, const struct sigaction *host)
{
    struct sigaction go;

    sigaction(SIGSEGV, NULL, &go);
    return now->sa_sigaction == go.sa_sigaction || now->sa_sigaction == host->sa_sigaction;
}

static void restore(int signal, const struct sigaction *host)
{
    struct sigaction now;

    if (sigaction(signal, NULL, &now) == 0 && is_of_go(&now, host))
        sigaction(signal, host, NULL);
}

static void run_entries(void)
{
    struct sigaction host[_NSIG];

    for (int signal = 1; signal < _NSIG; signal++)
        if (sigaction(signal, NULL, &host[signal]) != 0)
            host[signal].sa_flags = -1; /* reserved by libc */
    for (go_entry *const *entry = transmit_go_init_begin; entry < transmit_go_init_end; entry++)
        (*entry)(1, &stack[0].text, &stack[2].text);
    for (int signal = 1; signal < _NSIG; signal++)
        if (host[signal].sa_flags != -1 && !go_keeps(signal))
            restore(signal, &host[signal]);
}

static int32_t begin(void)
{
    if (!take_resources()) {
        set_phase(NOT_HERE);
        return TRANSMIT_ERESOURCE;
    }
    begun = true;
    join_shared();
    fill_stack();
    run_entries();
    return 0;
}

/* Sleeps until another thread changes the phase, or for budget_ns. */
static void await_change(uint32_t phase, int64_t budget_ns)
{
    struct timespec timeout = {.tv_sec = budget_ns / 1000000000, .tv_nsec = budget_ns % 1000000000};

    syscall(SYS_futex, &process->phase, FUTEX_WAIT_PRIVATE, phase, &timeout, NULL, 0);
}

static int32_t start_until(int64_t deadline_ns)
{
    for (;;) {
        uint32_t phase = phase_here();
        int64_t left_ns = deadline_ns - monotonic_ns();
        int32_t result = 0;

        if (phase == RUNNING)
            return 0;
        if (phase == NOT_HERE && begun)
            return TRANSMIT_EFORKED;
        if (left_ns <= 0)
            return TRANSMIT_ESTARTING;
        if (phase == STARTING) {
            await_change(phase, left_ns);
        } else if (atomic_compare_exchange_strong(&process->phase, &phase, STARTING)) {
            process->pid = getpid();
            result = begin();
        }
        if (result)
            return result;
    }
}

bool go_runs_here(void)
{
    return process && phase_here() == RUNNING;
}

const char *go_state(void)
{
    if (!transmit_go_init_begin)
        return "started at load";
    if (!go_runs_here())
        return "not started";
    return holds_signals ? "runs" : "unprotected";
}

int32_t start_go(int64_t budget_ns)
{
    if (go_runs_here())
        return 0;
    if (!process)
        return TRANSMIT_ERESOURCE;
    return start_until(monotonic_ns() + budget_ns);
}

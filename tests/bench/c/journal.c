/* journal.c - sd_journal_send, to compare with: what it takes, whatever has happened to journald.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

int journal = -1;
static int (*to_journal)(const char *format, ...);

bool by_journal(void)
{
    return to_journal("MESSAGE=%s", json, NULL) == 0;
}

/* The path of journald's socket is fixed. Ours is bound there in a /run of this
 * process's own, which leaves the machine's journald alone. That takes root. */
const char *listen_as_journald(void)
{
    void *library = dlopen("libsystemd.so.0", RTLD_NOW);

    if (!library)
        return "no libsystemd.so.0";
    to_journal = (int (*)(const char *, ...))dlsym(library, "sd_journal_send");
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("bench", "/run", "tmpfs", 0, NULL))
        return strerror(errno);
    mkdir("/run/systemd", 0755);
    mkdir("/run/systemd/journal", 0755);
    journal = bind_to("/run/systemd/journal/socket");
    return NULL;
}

static void interrupt(int signal)
{
    (void)signal;
}

/* It has no time limit of its own: a signal ends its wait after a second. */
static int64_t time_of_journal(void)
{
    const struct itimerval second = {.it_value.tv_sec = 1}, none = {0};
    int64_t start_ns = now_ns();

    setitimer(ITIMER_REAL, &second, NULL);
    by_journal();
    setitimer(ITIMER_REAL, &none, NULL);
    return now_ns() - start_ns;
}

static void print_journal(const char *what, int calls, bool is_read)
{
    char datagram[1 << 14];
    int kept = 0;

    for (int i = 0; i < calls; i++) {
        printf("peers-%s\tjournal\t%lld\n", what, (long long)time_of_journal());
        kept += is_read && recv(journal, datagram, sizeof datagram, MSG_DONTWAIT) > 0;
    }
    printf("peers-%s-kept\tjournal\t%d\n", what, 100 * kept / calls);
}

void run_journal(const char *folder)
{
    const struct sigaction action = {.sa_handler = interrupt};
    const char *why = listen_as_journald();

    (void)folder;
    if (why) {
        printf("# sd_journal_send is not compared: %s\n", why);
        return;
    }
    sigaction(SIGALRM, &action, NULL);
    make_profile(5000);
    print_journal("well", 1000, true);
    while (time_of_journal() < 500000000)
        continue; /* until its queue is full */
    print_journal("wedged", 3, false);
    close(journal);
    unlink("/run/systemd/journal/socket");
    print_journal("absent", 1000, false);
}

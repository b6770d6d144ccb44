/* unreadable.c SETTINGS HOW - passes memory of which a page in the middle cannot be read: of a
 * file that was truncated (HOW is bus) or without permission (HOW is segv). The host's handler
 * leaves such a call with siglongjmp(3). Prints a line for each call: its name, its result or
 * "jumped", and the result of transmit_flush after it, which tells whether the library still holds
 * anything. No listener is there. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "transmit.h"

#define PAGE 4096
#define SMALL (5 * PAGE) /* larger than what try_send copies: the hand-over reads all of it */
#define LARGE (600 * PAGE)

static sigjmp_buf back;
static char said[512]; /* transmit_last_error after the call */

static void on_fault(int signal)
{
    siglongjmp(back, signal);
}

static char *unreadable(size_t size, int is_bus)
{
    char *text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *page = text + size / PAGE / 2 * PAGE;

    memset(text, 'x', size);
    memcpy(text, "{\"pad\":\"", 8);
    memcpy(text + size - 2, "\"}", 2);
    if (is_bus)
        mmap(page, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, memfd_create("empty", 0), 0);
    else
        mprotect(page, PAGE, PROT_NONE);
    return text;
}

/* Whether the thread is as the host had it. */
static int is_changed(void)
{
    int cancel_state;
    sigset_t mask;

    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancel_state);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return cancel_state != PTHREAD_CANCEL_ENABLE || sigismember(&mask, SIGUSR1);
}

static void try(const char *name, const char *json, size_t len, uint32_t flags)
{
    usleep(5000); /* the writer sleeps */
    printf("%s ", name);
    if (sigsetjmp(back, 1) != 0)
        printf("jumped ");
    else if (strcmp(name, "configure") == 0)
        printf("%d ", (int)transmit_configure(json, len));
    else if (strcmp(name, "settings") == 0)
        printf("%d ", (int)transmit_send_configured(json, len, "{}", 2, flags, NULL, 0));
    else
        printf("%d ", (int)transmit_send_with(json, len, flags, NULL, 0));
    snprintf(said, sizeof said, "%s", transmit_last_error());
    printf("%d%s\n", (int)transmit_flush(500000), is_changed() ? " changed" : "");
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_fault};
    char *small, *large;
    int is_bus;

    if (argc != 3)
        return 2;
    is_bus = strcmp(argv[2], "bus") == 0;
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    while (transmit_configure(argv[1], strlen(argv[1])) == TRANSMIT_ESTARTING)
        ; /* a busy machine */
    small = unreadable(SMALL, is_bus);
    large = unreadable(LARGE, is_bus);
    try("configure", small, SMALL, 0);
    try("settings", small, SMALL, TRANSMIT_TRUSTED);
    try("checked", small, SMALL, 0);
    try("trusted", small, SMALL, TRANSMIT_TRUSTED);
    try("as-is", small, SMALL, TRANSMIT_AS_IS);
    try("to-disk", small, SMALL, TRANSMIT_TO_DISK | TRANSMIT_AS_IS);
    try("no-wait", small, SMALL, TRANSMIT_NO_WAIT | TRANSMIT_TO_DISK | TRANSMIT_AS_IS);
    try("large", large, LARGE, TRANSMIT_AS_IS);
    puts(said);
    for (int i = 0; i < 5; i++)
        try("good", "{\"a\":1}", 7, TRANSMIT_TRUSTED);
    return 0;
}

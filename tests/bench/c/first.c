/* first.c - what a process's first call takes, and what it leaves in the process. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number after a word in a file of /proc/self; in kB, where it has a unit. */
static long from_proc(const char *path, const char *word)
{
    FILE *file = fopen(path, "r");
    char line[256];
    long number = -1;

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, word, strlen(word)) == 0)
            number = strtol(line + strlen(word), NULL, 10);
    if (number < 0)
        fail("%s: no %s", path, word);
    fclose(file);
    return number;
}

/* Clean pages are the library's file, which all processes of a pool share. */
#define PRIVATE "/proc/self/smaps_rollup", "Private_Dirty:"

/* The settings come before the send: what both take is the first call. */
void run_first(const char *folder)
{
    char path[100];
    long memory, threads;
    int64_t start_ns;

    make_profile(4096);
    snprintf(path, sizeof path, "%s/s", folder);
    receiver = bind_to(path);
    memory = from_proc(PRIVATE);
    threads = from_proc("/proc/self/status", "Threads:");
    start_ns = now_ns();
    configure(folder);
    if (!by_trusted())
        fail("first-call");
    printf("first-call\ttransmit\t%lld\n", (long long)(now_ns() - start_ns));
    for (int i = 0; i < 1000; i++, receive())
        if (!by_checked())
            fail("first-call");
    printf("memory\ttransmit\t%ld\n", (from_proc(PRIVATE) - memory) * 1024);
    printf("threads\ttransmit\t%ld\n", from_proc("/proc/self/status", "Threads:") - threads);
}

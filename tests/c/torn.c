/*
 * torn.c - the lock of door/shortcut.c: a thread publishes one shortcut after another,
 * each made of one number, while others read. What they got is whole, or they
 * were told that it is not. Built with -fsanitize=thread, too. Prints how many
 * reads were whole and how many were not; ends with 1 if one was torn.
 */
#include "../../door/shortcut.c"

char *append_id(char *end)
{
    return (char *)memset(end, '0', ID_DIGITS) + ID_DIGITS;
}

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define READERS 4

static atomic_bool ended;
static atomic_int torn, whole, told;

bool go_runs_here(void)
{
    return true;
}

static void make(struct shortcut *shortcut, unsigned char number)
{
    memset(shortcut, number, sizeof *shortcut);
    shortcut->after_time_len = 60;
}

static void *keep_reading(void *nothing)
{
    const struct call call = {.flags = TRANSMIT_TRUSTED, .socket_path = "/some"};
    struct shortcut got, want;

    while (!ended) {
        memset(&got, 0, sizeof got);
        if (!get_shortcut(&got, &call)) {
            told++;
            continue;
        }
        make(&want, (unsigned char)got.fd);
        torn += memcmp(&got, &want, offsetof(struct shortcut, after_time) + 60) != 0 ||
                memcmp(got.path, want.path, sizeof got.path) != 0;
        whole++;
    }
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t readers[READERS];
    struct shortcut shortcut;
    int rounds = argc == 2 ? atoi(argv[1]) : 0;

    make(&shortcut, 0);
    transmit_set_shortcut(&shortcut);
    for (size_t i = 0; i < READERS; i++)
        if (pthread_create(&readers[i], NULL, keep_reading, NULL) != 0)
            return 2;
    for (int i = 0; i < rounds; i++) {
        make(&shortcut, (unsigned char)i);
        transmit_set_shortcut(&shortcut);
    }
    ended = true;
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    printf("%d %d\n", whole, told);
    return torn != 0;
}

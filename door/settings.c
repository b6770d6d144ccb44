/*
 * settings.c - the settings as Go was given them last.
 *
 * PHP gives them in each request, mostly the same ones: that needs no Go, which
 * costs a worker that has just been busy with a page half of what the send does.
 */
#include "door.h"
#include "seqlock.h"

/* Longer ones are Go's to compare. */
#define ROOM 2040

struct settings {
    uint64_t len;
    char json[ROOM];
};

static SEQLOCK(sizeof(struct settings)) published;

void transmit_set_settings(const char *json, size_t len)
{
    struct settings settings = {.len = len <= ROOM ? len : 0};

    memcpy(settings.json, json, settings.len);
    seqlock_write(&published.version, published.word, &settings, sizeof settings);
}

bool has_settings(const char *json, size_t len)
{
    struct settings settings;
    uint32_t begun = seqlock_begin(&published.version);

    if (!go_runs_here() || len > ROOM)
        return false;
    seqlock_read(&settings, published.word, 0, offsetof(struct settings, json) + len);
    return seqlock_is_whole(&published.version, begun) && settings.len == len &&
           memcmp(settings.json, json, len) == 0;
}

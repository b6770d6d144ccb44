/*
 * log_due.c - simulates an outage of hours with a clock that this program sets. It checks when a
 * log line is due, and how many were left out. Exit status 0 if that is as transmit.h says.
 */
#include "../../door/log_due.c"
#include "../../door/note.c"

#include <stdio.h>

static int64_t now_ns = 1;

int64_t monotonic_ns(void)
{
    return now_ns;
}

void check_shared(int64_t now_ns)
{
    (void)now_ns;
}

struct shared *shared_memory(void)
{
    return NULL;
}

const struct target *get_target(void)
{
    return NULL;
}

static const struct {
    const char *name;
    int64_t at_s;
    int32_t result;
    int32_t want;
    uint32_t want_suppressed;
} rows[] = {
    {"the first", 0, TRANSMIT_BUFFERED, 1, 0},
    {"the second", 0, TRANSMIT_BUFFERED, 0, 0},
    {"another result has its own first", 0, TRANSMIT_EFULL, 1, 0},
    {"before a minute", 59, TRANSMIT_BUFFERED, 0, 0},
    {"after a minute", 60, TRANSMIT_BUFFERED, 1, 2},
    {"before two more", 179, TRANSMIT_BUFFERED, 0, 0},
    {"after two more", 180, TRANSMIT_BUFFERED, 1, 1},
    {"after four", 420, TRANSMIT_BUFFERED, 1, 0},
    {"after eight", 900, TRANSMIT_BUFFERED, 1, 0},
    {"after sixteen", 1860, TRANSMIT_BUFFERED, 1, 0},
    {"after thirty-two", 3780, TRANSMIT_BUFFERED, 1, 0},
    {"before an hour, the most", 7379, TRANSMIT_BUFFERED, 0, 0},
    {"after an hour, the most", 7380, TRANSMIT_BUFFERED, 1, 1},
    {"after an hour again", 10980, TRANSMIT_BUFFERED, 1, 0},
    {"after more than an hour of quiet", 14581, TRANSMIT_BUFFERED, 1, 0},
    {"it starts anew: before a minute", 14640, TRANSMIT_BUFFERED, 0, 0},
    {"it starts anew: after a minute", 14641, TRANSMIT_BUFFERED, 1, 1},
    {"a result of no kind", 14641, 1000000, 1, 0},
};

static const char *const listeners[] = {NULL, "/run/one", "/run/other", "/run/onf"};
#define COUNT (sizeof listeners / sizeof *listeners)

/* Each listener has lines of its own. */
static int each_has_its_own(void)
{
    int wrong = 0;

    for (size_t i = 0; i < COUNT; i++)
        wrong |= transmit_log_due_for(TRANSMIT_ENODIR, listeners[i]) < 0;
    for (size_t i = 0; i < COUNT; i++)
        wrong |= transmit_log_due_for(TRANSMIT_ENODIR, listeners[i]) >= 0;
    return wrong;
}

/* One that is in use is remembered, however many others come and go. */
static int is_kept_among_many(void)
{
    char path[32];
    int wrong = transmit_log_due_for(TRANSMIT_EIO, "/run/used") < 0;

    for (int i = 0; i < 4 * NOTES; i++) {
        now_ns++;
        snprintf(path, sizeof path, "/run/%d", i);
        wrong |= transmit_log_due_for(TRANSMIT_EIO, path) < 0;
        now_ns++;
        wrong |= transmit_log_due_for(TRANSMIT_EIO, "/run/used") >= 0;
    }
    return wrong;
}

int main(void)
{
    int wrong = 0;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t suppressed = 99;
        int32_t due;

        now_ns = rows[i].at_s * 1000000000 + 1;
        due = transmit_log_due(rows[i].result, &suppressed);
        if (due == rows[i].want && suppressed == rows[i].want_suppressed)
            continue;
        printf("%s: %d, %u left out, want %d, %u\n", rows[i].name, due, suppressed, rows[i].want,
               rows[i].want_suppressed);
        wrong = 1;
    }
    if (transmit_log_due(TRANSMIT_EIO, NULL) != 1 || transmit_log_due(TRANSMIT_EIO, NULL) != 0)
        wrong = 1;
    return wrong | each_has_its_own() | is_kept_among_many();
}

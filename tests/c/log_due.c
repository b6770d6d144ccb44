/*
 * log_due.c - hours of an outage, by a clock that this program sets: when is a log
 * line due, and how many were left out? Exit status 0 if it is as transmit.h says.
 */
#include "../../door/log_due.c"

#include <stdio.h>

static int64_t now_ns = 1;

int64_t monotonic_ns(void)
{
    return now_ns;
}

void look_after_pool(int64_t now_ns)
{
    (void)now_ns;
}

struct pool *shared_pool(void)
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
    return wrong;
}

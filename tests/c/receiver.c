/*
 * receiver.c RECORD - a listener with the datagram socket that is descriptor 3. It appends each
 * profile's correlation_id to the file RECORD, in a line, and only then takes the datagram off the
 * queue. So when it is killed, each datagram is in RECORD or in the queue, and at most one in both.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char KEY[] = "\"correlation_id\":\"";

/* The line for a datagram; "?" if it is not one whole object with an id. */
static int line_for(const char *datagram, size_t length, char *line, size_t room)
{
    const char *id = memmem(datagram, length, KEY, sizeof KEY - 1);
    const char *end = NULL;

    if (id) {
        id += sizeof KEY - 1;
        end = memchr(id, '"', (size_t)(datagram + length - id));
    }
    if (!end || datagram[0] != '{' || datagram[length - 1] != '}')
        return snprintf(line, room, "?\n");
    return snprintf(line, room, "%.*s\n", (int)(end - id), id);
}

int main(int argc, char **argv)
{
    static char datagram[1 << 20];
    char line[256];
    int record = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;

    if (record < 0)
        return 2;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        ssize_t length = recv(3, datagram, sizeof datagram, MSG_PEEK);
        if (length <= 0)
            return length < 0; /* shut down and empty */
        int size = line_for(datagram, (size_t)length, line, sizeof line);
        if (write(record, line, (size_t)size) != size || recv(3, datagram, 1, 0) != 1)
            return 1;
    }
}

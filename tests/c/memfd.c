/*
 * memfd.c PATH - a listener that also receives profiles larger than a datagram (oversize =
 * "memfd"). It prints each one on a line.
 *
 * Any program that may write to the socket may pass any descriptors: a FIFO, a device, or a file
 * that is truncated while it is read. So this listener checks each descriptor, and closes it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* TRANSMIT_MAX_LENGTH, and room for "_meta". */
#define MAX_LENGTH ((64 << 20) + 1024)

/* The kernel passes as many in one datagram: SCM_MAX_FD. With room for all, none is
 * left in the process that nobody knows of. */
#define MAX_FILES 253

struct files {
    int count;
    int file[MAX_FILES];
};

/* The descriptors that came with a datagram. */
static void take_files(struct msghdr *message, struct files *files)
{
    struct cmsghdr *control;
    int count;

    files->count = 0;
    for (control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
            continue;
        count = (int)((control->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(files->file + files->count, CMSG_DATA(control), (size_t)count * sizeof(int));
        files->count += count;
    }
}

/* Without the seals, the sender could change what is mapped, or cut it off. Only a memfd
 * has seals: a device or a FIFO has none. */
static int is_sealed(int file)
{
    const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    int seals = fcntl(file, F_GET_SEALS);

    return seals >= 0 && (seals & wanted) == wanted;
}

/* What is no visible ASCII character is not printed as it is: to a terminal, control characters are
 * commands, and a line feed would make a line that nobody sent. */
static void print_visible(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        int is_space = text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r');

        putc_unlocked(is_space ? ' ' : text[i] > ' ' && text[i] <= '~' ? text[i] : '?', stdout);
    }
}

/* Mapping needs no copy, and is safe: the seals keep the sender from changing the file. */
static int print_file(int file)
{
    struct stat status;
    char *text;

    if (!is_sealed(file) || fstat(file, &status) != 0 || status.st_size <= 0 ||
        status.st_size > MAX_LENGTH)
        return -1;
    text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (text == MAP_FAILED)
        return -1;
    print_visible(text, (size_t)status.st_size);
    return munmap(text, (size_t)status.st_size);
}

static int receive(int listener)
{
    static char datagram[1 << 20];
    static struct files files;
    static union {
        char room[CMSG_SPACE(MAX_FILES * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec content = {.iov_base = datagram, .iov_len = sizeof datagram};
    struct msghdr message = {.msg_iov = &content,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t length = recvmsg(listener, &message, MSG_CMSG_CLOEXEC);

    if (length < 0)
        return -1;
    take_files(&message, &files);
    /* MSG_CTRUNC: there was no descriptor left for what came. */
    if (files.count == 0 && !(message.msg_flags & MSG_CTRUNC))
        print_visible(datagram, (size_t)length);
    else if (files.count != 1 || length != 0 || print_file(files.file[0]) != 0)
        fprintf(stderr, "refused: not one sealed file\n");
    while (files.count > 0)
        close(files.file[--files.count]);
    putchar('\n');
    return fflush(stdout);
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path)
        return 2;
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    unlink(argv[1]);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
        return 2;
    puts("ready");
    fflush(stdout);
    while (receive(listener) == 0)
        ;
    return 1;
}

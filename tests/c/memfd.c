/*
 * memfd.c PATH - a listener daemon that takes profiles larger than a datagram,
 * too (oversize = "memfd"). It prints each one on a line.
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

/* The descriptor that came with a datagram, -1 if none did. */
static int descriptor_of(struct msghdr *message)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    int file = -1;

    if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
        memcpy(&file, CMSG_DATA(control), sizeof file);
    return file;
}

/* Mapping needs no copy, and is safe: the seals keep the sender from changing the file. */
static int print_file(int file)
{
    struct stat status;
    char *text;

    if (fstat(file, &status) != 0 || status.st_size == 0)
        return -1;
    text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (text == MAP_FAILED)
        return -1;
    fwrite(text, 1, (size_t)status.st_size, stdout);
    return munmap(text, (size_t)status.st_size);
}

/* Whoever may write to the socket may pass any descriptor: without the seals, the
 * sender could change what is mapped, or cut it off. */
static int is_sealed(int file)
{
    const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    int seals = fcntl(file, F_GET_SEALS);

    return seals >= 0 && (seals & wanted) == wanted;
}

static int receive(int listener)
{
    static char datagram[1 << 20];
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec content = {.iov_base = datagram, .iov_len = sizeof datagram};
    struct msghdr message = {.msg_iov = &content,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t length = recvmsg(listener, &message, MSG_CMSG_CLOEXEC);
    int file;

    if (length < 0)
        return -1;
    file = descriptor_of(&message);
    if (file < 0)
        fwrite(datagram, 1, (size_t)length, stdout);
    else if (!is_sealed(file) || print_file(file) != 0)
        fprintf(stderr, "a descriptor that is no sealed file\n");
    if (file >= 0)
        close(file);
    putchar('\n');
    return fflush(stdout);
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_DGRAM, 0);

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

/* listener.c PATH - a listener daemon that prints each datagram on a line. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static char datagram[1 << 20];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path)
        return 2;
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    unlink(argv[1]);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return 2;
    printf("ready\n");
    for (;;) {
        fflush(stdout);
        ssize_t length = recv(fd, datagram, sizeof datagram, 0);
        if (length < 0)
            return 1;
        printf("%.*s\n", (int)length, datagram);
    }
}

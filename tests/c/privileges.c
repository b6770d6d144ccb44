/*
 * privileges.c FIRST CLOSED - a host that gives up its capabilities after its first call. After
 * that, the library's threads must not write where the host may not.
 *
 * FIRST is a buffer directory. CLOSED is one that only a process with capabilities can open.
 */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <transmit.h>

static int32_t send_to(const char *directory)
{
    char settings[512];

    snprintf(settings, sizeof settings, "{\"buffer_dirs\":[\"%s\"],\"timeout_us\":5000000}",
             directory);
    for (int i = 0; transmit_configure(settings, strlen(settings)) == TRANSMIT_ESTARTING && i < 100;
         i++)
        usleep(10000); /* a busy machine */
    return transmit_send_with("{\"a\":1}", 7, TRANSMIT_TO_DISK, NULL, 0);
}

int main(int argc, char **argv)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    int32_t with, without, back;

    if (argc != 3)
        return 2;
    with = send_to(argv[2]);
    if (syscall(SYS_capset, &header, none) != 0)
        return 2;
    without = send_to(argv[2]);
    back = send_to(argv[1]);
    printf("%d %d %d\n", (int)with, (int)without, (int)back);
    return 0;
}

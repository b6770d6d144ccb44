/* fault.c SETTINGS default|handler - uses the library, and then causes a fault of its own. The
 * host's handler must get it, or without one the kernel. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "transmit.h"

static void on_fault(int signal, siginfo_t *info, void *context)
{
    static const char text[] = "the host's handler has it\n";

    (void)context;
    if (signal == SIGSEGV && info->si_addr == (void *)16)
        _exit(write(1, text, sizeof text - 1) > 0 ? 0 : 1);
    _exit(1);
}

int main(int argc, char **argv)
{
    struct sigaction own = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    int32_t configured;

    if (argc != 3)
        return 2;
    if (strcmp(argv[2], "handler") == 0)
        sigaction(SIGSEGV, &own, NULL);
    while ((configured = transmit_configure(argv[1], strlen(argv[1]))) == TRANSMIT_ESTARTING)
        ; /* in emulation */
    if (configured != 0 || transmit_send("{\"id\":\"1\"}", 10) < 0)
        return 3;
    *(volatile int *)16 = 1;
    return 4;
}

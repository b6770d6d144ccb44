/*
 * refuse.c NAME=ERRNO… -- PROGRAM ARGUMENT… - runs a program in which some system calls return an
 * error, as with a container's filter.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    unsigned number;
} calls[] = {
    {"renameat2", SYS_renameat2},
    {"linkat", SYS_linkat},
    {"faccessat2", 439},
    {"memfd_create", SYS_memfd_create},
    {"clone3", 435},
    {"flock", SYS_flock},
    {"fallocate", SYS_fallocate},
    {"sched_setaffinity", SYS_sched_setaffinity},
    {"getrandom", SYS_getrandom},
    {"fstatfs", SYS_fstatfs},
    {"setrlimit", SYS_prlimit64},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait},
    {"epoll_create1", SYS_epoll_create1},
};

static unsigned number_of(const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, name) == 0)
            return calls[i].number;
    fprintf(stderr, "refuse: %s?\n", name);
    exit(2);
}

static void refuse(const char *name, unsigned error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number_of(name), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("seccomp");
        exit(77);
    }
}

int main(int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        char name[32];
        unsigned error;

        if (sscanf(argv[i], "%31[^=]=%u", name, &error) != 2)
            return 2;
        refuse(name, error);
    }
    if (i + 1 >= argc)
        return 2;
    execv(argv[i + 1], argv + i + 1);
    return 2;
}

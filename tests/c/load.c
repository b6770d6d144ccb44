/* load.c LIBRARY SETTINGS - loads the library, unloads it, and loads it again. Prints the number of
 * threads before the first call, and how long the first calls took. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef int32_t send_function(const char *json, size_t len);

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = -2; /* . and .. */

    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

static long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int use(const char *library, const char *settings)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

    if (!handle) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    send_function *configure = (send_function *)dlsym(handle, "transmit_configure");
    send_function *send = (send_function *)dlsym(handle, "transmit_send");
    int before = threads();
    long began_us = now_us();
    int configured = configure(settings, strlen(settings));
    int sent = send("{\"id\":\"1\"}", 10);
    printf("%d %ld %d %d\n", before, now_us() - began_us, configured, sent);
    return dlclose(handle);
}

int main(int argc, char **argv)
{
    return argc != 3 || use(argv[1], argv[2]) || use(argv[1], argv[2]);
}

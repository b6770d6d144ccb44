/*
 * example.c - send one profile.
 *
 *     cc example.c $(pkg-config --cflags --libs transmit) -o example
 *     ./example '{"listener_socket": "/tmp/listener.sock"}'
 *
 * Exit status: 0 sent, 1 in the disk buffer (or on its way there), 2 lost,
 * 3 wrong settings.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <transmit.h>

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The work that is profiled. */
static unsigned count_primes(unsigned limit)
{
    unsigned primes = 0;

    for (unsigned n = 2; n < limit; n++) {
        unsigned divisor = 2;
        while (divisor * divisor <= n && n % divisor)
            divisor++;
        primes += divisor * divisor > n;
    }
    return primes;
}

static int32_t send_profile(unsigned primes, double elapsed_ms)
{
    char json[512];
    int length = snprintf(json, sizeof json,
                          "{\"correlation_id\": \"c-example\", \"url\": \"/primes\","
                          " \"elapsed_ms\": %.3f, \"primes\": %u,"
                          " \"xhprof\": {\"profiling\": {\"top_functions\":"
                          " [{\"function\": \"count_primes\", \"exclusive_wall_ms\": %.3f}]}}}",
                          elapsed_ms, primes, elapsed_ms);

    return transmit_send(json, (size_t)length);
}

/* A busy machine may need more than one call for the start of the library. */
static int32_t configure(const char *settings)
{
    int32_t result = TRANSMIT_ESTARTING;

    for (int try = 0; try < 100 && result == TRANSMIT_ESTARTING; try++)
        result = transmit_configure(settings, strlen(settings));
    return result;
}

int main(int argc, char **argv)
{
    double start_ms = now_ms();
    unsigned primes = count_primes(100000);
    double elapsed_ms = now_ms() - start_ms;
    int32_t result;

    if (argc > 1 && configure(argv[1]) < 0) {
        fprintf(stderr, "settings: %s\n", transmit_last_error());
        return 3;
    }
    result = send_profile(primes, elapsed_ms);
    printf("%s\n", transmit_strerror(result));
    if (result != TRANSMIT_SENT)
        printf("because: %s\n", transmit_last_error());
    if (result == TRANSMIT_PENDING)
        transmit_flush(1000000);
    return result < 0 ? 2 : result != TRANSMIT_SENT;
}

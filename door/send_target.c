/*
 * send_target.c - the settings that a send without Go needs.
 *
 * A published target never changes, so readers need no lock. A process has one target for each
 * combination of settings that it was ever given. When there are more than TARGETS, get_target
 * returns NULL, and sends go through Go.
 */
#include <stdatomic.h>
#include <string.h>

#include "door.h"

#define DEFAULT_TIMEOUT_US 50000

static struct target targets[TARGETS] = {{.socket_path = "/var/run/bitville-apm/listener.sock",
                                          .max_datagram_size = 65507,
                                          .waits_for_disk = 1,
                                          .timeout_us = DEFAULT_TIMEOUT_US}};
static size_t used = 1;
static const struct target *_Atomic current = &targets[0];
static _Atomic uint32_t timeout_us = DEFAULT_TIMEOUT_US;

/* Go gives equal settings the same number, and new ones the next. */
void transmit_set_target(const struct target *target)
{
    timeout_us = target->timeout_us;
    if (target->number == used && used < TARGETS)
        targets[used++] = *target;
    current = target->number < used ? &targets[target->number] : NULL;
}

const struct target *get_target(void)
{
    return current;
}

bool is_target_of(const struct target *target, const char *settings, size_t len)
{
    return target && target->source_len == len && memcmp(target->source, settings, len) == 0;
}

uint32_t configured_timeout_us(void)
{
    return timeout_us;
}

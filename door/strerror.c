/*
 * strerror.c - transmit_strerror: the texts of results.h.
 */
#include "door.h"

const char *transmit_strerror(int32_t result)
{
    switch (result) {
#define TEXT(result, name, text)                                                                   \
    case TRANSMIT_##result:                                                                        \
        return text;
        ALL_RESULTS(TEXT)
#undef TEXT
    default:
        return "unknown result";
    }
}

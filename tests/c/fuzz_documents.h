/*
 * fuzz_documents.h - random documents, also broken ones, for fuzz.c. The same seed gives the same
 * ones.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The longest. */
#define ROOM ((size_t)256 << 10)

static unsigned long state; /* the seed, at first */

static unsigned long chance(unsigned long below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

/* Mostly small, sometimes up to below. */
static size_t some(size_t below)
{
    return chance(1 + chance(chance(20) ? (below < 100 ? below : 100) : below));
}

static char text[ROOM];
static size_t length;

static void add(const char *more)
{
    size_t size = strlen(more);

    if (length + size <= ROOM) {
        memcpy(text + length, more, size);
        length += size;
    }
}

static void add_value(int depth)
{
    static const char *const simple[] = {"null",
                                         "true",
                                         "-0.5e+3",
                                         "123456789012345678901234567890",
                                         "\"\"",
                                         "\"\\u00e9\\n\"",
                                         "\"\xe2\x82\xac\xf0\x9f\x98\x80\"",
                                         "\"SELECT \\\"x\\\" FROM y WHERE z = 1\"",
                                         "[]",
                                         "{}"};
    static const char *const names[] = {
        "_meta", "\\u005fmeta", "xhprof",  "profiling", "top_functions",
        "sql",   "queries",     "time_ms", "a",         ""};
    bool is_list = chance(2);
    unsigned long count = chance(4);

    if (depth == 0 || chance(3) == 0) {
        add(simple[chance(10)]);
        return;
    }
    add(is_list ? "[" : "{");
    for (unsigned long i = 0; i < count; i++) {
        add(i ? "," : chance(9) ? "" : " \n\t");
        if (!is_list) {
            add("\"");
            add(names[chance(10)]);
            add("\":");
        }
        add_value(depth - 1);
    }
    add(is_list ? "]" : "}");
}

static void add_many(const char *before, const char *element, const char *after)
{
    static const int counts[] = {0, 1, 49, 50, 51, 100, 101, 700};

    add(before);
    for (int i = 0, count = counts[chance(8)]; i < count; i++) {
        char number[32];

        add(i ? "," : "");
        add(element);
        snprintf(number, sizeof number, "%lu}", chance(1000));
        add(number);
    }
    add(after);
}

static void add_profile(void)
{
    add_many("{\"xhprof\":{\"profiling\":{\"top_functions\":[", "{\"fn\":\"f\",\"wt\":", "]}},");
    add_many("\"sql\":{\"queries\":[",
             chance(2) ? "{\"sql\":\"x\",\"time_ms\":" : "{\"time_ms\":", "]},\"a\":");
    add_value(3);
    add("}");
}

static void add_garbage(void)
{
    static const char json[] = "{}[]\",:\\u0123456789aeflnrstE+-. \n_m\xc3\xa9";
    bool any = chance(2);

    for (length = some(ROOM / 4); length < 1;)
        length = 1;
    for (size_t i = 0; i < length; i++)
        text[i] = any ? (char)chance(256) : json[chance(sizeof json - 1)];
}

static void add_deep(void)
{
    unsigned long depth = 500 + chance(30);

    add("{\"a\":");
    for (unsigned long i = 0; i < depth; i++)
        add("[");
    for (unsigned long i = 0; i < depth; i++)
        add("]");
    add("}");
}

static void mutate(void)
{
    size_t at = chance(length), size = some(length - at), to = chance(length);

    switch (chance(5)) {
    case 0:
        text[at] = (char)chance(256);
        break;
    case 1:
        text[at] = "{}[]\",:\\ 0u"[chance(11)];
        break;
    case 2: /* something is missing */
        memmove(text + at, text + at + size, length - at - size);
        length -= size;
        break;
    case 3: /* something is elsewhere, too */
        memmove(text + to, text + at, size < length - to ? size : length - to);
        break;
    default: /* cut off */
        length = at;
    }
    if (length == 0)
        text[length++] = '{';
}

/* Also the settings are a document. */
static void make_document(const char *settings)
{
    length = 0;
    switch (chance(6)) {
    case 0:
        add_garbage();
        return;
    case 1:
        add(settings);
        break;
    case 2:
        add_profile();
        break;
    case 3:
        add_deep();
        break;
    default:
        add("{\"a\":");
        add_value(1 + (int)chance(6));
        add("}");
    }
    for (unsigned long i = chance(2) ? 0 : chance(5); i > 0; i--)
        mutate();
}

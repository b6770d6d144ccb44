/* bench.h - what bench.c and its rows share. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <transmit.h>

/* One way to do what a row is about. */
struct way {
    const char *name; /* NULL ends a list */
    bool (*run)(void);
};

/* compare - measure calls of each way, and print them. after is called between two, unmeasured. */
void compare(const char *row, const struct way *ways, int calls, void (*after)(void));

extern char *json; /* what make_profile made, with a NUL behind it */
extern size_t length;
void make_profile(size_t bytes);

extern int receiver; /* the listener, where there is one */
struct sockaddr_un address_of(const char *path);
int bind_to(const char *path);

/* configure - the library: listener FOLDER/s, buffer FOLDER/b. */
void configure(const char *folder);

/* Ways: the profile is at the listener. */
bool by_trusted(void);
bool by_checked(void);

extern int journal; /* journald's socket, where it is ours */
bool by_journal(void);

/* listen_as_journald - binds journal. Returns why it cannot, or NULL. */
const char *listen_as_journald(void);

/* receive - what a listener does between two calls. */
void receive(void);

/* start_writer - a thread that calls write. by_writer wakes it, and waits until it has. */
void start_writer(bool (*write)(void));
bool by_writer(void);

int64_t now_ns(void);
void fail(const char *format, ...);

/* The rows. */
void run_send(const char *folder);
void run_cut(const char *folder);
void run_disk(const char *folder);
void run_wedged(const char *folder);
void run_first(const char *folder);
void run_attempt(const char *folder);
void run_least(const char *folder);
void run_threads(const char *folder);
void run_journal(const char *folder);
void run_forked(const char *folder);

#endif

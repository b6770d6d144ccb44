/*
 * threads.c SCRIPT THREADS LIVES REQUESTS - a host that runs PHP in many threads.
 *
 * It has THREADS places, which run at once. In each place, LIVES threads follow one another, and
 * each thread runs SCRIPT for REQUESTS requests. The constant WHO tells the script which one it is:
 * PLACE-LIFE-REQUEST. Only the folder zts has a PHP that can do this: threaded_php in debian.sh.
 */
#include <pthread.h>
#include <sapi/embed/php_embed.h>
#include <stdio.h>
#include <stdlib.h>

static const char *script;
static int lives, requests;

struct place {
    pthread_t thread;
    int number, life;
};

static void serve(const struct place *place, int request)
{
    char code[4096];

    snprintf(code, sizeof code, "const WHO = '%d-%d-%d'; require '%s';", place->number, place->life,
             request, script);
    SG(headers_sent) = 1;
    SG(request_info).no_headers = 1;
    if (php_request_startup() != SUCCESS) {
        fprintf(stderr, "%d: no request\n", place->number);
        exit(1);
    }
    zend_first_try
    {
        zend_eval_string_ex(code, NULL, "request", 1);
    }
    zend_end_try();
    php_request_shutdown(NULL);
}

static void *live(void *arg)
{
    const struct place *place = arg;

    ts_resource(0);
    for (int request = 0; request < requests; request++)
        serve(place, request);
    ts_free_thread();
    return NULL;
}

static void *succeed_each_other(void *arg)
{
    struct place *place = arg;

    for (place->life = 0; place->life < lives; place->life++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, live, place) != 0)
            exit(1);
        pthread_join(thread, NULL);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc == 5 ? atoi(argv[2]) : 0;
    struct place *places = calloc((size_t)count + 1, sizeof *places);

    if (count == 0 || !places || php_embed_init(argc, argv) != SUCCESS)
        return 2;
    script = argv[1];
    lives = atoi(argv[3]);
    requests = atoi(argv[4]);
    for (int i = 0; i < count; i++) {
        places[i].number = i;
        if (pthread_create(&places[i].thread, NULL, succeed_each_other, &places[i]) != 0)
            return 1;
    }
    for (int i = 0; i < count; i++)
        pthread_join(places[i].thread, NULL);
    php_embed_shutdown();
    free(places);
    puts("all have ended");
    return 0;
}

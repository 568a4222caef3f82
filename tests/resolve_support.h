/* SPDX-License-Identifier: MIT
 *
 * What the tests of trale.resolve/1 share: a runtime with a name server, and lookups that are gathered. */
#ifndef TRALE_TESTS_RESOLVE_SUPPORT_H
#define TRALE_TESTS_RESOLVE_SUPPORT_H

#include <dirent.h>

#include "tests/dns_server.h"

/* A runtime and the name server that its driver asks. */
struct world {
    struct trale *runtime;
    struct dns_server server;
    char folder[64]; /* with a hosts file and a resolv.conf; "" if there is none */
};

/* `options` is text for [driver:resolve]; "%s" in it is the server's address. */
static inline void world_open_with(struct world *world, const char *options)
{
    char filled[1024], sections[2048];
    dns_server_init(&world->server);
    snprintf(filled, sizeof filled, options, world->server.address, world->server.address);
    snprintf(sections, sizeof sections,
             TEST_TIMER TEST_UDP TEST_STREAM
             "[driver:random]\npath = random.so\n[driver:resolve]\npath = resolve.so\n%s",
             filled);
    world->runtime = test_open("timer, udp, stream, random, resolve", sections);
    dns_server_start(&world->server, world->runtime);
}

/* The usual options: nothing of the machine is read. */
#define WORLD "servers = %s\nsearch = .\nndots = 1\nhosts =\n"

static inline int world_open(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    world_open_with(world, WORLD "timeout = 20s\ntries = 1\n");
    *state = world;
    return 0;
}

static inline int world_close(void **state)
{
    struct world *world = *state;
    trale_close(world->runtime);
    free(world);
    return 0;
}

/* A whole lookup, as text: "ADDRESS/TTL ADDRESS/TTL ...", in the order in which its records came. */
struct gather {
    struct trale_future future;
    struct trale_lookup lookup;
    uint32_t kind;
    const char *name;
    const struct trale_address *address; /* of TRALE_LOOKUP_REVERSE */
    size_t n_most;                       /* ends the lookup then; 0: all */
    size_t n;
    char *text;
    size_t size;
};

static inline void gather_close(struct gather *self)
{
    trale_lookup_end(&self->lookup);
}

static inline void gather_add(struct gather *self)
{
    const struct trale_lookup *lookup = &self->lookup;
    size_t used = strlen(self->text), room = self->size - used;
    char address[TRALE_ADDRESS_TEXT], ttl[16] = "-";
    if (lookup->ttl_s != TRALE_TTL_UNKNOWN)
        snprintf(ttl, sizeof ttl, "%u", lookup->ttl_s);
    if (self->kind == TRALE_LOOKUP_SRV) {
        snprintf(self->text + used, room, "%u/%u/%u/%s/%s ", lookup->priority, lookup->weight, lookup->target_port,
                 lookup->target, ttl);
    } else if (self->kind == TRALE_LOOKUP_REVERSE) {
        snprintf(self->text + used, room, "%s/%s ", lookup->target, ttl);
    } else if (self->kind != TRALE_LOOKUP_TXT && trale_address_format(&lookup->address, address, sizeof address) > 0) {
        snprintf(self->text + used, room, "%s/%s ", address, ttl);
    }
}

trale_async_with(gather, gather_close)
{
    trale_begin();
    if (self->address != NULL)
        trale_lookup_reverse(&self->lookup, self->address);
    else
        trale_lookup(&self->lookup, self->kind, self->name, 80);
    for (;;) {
        trale_try(trale_lookup_next(&self->lookup));
        if (trale_result() == 0)
            trale_return((int64_t)self->n);
        self->n++;
        gather_add(self);
        if (self->n == self->n_most)
            trale_return((int64_t)self->n);
    }
}

/* The result of a lookup; `text` has room for 64 KB. */
static inline int64_t look_up_text(struct world *world, uint32_t kind, const char *name, char *text)
{
    struct gather gather;
    text[0] = '\0';
    return trale_block_on(world->runtime,
                          trale_call(gather, &gather, .kind = kind, .name = name, .text = text, .size = 65536));
}

static inline int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Puts the words of a text into order: families arrive in any. */
static inline void sort_words(char *text)
{
    char *words[64], copy[4096], *rest;
    size_t n = 0;
    assert_true(strlen(text) < sizeof copy);
    strcpy(copy, text);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && n < 64; word = strtok_r(NULL, " ", &rest))
        words[n++] = word;
    qsort(words, n, sizeof words[0], compare_words);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        strcat(strcat(text, words[i]), " ");
}

/* Waits for the lookup until the server has had so many queries, in pieces: each wait is dropped after a turn. */
struct impatient {
    struct trale_future future;
    struct trale_lookup lookup;
    struct world *world;
    const char *name;
    int n_queries; /* 0: until it has a result */
    int n_streams; /* 0; or until the server has accepted so many connections */
    bool leaves;   /* ends without ending the lookup */
    struct trale_sleep sleep;
    TRALE_BRANCHES(2) race;
};

static void impatient_close(struct impatient *self)
{
    if (!self->leaves)
        trale_lookup_end(&self->lookup);
}

trale_async_with(impatient, impatient_close)
{
    trale_begin();
    trale_lookup(&self->lookup, TRALE_LOOKUP_V4, self->name, 80);
    for (;;) {
        trale_try(
            trale_race_of(&self->race, trale_lookup_next(&self->lookup), trale_sleep(&self->sleep, TRALE_MILLISECOND)));
        if (trale_result() == 0)
            trale_return(self->race.branch[0].result);
        if (self->n_streams > 0 && self->world->server.n_streams >= self->n_streams)
            trale_return(0);
        if (self->n_queries > 0 && self->world->server.n_queries >= self->n_queries)
            trale_return(0);
    }
}

/* How many sockets are open: those of the runtime and its server, and of queries. */
static inline int count_sockets(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int n = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[300], target[64] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        n += length > 0 && strncmp(target, "socket:", 7) == 0;
    }
    closedir(folder);
    return n;
}

#define assert_finds(world, kind, name, wanted)                                                                        \
    do {                                                                                                               \
        static char text_[65536];                                                                                      \
        int64_t result_ = look_up_text((world), (kind), (name), text_);                                                \
        if (result_ < 0)                                                                                               \
            fail_msg("%s: %s", (name), strerror((int)-result_));                                                       \
        sort_words(text_);                                                                                             \
        assert_string_equal(text_, (wanted));                                                                          \
    } while (0)

#define assert_fails(world, kind, name, error)                                                                         \
    do {                                                                                                               \
        static char text_[65536];                                                                                      \
        assert_int_equal(look_up_text((world), (kind), (name), text_), (error));                                       \
        assert_string_equal(text_, "");                                                                                \
    } while (0)

#define with_world(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

/* --- files -------------------------------------------------------------------------------------------------------- */

static inline void world_make_folder(struct world *world)
{
    snprintf(world->folder, sizeof world->folder, "/tmp/trale-resolve-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
}

/* Writes a file of the folder, in place of the one that is there. */
static inline void world_write(const struct world *world, const char *name, const char *text)
{
    char path[128], fresh[136];
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(fresh, path), 0);
}

static inline void world_remove_folder(const struct world *world)
{
    char path[128];
    snprintf(path, sizeof path, "%s/hosts", world->folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/resolv.conf", world->folder);
    unlink(path);
    rmdir(world->folder);
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * Which file descriptors the sockets of an instance have: a bit for each number. A driver that adopts an fd asks here
 * whether one of its sockets has it already, for both would close it, and the second close might hit a new fd of that
 * number.
 *
 * A zeroed set is not kept: adding and removing do nothing, so that programs that adopt nothing pay for nothing. The
 * first adoption begins it and adds all open sockets. Where no memory is left to grow, the set is given up, and the
 * next adoption begins it anew. */
#ifndef DRIVERS_OPEN_FDS_H
#define DRIVERS_OPEN_FDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct open_fds {
    uint64_t *words; /* NULL: the set is not kept */
    size_t n_words;
};

static inline void open_fds_free(struct open_fds *fds)
{
    free(fds->words);
    *fds = (struct open_fds){0};
}

/* Grows the set, or begins it; at least twice as large each time. Without memory it is given up. */
static inline bool open_fds_grow(struct open_fds *fds, size_t n_words)
{
    size_t n = n_words > 2 * fds->n_words ? n_words : 2 * fds->n_words;
    uint64_t *words = reallocarray(fds->words, n, sizeof *words);
    if (words == NULL) {
        open_fds_free(fds);
        return false;
    }
    memset(words + fds->n_words, 0, (n - fds->n_words) * sizeof *words);
    *fds = (struct open_fds){words, n};
    return true;
}

static inline void open_fds_add(struct open_fds *fds, int fd)
{
    size_t word = (size_t)fd / 64;
    if (fds->words != NULL && (word < fds->n_words || open_fds_grow(fds, word + 1)))
        fds->words[word] |= UINT64_C(1) << fd % 64;
}

static inline void open_fds_remove(struct open_fds *fds, int fd)
{
    size_t word = (size_t)fd / 64;
    if (word < fds->n_words)
        fds->words[word] &= ~(UINT64_C(1) << fd % 64);
}

static inline bool open_fds_has(const struct open_fds *fds, int fd)
{
    size_t word = (size_t)fd / 64;
    return word < fds->n_words && (fds->words[word] >> fd % 64 & 1) != 0;
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.random/1": random bytes. Offered by drivers/random/random.c, used through the functions at the
 * end.
 *
 * The driver decides what they are. Those of drivers/random/random.c come from the kernel, which nobody can predict:
 * they are fit for keys. A simulation may give the same bytes in every run. So a program that takes time and random
 * bytes from interfaces alone can be run again exactly as before.
 *
 * All functions may be called on any thread. Errors are negative errno values.
 */
#ifndef TRALE_RANDOM_H
#define TRALE_RANDOM_H

#include <trale/driver.h>
#include <trale/trale.h>

#include <errno.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRALE_RANDOM_1_SIZE 24
#define TRALE_RANDOM_1 TRALE_INTERFACE("trale.random/1", TRALE_RANDOM_1_SIZE)

struct trale_random {
    struct trale_interface interface; /* version 1 */

    /* [any] The contract is that of trale_random_fill. */
    int32_t (*fill)(void *instance, void *buf, uint64_t size);
};

/* The runtime's source of random bytes, or NULL if no driver offers one. */
static inline const struct trale_random *trale_random(struct trale *runtime)
{
    return (const struct trale_random *)trale_interface(runtime, TRALE_RANDOM_1, sizeof(struct trale_random));
}

/* Fills buf with `size` random bytes. Does not wait. Returns 0; or -ENODEV (no driver offers random bytes), -EAGAIN
 * (the machine has just been started, and the kernel has no random bytes yet), or another error of getrandom(2): then
 * what buf holds must not be used. */
TRALE_CHECK_RESULT static inline int trale_random_fill(struct trale *runtime, void *buf, size_t size)
{
    const struct trale_random *random = trale_random(runtime);
    return random == NULL ? -ENODEV : random->fill(random->interface.instance, buf, size);
}

/* Draws a number from 0 to `limit` - 1, each with the same probability; with `limit` 0, from all 64-bit numbers.
 * Returns 0; or an error of trale_random_fill, or -EIO (the driver's bytes are not random: of TRALE_RANDOM_DRAWS
 * numbers none counted, and each counts with a probability of one half at least), and *number is untouched. */
#define TRALE_RANDOM_DRAWS 128
TRALE_CHECK_RESULT static inline int trale_random_below(struct trale *runtime, uint64_t limit, uint64_t *number)
{
    /* 2^64 is no multiple of most limits: of as many numbers as are left over, none counts. */
    uint64_t n_excess = limit > 0 ? (UINT64_MAX - limit + 1) % limit : 0, drawn = 0;
    int n_draws = 0;
    do {
        int r = n_draws++ < TRALE_RANDOM_DRAWS ? trale_random_fill(runtime, &drawn, sizeof drawn) : -EIO;
        if (r < 0)
            return r;
    } while (drawn < n_excess);
    *number = limit > 0 ? drawn % limit : drawn;
    return 0;
}

static_assert(offsetof(struct trale_random, fill) + sizeof(void *) == TRALE_RANDOM_1_SIZE, "append only");

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT
 *
 * Functions that draw random numbers. Those of generators that the program has seeded pass: the seed decides what they
 * give, and if the program has drawn that, it was by another call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "guard.h"

#define HERE __builtin_return_address(0)

/* --- from the kernel ---------------------------------------------------------------------------------------------- */

ssize_t guard_getrandom(void *buffer, size_t size, unsigned flags) GUARD_FOR(getrandom);
ssize_t guard_getrandom(void *buffer, size_t size, unsigned flags)
{
    GUARD_REAL(ssize_t(void *, size_t, unsigned), "getrandom");
    if (guard_call(GUARD_ENTROPY, "getrandom", HERE, true) == GUARD_PASS)
        return real(buffer, size, flags);
    guard_random(buffer, size);
    return (ssize_t)size;
}

int guard_getentropy(void *buffer, size_t size) GUARD_FOR(getentropy);
int guard_getentropy(void *buffer, size_t size)
{
    GUARD_REAL(int(void *, size_t), "getentropy");
    if (guard_call(GUARD_ENTROPY, "getentropy", HERE, true) == GUARD_PASS || size > 256)
        return real(buffer, size);
    guard_random(buffer, size);
    return 0;
}

uint32_t guard_arc4random(void) GUARD_FOR(arc4random);
uint32_t guard_arc4random(void)
{
    GUARD_REAL(uint32_t(void), "arc4random");
    if (guard_call(GUARD_ENTROPY, "arc4random", HERE, true) == GUARD_PASS)
        return real();
    uint32_t number;
    guard_random(&number, sizeof number);
    return number;
}

void guard_arc4random_buf(void *buffer, size_t size) GUARD_FOR(arc4random_buf);
void guard_arc4random_buf(void *buffer, size_t size)
{
    GUARD_REAL(void(void *, size_t), "arc4random_buf");
    if (guard_call(GUARD_ENTROPY, "arc4random_buf", HERE, true) == GUARD_PASS)
        real(buffer, size);
    else
        guard_random(buffer, size);
}

uint32_t guard_arc4random_uniform(uint32_t limit) GUARD_FOR(arc4random_uniform);
uint32_t guard_arc4random_uniform(uint32_t limit)
{
    GUARD_REAL(uint32_t(uint32_t), "arc4random_uniform");
    if (guard_call(GUARD_ENTROPY, "arc4random_uniform", HERE, true) == GUARD_PASS)
        return real(limit);
    uint64_t number;
    guard_random(&number, sizeof number);
    return limit > 0 ? (uint32_t)(number % limit) : 0;
}

/* --- generators of libc that were not seeded ---------------------------------------------------------------------- */

static bool is_random_seeded, is_rand48_seeded;

static uint32_t draw_31_bits(void)
{
    uint32_t number;
    guard_random(&number, sizeof number);
    return number >> 1;
}

int guard_rand(void) GUARD_FOR(rand);
int guard_rand(void)
{
    GUARD_REAL(int(void), "rand");
    if (is_random_seeded || guard_call(GUARD_ENTROPY, "rand", HERE, true) == GUARD_PASS)
        return real();
    return (int)draw_31_bits();
}

long guard_random_of_libc(void) GUARD_FOR(random);
long guard_random_of_libc(void)
{
    GUARD_REAL(long(void), "random");
    if (is_random_seeded || guard_call(GUARD_ENTROPY, "random", HERE, true) == GUARD_PASS)
        return real();
    return (long)draw_31_bits();
}

void guard_srand(unsigned seed) GUARD_FOR(srand);
void guard_srand(unsigned seed)
{
    GUARD_REAL(void(unsigned), "srand");
    is_random_seeded = true;
    real(seed);
}

void guard_srandom(unsigned seed) GUARD_FOR(srandom);
void guard_srandom(unsigned seed)
{
    GUARD_REAL(void(unsigned), "srandom");
    is_random_seeded = true;
    real(seed);
}

char *guard_initstate(unsigned seed, char *state, size_t size) GUARD_FOR(initstate);
char *guard_initstate(unsigned seed, char *state, size_t size)
{
    GUARD_REAL(char *(unsigned, char *, size_t), "initstate");
    is_random_seeded = true;
    return real(seed, state, size);
}

double guard_drand48(void) GUARD_FOR(drand48);
double guard_drand48(void)
{
    GUARD_REAL(double(void), "drand48");
    if (is_rand48_seeded || guard_call(GUARD_ENTROPY, "drand48", HERE, true) == GUARD_PASS)
        return real();
    uint64_t number;
    guard_random(&number, sizeof number);
    return (double)(number >> 16) / (double)(UINT64_C(1) << 48);
}

long guard_lrand48(void) GUARD_FOR(lrand48);
long guard_lrand48(void)
{
    GUARD_REAL(long(void), "lrand48");
    if (is_rand48_seeded || guard_call(GUARD_ENTROPY, "lrand48", HERE, true) == GUARD_PASS)
        return real();
    return (long)draw_31_bits();
}

long guard_mrand48(void) GUARD_FOR(mrand48);
long guard_mrand48(void)
{
    GUARD_REAL(long(void), "mrand48");
    if (is_rand48_seeded || guard_call(GUARD_ENTROPY, "mrand48", HERE, true) == GUARD_PASS)
        return real();
    int32_t number;
    guard_random(&number, sizeof number);
    return number;
}

void guard_srand48(long seed) GUARD_FOR(srand48);
void guard_srand48(long seed)
{
    GUARD_REAL(void(long), "srand48");
    is_rand48_seeded = true;
    real(seed);
}

unsigned short *guard_seed48(unsigned short seed[3]) GUARD_FOR(seed48);
unsigned short *guard_seed48(unsigned short seed[3])
{
    GUARD_REAL(unsigned short *(unsigned short *), "seed48");
    is_rand48_seeded = true;
    return real(seed);
}

void guard_lcong48(unsigned short parameters[7]) GUARD_FOR(lcong48);
void guard_lcong48(unsigned short parameters[7])
{
    GUARD_REAL(void(unsigned short *), "lcong48");
    is_rand48_seeded = true;
    real(parameters);
}

/* SPDX-License-Identifier: MIT
 *
 * Chance. A draw is a function of the seed and of what is decided: the name of a stream ("loss"), a key (the two hosts
 * of a link) and a counter (how many datagrams went that way before). There is no sequence, so one more draw, or one
 * less, changes no other one. */
#ifndef SIM_DRAW_H
#define SIM_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bijection of 64 bits in which every bit of the input matters to every bit of the output (the finaliser of
 * SplitMix64). */
static inline uint64_t draw_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Adds a number to a hash; the order of the numbers matters. */
static inline uint64_t draw_fold(uint64_t hash, uint64_t number)
{
    return draw_mix(hash + UINT64_C(0x9e3779b97f4a7c15) + draw_mix(number + UINT64_C(0x9e3779b97f4a7c15)));
}

/* The hash of some bytes. That of a name is its stream. */
uint64_t draw_hash(const void *bytes, size_t n_bytes);
uint64_t draw_stream(const char *name);

/* 64 bits of chance. */
static inline uint64_t draw_number(uint64_t seed, uint64_t stream, uint64_t key, uint64_t counter)
{
    return draw_fold(draw_fold(draw_fold(draw_mix(seed), stream), key), counter);
}

/* Out of a draw: a number below `bound`, each equally likely; 0 for 0. */
static inline uint64_t draw_below(uint64_t drawn, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)drawn * bound >> 64);
}

/* Rates of chance are in parts of a billion. */
#define DRAW_ALWAYS 1000000000u

/* Out of a draw: whether something of that rate happens. If it does at one rate, it does at every higher rate. */
static inline bool draw_happens(uint64_t drawn, uint32_t rate)
{
    return draw_below(drawn, DRAW_ALWAYS) < rate;
}

#endif

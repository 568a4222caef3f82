/* SPDX-License-Identifier: MIT
 *
 * What the targets share. */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Ends the run, which keeps the input, unless the claim holds. */
#define CHECK(claim) ((claim) ? (void)0 : abort())

/* What libFuzzer calls, with memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Relocations of a driver's file, of all tables, in one array. */
#ifndef CORE_DRIVER_ELF_RELOCATIONS_H
#define CORE_DRIVER_ELF_RELOCATIONS_H

#include "core/driver/elf.h"

/* What a relocation writes. */
enum kind {
    KIND_NONE,       /* Nothing. */
    KIND_RELATIVE,   /* An address in the driver. */
    KIND_SYMBOL,     /* The address of a symbol. */
    KIND_TLS,        /* A number about a thread-local variable. */
    KIND_DESCRIPTOR, /* Two words about a thread-local variable. */
    KIND_CHOSEN,     /* What a function returns, which is called: an ifunc. */
    KIND_FORBIDDEN,  /* What no shared object with position-independent code has. */
};

/* One relocation, of any table. */
struct relocation {
    uint64_t address, addend;
    uint32_t symbol;
    enum kind kind;
};

/* All tables read into one array. */
struct relocations {
    struct relocation *items;
    uint64_t n, capacity;
};

/* Reads the tables into the zeroed *all, whose items the caller frees in any case. What is wrong, or NULL. */
const char *elf_read_relocations(const struct elf *elf, struct relocations *all);

/* How many bytes it writes. */
static inline uint64_t relocation_width(const struct relocation *relocation)
{
    return relocation->kind == KIND_NONE ? 0 : relocation->kind == KIND_DESCRIPTOR ? 16 : 8;
}

/* Of the relocations that elf_open kept, the first that writes any of the `length` bytes at the address; NULL: none. */
const struct relocation *elf_relocation_in(const struct elf *elf, uint64_t address, uint64_t length);

/* The word at an address, as it is in the file; 0 where the file has none. */
uint64_t elf_word_at(const struct elf *elf, uint64_t address);

#endif

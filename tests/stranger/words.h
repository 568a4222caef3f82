/* SPDX-License-Identifier: MIT
 *
 * The interface "org.example.words/1": words of files, read on a thread. Offered by words.rs. */
#ifndef ORG_EXAMPLE_WORDS_H
#define ORG_EXAMPLE_WORDS_H

#include <errno.h>

#include <trale/driver.h>
#include <trale/trale.h>

/* A question about a file. */
struct words_question {
    struct trale_future future;
    const char *path; /* lent until the first poll */
    uint64_t index;

    /* The driver's. */
    void *driver;
    void *state;
};

/* The name of the interface, with the size of version 1 of its table. A program asks for it before it makes a future:
 * trale_require(runtime, ORG_EXAMPLE_WORDS_1, NULL). */
#define ORG_EXAMPLE_WORDS_1 TRALE_INTERFACE("org.example.words/1", 32)

struct words {
    struct trale_interface interface; /* version 1 */

    /* Make *question a future: the driver sets its `type` and `driver`. The rest is set, or zero. */
    void (*count)(void *instance, struct words_question *question);
    void (*length)(void *instance, struct words_question *question);
};
static_assert(offsetof(struct words, length) + sizeof(void *) == 32, "version 1 does not change");

static inline const struct words *words(struct trale *runtime)
{
    return (const struct words *)trale_interface(runtime, ORG_EXAMPLE_WORDS_1, sizeof(struct words));
}

/* Resolves to how many words the file has, or to an error of open(2) or read(2), or -EILSEQ (it is no UTF-8).
 * [executor] */
TRALE_CHECK_RESULT static inline struct trale_future *words_count(struct words_question *question,
                                                                  struct trale *runtime, const char *path)
{
    *question = (struct words_question){.path = path};
    words(runtime)->count(words(runtime)->interface.instance, question);
    return &question->future;
}

/* Resolves to how many bytes the word with this index has; for a word that is not there to -ENOTRECOVERABLE, for then
 * the driver panics. */
TRALE_CHECK_RESULT static inline struct trale_future *
words_length(struct words_question *question, struct trale *runtime, const char *path, uint64_t index)
{
    *question = (struct words_question){.path = path, .index = index};
    words(runtime)->length(words(runtime)->interface.instance, question);
    return &question->future;
}

#endif

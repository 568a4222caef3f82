/* SPDX-License-Identifier: MIT */
#include "replay_waiting.h"

#include <stdlib.h>

#include "list.h"

struct replay_operation *replay_waiting_find(const struct replay_waiting *waiting, uint64_t number)
{
    const struct trale_link *bucket = &waiting->buckets[number % REPLAY_BUCKETS];
    for (struct trale_link *link = bucket->next; link != NULL && link != bucket; link = link->next) {
        struct replay_operation *operation = list_entry(link, struct replay_operation, link);
        if (operation->number == number)
            return operation;
    }
    return NULL;
}

struct replay_operation *replay_waiting_add(struct replay_waiting *waiting, uint64_t number)
{
    struct replay_operation *operation = calloc(1, sizeof *operation);
    if (operation == NULL)
        return NULL;
    operation->number = number;
    list_append(&waiting->buckets[number % REPLAY_BUCKETS], &operation->link);
    return operation;
}

void replay_waiting_remove(struct replay_operation *operation)
{
    list_remove(&operation->link);
    free(operation);
}

void replay_waiting_deinit(struct replay_waiting *waiting)
{
    for (size_t i = 0; i < REPLAY_BUCKETS; i++)
        while (!list_is_empty(&waiting->buckets[i]))
            replay_waiting_remove(list_entry(waiting->buckets[i].next, struct replay_operation, link));
}

/* SPDX-License-Identifier: MIT
 *
 * Open files and their end. close(2) may take its time, as on a network, so it is not called on the executor. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "submission.h"

struct file *file_new(struct files *files)
{
    struct file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->files = files;
    file->fd = -1;
    atomic_init(&file->n_users, 1);
    list_init(&file->waiting);
    pthread_mutex_init(&file->descriptor, NULL);
    return file;
}

int file_give(struct file *file)
{
    struct files *files = file->files;
    struct handle *handle = files->closed != NULL ? files->closed : malloc(sizeof *handle);
    if (handle == NULL)
        return -ENOMEM;
    if (handle == files->closed)
        files->closed = handle->next;
    *handle = (struct handle){.base.files = &files->table, .generation = ++files->generation, .file = file};
    file->handle = handle;
    list_append(&files->open, &file->link);
    return 0;
}

void file_free(struct file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    pthread_mutex_destroy(&file->descriptor);
    free(file);
}

void file_unref_on_thread(struct file *file)
{
    if (atomic_fetch_sub_explicit(&file->n_users, 1, memory_order_acq_rel) == 1)
        file_free(file);
}

void file_give_to_closer(struct file *file)
{
    struct closer *closer = &file->files->closer;
    file->next = closer->files;
    closer->files = file;
    if (closer->waker != NULL)
        closer->waker->table->wake_by_ref(closer->waker);
}

void file_unref(struct file *file)
{
    if (atomic_fetch_sub_explicit(&file->n_users, 1, memory_order_acq_rel) != 1)
        return;
    if (file->fd < 0)
        file_free(file);
    else if (!submission_close(file))
        file_give_to_closer(file);
}

void file_close(void *instance, struct trale_file *base)
{
    struct files *files = instance;
    struct handle *handle = (struct handle *)base;
    struct file *file = handle->file;
    trale_host_expect(&files->host, "trale_files.close");
    while (!list_is_empty(&file->waiting))
        operation_cancel(list_entry(file->waiting.next, struct trale_file_op, link));
    list_remove(&file->link);
    *handle = (struct handle){.next = files->closed};
    files->closed = handle;
    file_unref(file);
}

/* --- the closer --------------------------------------------------------------------------------------------------- */

/* On a thread. The memory is freed afterwards, when the files are the executor's again, or belong to this thread. */
static int64_t closer_run(void *data)
{
    for (struct file *file = data; file != NULL; file = file->next) {
        close(file->fd);
        file->fd = -1;
    }
    return 0;
}

static void closer_free(void *data)
{
    for (struct file *file = data, *next; file != NULL; file = next) {
        next = file->next;
        file_free(file);
    }
}

static struct files *closer_files(struct trale_future *future)
{
    return (struct files *)(void *)((char *)future - offsetof(struct files, closer.future));
}

static int64_t closer_poll(struct trale_future *future, struct trale_context *context)
{
    struct files *files = closer_files(future);
    struct closer *closer = &files->closer;
    closer->waker = context->waker;
    submission_poll(files, context->waker);
    for (;;) {
        if (future->awaiting != NULL && trale_future_poll(future->awaiting, context) == TRALE_PENDING)
            return TRALE_PENDING;
        if (future->awaiting != NULL)
            closer_free(closer->work.data);
        future->awaiting = NULL;
        if (closer->files == NULL)
            return TRALE_PENDING;
        closer->work = (struct trale_blocking){
            .function = closer_run, .data = closer->files, .release = closer_free, .name = "close"};
        closer->files = NULL;
        files->pool->run(files->pool->interface.instance, &closer->work);
        future->awaiting = &closer->work.future;
    }
}

static void closer_drop(struct trale_future *future)
{
    submission_end_wait(closer_files(future));
    ((struct closer *)(void *)future)->waker = NULL;
}

void closer_init(struct files *files)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "file_driver", closer_poll, closer_drop};
    trale_future_init(&files->closer.future, &type);
}

void files_close_all(struct files *files)
{
    while (!list_is_empty(&files->open)) {
        struct file *file = list_entry(files->open.next, struct file, link);
        list_remove(&file->link);
        free(file->handle);
        file_unref_on_thread(file);
    }
    for (struct handle *handle = files->closed, *next; handle != NULL; handle = next) {
        next = handle->next;
        free(handle);
    }
    closer_free(files->closer.files);
}

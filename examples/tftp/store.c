/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY ".tftp-"
#define NEW_MODE (S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)

int stored_init(struct stored *stored, struct trale_file *folder, const char *name)
{
    while (*name == '/')
        name++;
    *stored = (struct stored){.folder = folder};
    snprintf(stored->path, sizeof stored->path, "%s", name);
    const char *slash = strrchr(stored->path, '/');
    stored->name = slash != NULL ? slash + 1 : stored->path;
    return *stored->name == '\0' || strncmp(stored->name, TEMPORARY, strlen(TEMPORARY)) == 0 ? -ENOENT : 0;
}

void stored_close(struct stored *stored)
{
    trale_file_close(stored->file);
    trale_file_close(stored->parent);
    stored->file = stored->parent = NULL;
}

trale_async_extern(stored_read)
{
    struct stored *stored = self->stored;
    trale_begin();
    trale_try(trale_file_open_in(&self->op, stored->folder, stored->path, O_RDONLY, 0));
    stored->file = self->op.file;
    trale_try(trale_file_status(&self->op, stored->file, &self->status));
    if (self->status.kind != TRALE_FILE_KIND_REGULAR || (self->status.mode & S_IROTH) == 0)
        trale_return(-EACCES);
    stored->size = self->status.size;
    trale_return(0);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void close_old(struct stored_write *self)
{
    trale_file_close(self->old);
    self->old = NULL;
}

static bool may_replace(const struct stored_write *self)
{
    return self->status.kind == TRALE_FILE_KIND_REGULAR &&
           (self->writes == TFTP_WRITES_ALL || (self->status.mode & S_IWOTH) != 0);
}

/* The folder of the file, as a path. */
static const char *parent_of(struct stored *stored)
{
    if (stored->name == stored->path)
        return ".";
    stored->path[stored->name - stored->path - 1] = '\0';
    return stored->path;
}

trale_async_extern_with(stored_write, close_old)
{
    struct stored *stored = self->stored;
    trale_begin();
    if (self->writes == TFTP_WRITES_NONE)
        trale_return(-EACCES);
    trale_try(trale_file_open_in(&self->op, stored->folder, parent_of(stored), O_RDONLY | O_DIRECTORY, 0));
    stored->parent = self->op.file;
    trale_await(trale_file_open_in(&self->op, stored->parent, stored->name, O_WRONLY | O_NOFOLLOW, 0));
    if (trale_result() == 0) {
        self->old = self->op.file;
        trale_try(trale_file_status(&self->op, self->old, &self->status));
        if (!may_replace(self))
            trale_return(-EACCES);
        stored->mode = self->status.mode & (S_IRWXU | S_IRWXG | S_IRWXO);
    } else if (trale_result() != -ENOENT || self->writes < TFTP_WRITES_CREATE) {
        trale_return(trale_result() == -ENOENT ? -EACCES : trale_result());
    } else {
        stored->mode = NEW_MODE;
    }
    snprintf(stored->temporary, sizeof stored->temporary, TEMPORARY "%d-%" PRIu64, (int)getpid(), self->number);
    trale_await(
        trale_file_open_in(&self->op, stored->parent, stored->temporary, O_RDWR | O_CREAT | O_EXCL, stored->mode));
    if (trale_result() < 0) {
        stored->temporary[0] = '\0';
        trale_return(trale_result());
    }
    stored->file = self->op.file;
    trale_return(0);
}

trale_async_extern(stored_complete)
{
    struct stored *stored = self->stored;
    trale_begin();
    if (self->syncs)
        trale_try(trale_file_sync(&self->op, stored->file, 0));
    trale_try(trale_file_rename(&self->op, stored->parent, stored->temporary, stored->parent, stored->name));
    stored->temporary[0] = '\0';
    if (self->syncs)
        trale_try(trale_file_sync(&self->op, stored->parent, 0));
    trale_return(0);
}

trale_async_extern(stored_discard)
{
    trale_begin();
    if (self->stored->temporary[0] != '\0')
        trale_await(trale_file_unlink(&self->op, self->stored->parent, self->stored->temporary, 0));
    self->stored->temporary[0] = '\0';
    trale_return(0);
}

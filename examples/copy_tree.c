/* SPDX-License-Identifier: MIT
 *
 * Files and folders: copies a folder with all that is below it, up to sixteen files at a time. It follows no symbolic
 * link: what is neither a file nor a folder is named and left out. It writes over nothing. The new folder is not below
 * the old one: the copy would be copied as well, without end.
 *
 *     copy_tree FOLDER NEW-FOLDER
 *
 * It needs the drivers `blocking` and `file`, which the default trale.ini does not load: see examples/copy_tree.ini. */
#define _GNU_SOURCE 1 /* asprintf(3), O_NOFOLLOW */

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trale/file_folder.h>
#include <trale/scope.h>
#include <trale/sync.h>

#define N_AT_A_TIME 16

/* What all tasks share. Paths are below these two folders, which no path leaves. */
struct tree {
    struct trale_file *from, *to;
    struct trale_semaphore permits;
    uint64_t n_files, n_bytes;
};

/* --- one file ----------------------------------------------------------------------------------------------------- */

struct copy {
    struct trale_future future;
    struct tree *tree;
    char *path;
    struct trale_file *from, *to;
    struct trale_file_op op;
    struct trale_file_status status;
    uint64_t offset;
    size_t n_read, n_written;
    char bytes[65536];
};

static void copy_close(struct copy *self)
{
    if (self->future.result < 0)
        trale_perror(self->path, self->future.result);
    trale_file_close(self->from);
    trale_file_close(self->to);
    trale_semaphore_release(&self->tree->permits, 1);
    free(self->path);
}

trale_async_with(copy, copy_close)
{
    trale_begin();
    trale_try(trale_file_open_in(&self->op, self->tree->from, self->path, O_RDONLY | O_NOFOLLOW, 0));
    self->from = self->op.file;
    trale_try(trale_file_status(&self->op, self->from, &self->status));
    trale_try(trale_file_open_in(&self->op, self->tree->to, self->path, O_WRONLY | O_CREAT | O_EXCL,
                                 self->status.mode & 0777));
    self->to = self->op.file;
    for (;;) {
        trale_try(trale_file_read(&self->op, self->from, self->bytes, sizeof self->bytes, self->offset));
        if (trale_result() == 0)
            break;
        self->n_read = (size_t)trale_result();
        for (self->n_written = 0; self->n_written < self->n_read; self->n_written += (size_t)trale_result())
            trale_try(trale_file_write(&self->op, self->to, self->bytes + self->n_written,
                                       self->n_read - self->n_written, self->offset + self->n_written));
        self->offset += self->n_read;
    }
    trale_try(trale_file_sync(&self->op, self->to, TRALE_FILE_DATA)); /* a write may fail as late as here */
    self->tree->n_files++;
    self->tree->n_bytes += self->offset;
    trale_return(0);
}

/* --- all folders -------------------------------------------------------------------------------------------------- */

/* A folder that was made, and whose files are not copied yet. */
struct pending {
    struct pending *next;
    char path[];
};

struct walk {
    struct trale_future future;
    struct tree *tree;
    struct trale_scope *scope;
    struct pending *pending, *folder;
    struct trale_file *from, *to; /* `folder` */
    struct trale_file_op op;
    struct trale_semaphore_acquire acquire;
    struct trale_file_entry entries[64];
    int64_t n, i;
};

static void walk_close(struct walk *self)
{
    if (self->future.result < 0 && self->folder != NULL)
        trale_perror(self->folder->path, self->future.result);
    trale_file_close(self->from);
    trale_file_close(self->to);
    free(self->folder);
    for (struct pending *pending; (pending = self->pending) != NULL; free(pending))
        self->pending = pending->next;
}

/* The path of an entry; NULL: no memory. */
static char *path_of(const struct walk *walk)
{
    char *path;
    const char *name = walk->entries[walk->i].name;
    return asprintf(&path, "%s/%s", walk->folder->path, name) < 0 ? NULL : path;
}

/* Keeps a folder for later. 0 or -ENOMEM. */
static int push(struct walk *walk, const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    struct pending *pending = malloc(sizeof *pending + size);
    if (pending == NULL)
        return -ENOMEM;
    snprintf(pending->path, size, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
    pending->next = walk->pending;
    walk->pending = pending;
    return 0;
}

/* Starts a task with the permit that was acquired. */
static int begin_copy(struct walk *walk)
{
    char *path = path_of(walk);
    int r = path == NULL ? -ENOMEM : trale_scope_spawn(walk->scope, copy, .tree = walk->tree, .path = path);
    if (r < 0 && r != -ESHUTDOWN) {
        trale_semaphore_release(&walk->tree->permits, 1);
        free(path);
    }
    return r;
}

trale_async_with(walk, walk_close)
{
    trale_begin();
    if (push(self, "", ".") < 0)
        trale_return(-ENOMEM);
    while ((self->folder = self->pending) != NULL) {
        self->pending = self->folder->next;
        trale_try(trale_file_open_in(&self->op, self->tree->from, self->folder->path, O_DIRECTORY | O_NOFOLLOW, 0));
        self->from = self->op.file;
        trale_try(trale_file_open_in(&self->op, self->tree->to, self->folder->path, O_DIRECTORY | O_NOFOLLOW, 0));
        self->to = self->op.file;
        for (;;) {
            trale_try(trale_file_list(&self->op, self->from, self->entries, 64));
            self->n = trale_result();
            if (self->n == 0)
                break;
            for (self->i = 0; self->i < self->n; self->i++) {
                if (self->entries[self->i].kind == TRALE_FILE_KIND_FOLDER) {
                    trale_try(trale_file_make_folder(&self->op, self->to, self->entries[self->i].name, 0777));
                    if (push(self, self->folder->path, self->entries[self->i].name) < 0)
                        trale_return(-ENOMEM);
                } else if (self->entries[self->i].kind == TRALE_FILE_KIND_REGULAR) {
                    trale_try(trale_semaphore_acquire(&self->acquire, &self->tree->permits, 1));
                    if (begin_copy(self) < 0)
                        trale_return(-ECANCELED); /* the scope has ended, or there is no memory */
                } else {
                    printf("left out: %s/%s\n", self->folder->path, self->entries[self->i].name);
                }
            }
        }
        trale_file_close(self->from);
        trale_file_close(self->to);
        free(self->folder);
        self->from = self->to = NULL;
    }
    trale_return(0);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

struct copy_tree {
    struct trale_future future;
    const char *from, *to;
    struct tree tree;
    struct trale_file_op op;
    struct trale_scope scope;
    struct walk walk;
};

static void copy_tree_close(struct copy_tree *self)
{
    trale_file_close(self->tree.from);
    trale_file_close(self->tree.to);
}

trale_async_with(copy_tree, copy_tree_close)
{
    trale_begin();
    trale_try(trale_file_open(&self->op, cx->runtime, self->from, O_DIRECTORY, 0));
    self->tree.from = self->op.file;
    trale_try(trale_file_open(&self->op, cx->runtime, self->to, O_DIRECTORY, 0));
    self->tree.to = self->op.file;
    self->tree.permits = (struct trale_semaphore)TRALE_SEMAPHORE(N_AT_A_TIME);
    trale_try(trale_scope(&self->scope, trale_call(walk, &self->walk, .tree = &self->tree, .scope = &self->scope)));
    printf("%llu files, %llu bytes\n", (unsigned long long)self->tree.n_files, (unsigned long long)self->tree.n_bytes);
    trale_return(0);
}

/* Whether the path leads below the folder. */
static bool is_below(const char *path, const char *folder)
{
    char *inner = realpath(path, NULL), *outer = realpath(folder, NULL);
    size_t length = outer != NULL ? strlen(outer) : 0;
    bool is = inner != NULL && outer != NULL && strncmp(inner, outer, length) == 0 &&
              (inner[length] == '/' || strcmp(outer, "/") == 0);
    free(inner);
    free(outer);
    return is;
}

int main(int argc, char **argv)
{
    struct trale *runtime;
    if (argc != 3) {
        fprintf(stderr, "usage: copy_tree FOLDER NEW-FOLDER\n");
        return 2;
    }
    if (mkdir(argv[2], 0777) < 0)
        return trale_perror(argv[2], -errno);
    if (is_below(argv[2], argv[1])) {
        fprintf(stderr, "%s is below %s\n", argv[2], argv[1]);
        rmdir(argv[2]);
        return EXIT_FAILURE;
    }
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    int64_t result = trale_join(trale_spawn(runtime, copy_tree, .from = argv[1], .to = argv[2]));
    trale_close(runtime);
    return result < 0 ? trale_perror(argv[1], result) : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT
 *
 * trale: the driver file. */
#include "file.h"

#include <stdbool.h>

#include <trale/file.h>
#include <trale/scope.h>

static struct bench_file file;
static uint64_t n_begun;
static bool is_write;

static void check(const char *what, int64_t r)
{
    if (r < 0)
        exit(trale_perror(what, r));
}

struct reader {
    struct trale_future future;
    struct trale_file *file;
    struct trale_file_op op;
    char block[BENCH_FILE_BLOCK];
};

trale_async(reader)
{
    trale_begin();
    while (n_begun < BENCH_FILE_BLOCKS) {
        n_begun++;
        trale_await(is_write
                        ? trale_file_write(&self->op, self->file, self->block, sizeof self->block, bench_file_offset())
                        : trale_file_read(&self->op, self->file, self->block, sizeof self->block, bench_file_offset()));
        check("a block", trale_result() == BENCH_FILE_BLOCK ? 0 : -EIO);
    }
    trale_return(0);
}

struct readers {
    struct trale_future future;
    size_t n;
    struct trale_scope *scope;
    struct trale_file_op op;
};

trale_async(readers)
{
    trale_begin();
    trale_try(trale_file_open(&self->op, cx->runtime, file.path, O_RDWR, 0));
    for (size_t i = 0; i < self->n; i++)
        check("a task", trale_scope_spawn(self->scope, reader, .file = self->op.file));
    trale_return(0);
}

struct measure {
    struct trale_future future;
    size_t n;
    struct trale_scope scope;
    struct readers readers;
};

trale_async(measure)
{
    trale_begin();
    trale_try(trale_scope(&self->scope, trale_call(readers, &self->readers, .n = self->n, .scope = &self->scope)));
    trale_return(0);
}

static void run(size_t n, int writes)
{
    struct trale *runtime;
    file = bench_file_make();
    is_write = writes != 0;
    check("trale_open", trale_open(&runtime, NULL));
    uint64_t start_ns = bench_now_ns(), start_cpu_ns = bench_cpu_ns();
    check("files", trale_join(trale_spawn(runtime, measure, .n = n)));
    bench_file_print(start_ns, start_cpu_ns);
    trale_close(runtime);
}

int main(int argc, char **argv)
{
    return bench_file_main(argc, argv, run);
}

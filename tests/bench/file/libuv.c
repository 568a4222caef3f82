/* SPDX-License-Identifier: MIT
 *
 * libuv: uv_fs_read and uv_fs_write, on its pool of four threads. */
#include "file.h"

#include <uv.h>

struct reader {
    uv_fs_t request;
    char block[BENCH_FILE_BLOCK];
};

static uv_loop_t loop;
static struct bench_file file;
static uint64_t n_begun;
static int is_write;

static void next(struct reader *reader);

static void done(uv_fs_t *request)
{
    if (request->result != BENCH_FILE_BLOCK)
        bench_die("a block");
    uv_fs_req_cleanup(request);
    next(request->data);
}

static void next(struct reader *reader)
{
    if (n_begun == BENCH_FILE_BLOCKS)
        return;
    n_begun++;
    uv_buf_t buf = uv_buf_init(reader->block, BENCH_FILE_BLOCK);
    int64_t offset = (int64_t)bench_file_offset();
    reader->request.data = reader;
    int r = is_write ? uv_fs_write(&loop, &reader->request, file.fd, &buf, 1, offset, done)
                     : uv_fs_read(&loop, &reader->request, file.fd, &buf, 1, offset, done);
    if (r < 0)
        bench_die("uv_fs");
}

static void run(size_t n, int writes)
{
    struct reader *readers = calloc(n, sizeof *readers);
    if (readers == NULL || uv_loop_init(&loop) < 0)
        bench_die("a loop");
    file = bench_file_make();
    is_write = writes;
    uint64_t start_ns = bench_now_ns(), start_cpu_ns = bench_cpu_ns();
    for (size_t i = 0; i < n; i++)
        next(&readers[i]);
    uv_run(&loop, UV_RUN_DEFAULT);
    bench_file_print(start_ns, start_cpu_ns);
    free(readers);
}

int main(int argc, char **argv)
{
    return bench_file_main(argc, argv, run);
}

/* SPDX-License-Identifier: MIT
 *
 * The limit: pread(2) and pwrite(2) on threads that do nothing else, and hand nothing over. */
#include "file.h"

#include <pthread.h>

static struct bench_file file;
static int is_write;

struct worker {
    pthread_t thread;
    uint64_t offset;
    size_t n_blocks;
};

static void *work(void *data)
{
    struct worker *worker = data;
    char block[BENCH_FILE_BLOCK] = {0};
    uint64_t state = worker->offset + 1;
    for (size_t i = 0; i < worker->n_blocks; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        off_t offset = (off_t)((state >> 33) % (BENCH_FILE_SIZE / BENCH_FILE_BLOCK) * BENCH_FILE_BLOCK);
        ssize_t n = is_write ? pwrite(file.fd, block, sizeof block, offset)
                             : pread(file.fd, block, sizeof block, offset);
        if (n != (ssize_t)sizeof block)
            bench_die("a block");
    }
    return NULL;
}

static void run(size_t n, int writes)
{
    struct worker workers[BENCH_FILE_THREADS];
    size_t n_workers = n < BENCH_FILE_THREADS ? n : BENCH_FILE_THREADS;
    file = bench_file_make();
    is_write = writes;
    uint64_t start_ns = bench_now_ns(), start_cpu_ns = bench_cpu_ns();
    for (size_t i = 0; i < n_workers; i++) {
        workers[i].offset = bench_file_offset();
        workers[i].n_blocks = BENCH_FILE_BLOCKS / n_workers;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            bench_die("a thread");
    }
    for (size_t i = 0; i < n_workers; i++)
        pthread_join(workers[i].thread, NULL);
    bench_file_print(start_ns, start_cpu_ns);
}

int main(int argc, char **argv)
{
    return bench_file_main(argc, argv, run);
}

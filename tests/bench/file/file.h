/* SPDX-License-Identifier: MIT
 *
 * What the programs of this folder share, beside bench.h: a file whose bytes are in memory, and the order of its
 * blocks. `file_read` N keeps N reads of a block under way, `file_write` N writes, until BENCH_FILE_BLOCKS were done. */
#ifndef BENCH_FILE_H
#define BENCH_FILE_H

#include "../bench.h"

#define BENCH_FILE_BLOCK 4096u
#define BENCH_FILE_SIZE (16u << 20)
#define BENCH_FILE_BLOCKS 100000u
#define BENCH_FILE_THREADS 4u /* of contestants that read on threads */

/* The file has no name but that of the descriptor. */
struct bench_file {
    int fd;
    char path[32];
};

static inline struct bench_file bench_file_make(void)
{
    static char zeros[BENCH_FILE_SIZE];
    char name[] = "/tmp/trale-bench-XXXXXX";
    struct bench_file file;
    file.fd = mkstemp(name);
    if (file.fd < 0 || unlink(name) < 0 || write(file.fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros)
        bench_die(name);
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

/* Where the next block is, by chance. */
static inline uint64_t bench_file_offset(void)
{
    return bench_random() % (BENCH_FILE_SIZE / BENCH_FILE_BLOCK) * BENCH_FILE_BLOCK;
}

static inline void bench_file_print(uint64_t start_ns, uint64_t start_cpu_ns)
{
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_FILE_BLOCKS);
    bench_print("cpu_ns", (double)(bench_cpu_ns() - start_cpu_ns) / BENCH_FILE_BLOCKS);
}

/* The main function of all. With "_threads" the contestant that has a choice takes threads, by its configuration. */
static inline int bench_file_main(int argc, char **argv, void (*run)(size_t n, int writes))
{
    if (argc < 3 || strncmp(argv[1], "file_", 5) != 0)
        return BENCH_ABSENT;
    run(strtoul(argv[2], NULL, 10), strncmp(argv[1], "file_write", 10) == 0);
    return EXIT_SUCCESS;
}

#endif

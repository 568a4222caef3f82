/* SPDX-License-Identifier: MIT
 *
 * Functions that block: reads files, all at once, for at most five seconds each, and prints a checksum of each. A file
 * that takes longer is dropped; but nothing can stop a read, so the program ends only when it has returned.
 *
 *     checksum FILE...
 *
 * It needs the driver `blocking`, which the default trale.ini does not load: see examples/checksum.ini. */
#include <trale/blocking.h>
#include <trale/timer.h>

/* The data of the thread that reads the file. The thread owns it, and may still use it when the time is up. */
struct reading {
    char name[4096];
    uint32_t checksum; /* Adler-32 (RFC 1950) */
};

static int64_t reading_run(void *data)
{
    struct reading *reading = data;
    FILE *file = fopen(reading->name, "r");
    if (file == NULL)
        return -errno;
    uint32_t a = 1, b = 0;
    for (int byte; (byte = getc(file)) != EOF;) {
        a = (a + (uint32_t)byte) % 65521;
        b = (b + a) % 65521;
    }
    int64_t result = ferror(file) ? -EIO : 0;
    fclose(file);
    reading->checksum = b << 16 | a;
    return result;
}

static void *reading_new(const char *name)
{
    struct reading *reading = calloc(1, sizeof *reading);
    if (reading != NULL)
        snprintf(reading->name, sizeof reading->name, "%s", name);
    return reading;
}

struct checksum {
    struct trale_future future;
    const char *name;
    struct trale_blocking work;
    struct trale_timeout timeout;
};

/* Runs however the task ends. If the reading was dropped, the thread owns the data, and work.data is NULL. */
static void checksum_close(struct checksum *self)
{
    free(self->work.data);
}

trale_async_with(checksum, checksum_close)
{
    trale_begin();
    struct reading *reading = reading_new(self->name);
    if (reading == NULL)
        trale_return(-ENOMEM);
    trale_try(trale_timeout(&self->timeout, trale_blocking(&self->work, reading_run, reading, free), 5 * TRALE_SECOND));
    printf("%08x  %s\n", ((struct reading *)self->work.data)->checksum, self->name);
    trale_return(0);
}

int main(int argc, char **argv)
{
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    int status = EXIT_SUCCESS;
    struct trale_task **tasks = calloc((size_t)argc, sizeof *tasks);
    if (tasks == NULL) {
        trale_close(runtime);
        return trale_perror(argv[0], -ENOMEM);
    }
    for (int i = 1; i < argc; i++)
        tasks[i] = trale_spawn(runtime, checksum, .name = argv[i]);
    for (int i = 1; i < argc; i++) {
        int64_t result = trale_join(tasks[i]);
        if (result < 0)
            status = trale_perror(argv[i], result);
    }
    free(tasks);
    trale_close(runtime);
    return status;
}

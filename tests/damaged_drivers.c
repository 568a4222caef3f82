/* SPDX-License-Identifier: MIT
 *
 * Damages drivers at random, reads their descriptions, and loads those that are accepted, each in a child process: how
 * many of them kill it?
 *
 *     damaged_drivers [-k | -c] COUNT SEED DRIVER...
 *
 * Prints what it found, and fails if more than one of a thousand accepted files kills or hangs the process that loads
 * it, or if the reader itself does. -k: each such file is kept in the current folder. -c: the files are read and not
 * loaded; for sanitized drivers, whose constructors read more than the tables. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/driver/description.h"
#include "core/driver/load.h"

#define LOAD_LIMIT_S 10
#define NO_DRIVER 3 /* exit status of a child; those of sanitizers differ */

static bool keeps, only_checks;
static uint16_t machine; /* of the driver: another machine's can be read */
static uint64_t state;

static uint64_t random_number(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

static uint64_t below(uint64_t limit)
{
    return limit > 0 ? random_number() % limit : 0;
}

struct file {
    unsigned char *bytes;
    uint64_t size;
};

static struct file read_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct file file = {0};
    if (fd >= 0 && fstat(fd, &status) == 0) {
        file = (struct file){malloc((size_t)status.st_size), (uint64_t)status.st_size};
        if (file.bytes == NULL || read(fd, file.bytes, file.size) != (ssize_t)file.size)
            file.size = 0;
        close(fd);
    }
    if (file.size < sizeof(ElfW(Ehdr))) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    return file;
}

/* --- damage ------------------------------------------------------------------------------------------------------- */

/* The part of the file that is mapped: what is behind it, dlopen does not see. */
static uint64_t mapped_size(const struct file *file)
{
    const ElfW(Ehdr) *header = (const void *)file->bytes;
    const ElfW(Phdr) *segments = (const void *)(file->bytes + header->e_phoff);
    uint64_t end = 0;
    for (size_t i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD && segments[i].p_offset + segments[i].p_filesz > end)
            end = segments[i].p_offset + segments[i].p_filesz;
    return end;
}

static bool is_in_code(const struct file *file, uint64_t offset)
{
    const ElfW(Ehdr) *header = (const void *)file->bytes;
    const ElfW(Phdr) *segments = (const void *)(file->bytes + header->e_phoff);
    for (size_t i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD && (segments[i].p_flags & PF_X) != 0 && offset >= segments[i].p_offset &&
            offset - segments[i].p_offset < segments[i].p_filesz)
            return true;
    return false;
}

static void zero(struct file *file, uint64_t from, uint64_t length)
{
    for (uint64_t i = from; i < file->size && i - from < length; i++)
        file->bytes[i] = 0;
}

/* Changes a word of 2, 4 or 8 bytes of the range in one of the ways in which numbers go wrong. */
static void mangle_word(struct file *file, uint64_t from, uint64_t length)
{
    const uint64_t width = UINT64_C(2) << below(3);
    if (length < width)
        return;
    unsigned char *at = file->bytes + from + below(length / width) * width;
    uint64_t word = 0;
    memcpy(&word, at, width);
    switch (below(7)) {
    case 0:
        word = random_number();
        break;
    case 1:
        word ^= UINT64_C(1) << below(8 * width);
        break;
    case 2:
        word += below(33) - 16;
        break;
    case 3:
        word = 0;
        break;
    case 4:
        word = UINT64_MAX;
        break;
    case 5: /* another word of the same table */
        memcpy(&word, file->bytes + from + below(length / width) * width, width);
        break;
    default: /* an address or offset within the file */
        word = below(file->size);
        break;
    }
    memcpy(at, &word, width);
}

/* A section that dlopen reads: neither code nor constants. False if the file has none. */
static bool pick_table(const struct file *original, uint64_t *from, uint64_t *length)
{
    const ElfW(Ehdr) *header = (const void *)original->bytes;
    if (header->e_shnum == 0 || header->e_shoff + header->e_shnum * sizeof(ElfW(Shdr)) > original->size)
        return false;
    const ElfW(Shdr) *sections = (const void *)(original->bytes + header->e_shoff);
    for (int tries = 0; tries < 1000; tries++) {
        const ElfW(Shdr) *section = &sections[below(header->e_shnum)];
        if ((section->sh_flags & SHF_ALLOC) == 0 || (section->sh_flags & SHF_EXECINSTR) != 0 ||
            section->sh_type == SHT_NOBITS ||
            (section->sh_type == SHT_PROGBITS && (section->sh_flags & SHF_WRITE) == 0))
            continue;
        *from = section->sh_offset;
        *length = section->sh_size;
        return true;
    }
    return false;
}

/* The kinds of damage, each a sentence. */
enum damage {
    ZEROED_TAIL,  /* From some byte on the file is zeros. */
    ZEROED_PAGES, /* One to four pages are zeros. */
    ZEROED_RANGE, /* Up to 512 bytes are zeros. */
    NOISY_BYTES,  /* One to eight bytes outside of the code are random. */
    MANGLED_HEAD, /* A word in the header or in the program headers is wrong. */
    MANGLED_WORD, /* A word in one of the tables is wrong. */
    MANGLED_MORE, /* Two to eight are, in one table or in several. */
    MANGLED_REST, /* One to eight words are wrong behind what is mapped: section headers, symbols for debuggers. */
    /* Damage that no reader of tables can see. It is counted and not judged. */
    NOISY_CODE,   /* One to eight bytes of the code are random. */
    SWAPPED_PAGE, /* A page has the content of another one. */
    N_DAMAGES,
};
static const char *const damage_names[N_DAMAGES] = {
    "zeroed tail",  "zeroed pages",  "zeroed range", "noisy bytes", "mangled head",
    "mangled word", "mangled words", "mangled rest", "noisy code",  "swapped page",
};

static enum damage damage(const struct file *original, struct file *file)
{
    const enum damage kind = (enum damage)below(N_DAMAGES);
    const ElfW(Ehdr) *header = (const void *)original->bytes;
    const uint64_t mapped = mapped_size(original), n_pages = (mapped + 4095) / 4096;
    uint64_t from = 0, length = 0, times = 1;
    switch (kind) {
    case ZEROED_TAIL:
        zero(file, below(mapped), file->size);
        break;
    case ZEROED_PAGES:
        zero(file, below(n_pages) * 4096, (1 + below(4)) * 4096);
        break;
    case ZEROED_RANGE:
        zero(file, below(mapped), 1 + below(512));
        break;
    case SWAPPED_PAGE:
        from = below(mapped / 4096) * 4096;
        memmove(file->bytes + from, original->bytes + below(mapped / 4096) * 4096, 4096);
        break;
    case NOISY_BYTES:
    case NOISY_CODE:
        for (times = 1 + below(8); times > 0;) {
            uint64_t at = below(mapped);
            if (is_in_code(original, at) != (kind == NOISY_CODE))
                continue;
            file->bytes[at] = (unsigned char)random_number();
            times--;
        }
        break;
    case MANGLED_REST:
        for (times = 1 + below(8); times > 0; times--)
            mangle_word(file, mapped, file->size - mapped);
        break;
    case MANGLED_HEAD:
        mangle_word(file, 0, header->e_phoff + header->e_phnum * sizeof(ElfW(Phdr)));
        break;
    default:
        for (times = kind == MANGLED_MORE ? 2 + below(7) : 1; times > 0; times--)
            if (pick_table(original, &from, &length))
                mangle_word(file, from, length);
        break;
    }
    return kind;
}

/* --- loading ------------------------------------------------------------------------------------------------------ */

struct counts {
    uint64_t tried, accepted, loaded, killed;
};

/* Loads the file in a child. Returns 0 if it is a driver, 1 if not, or -1 if the child was killed or hung. */
static int load_in_child(const struct elf *elf, struct trale_driver *description)
{
    int status = 0;
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(2);
    }
    if (child == 0) {
        char reason[FILE_REASON];
        uintptr_t base;
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2); /* assertions of ld.so, and reports of sanitizers */
        alarm(LOAD_LIMIT_S);
        int r = load_file(elf, "damaged.so", &base, reason);
        if (r == 0)
            r = description_map(elf, base, "damaged.so", description, reason);
        _exit(r < 0 ? NO_DRIVER : 0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == NO_DRIVER))
        return WEXITSTATUS(status) != 0;
    return -1;
}

static void keep(const struct file *file, uint64_t number, enum damage kind)
{
    char name[64];
    snprintf(name, sizeof name, "killer-%" PRIu64 ".so", number);
    FILE *out = fopen(name, "wbe");
    if (out != NULL && fwrite(file->bytes, file->size, 1, out) == 1)
        printf("%s: %s\n", name, damage_names[kind]);
    if (out != NULL)
        fclose(out);
}

/* Reads all that the runtime reads before it loads a driver. */
static bool read_driver(struct elf *elf, int fd, struct trale_driver *description)
{
    char reason[FILE_REASON], name[ELF_NAME];
    size_t position = 0;
    if (elf_open(elf, fd, "damaged.so", machine, reason) < 0 ||
        description_read(elf, "damaged.so", description, reason) < 0)
        return false;
    while (elf_next_export(elf, &position) != NULL)
        ;
    elf_count_constructors(elf, name);
    return true;
}

/* Damages a copy of the driver, checks it and loads it if it is accepted. Returns whether it killed. */
static bool try_one(const struct file *original, struct file *copy, struct counts counts[N_DAMAGES], enum damage *kind)
{
    char path[] = "/tmp/trale-damaged-XXXXXX";
    static struct elf elf;
    struct trale_driver description = {0};
    memcpy(copy->bytes, original->bytes, original->size);
    *kind = damage(original, copy);
    struct counts *count = &counts[*kind];
    count->tried++;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0 || unlink(path) < 0 || write(fd, copy->bytes, copy->size) != (ssize_t)copy->size) {
        perror(path);
        exit(2);
    }
    int result = 1;
    if (read_driver(&elf, fd, &description)) {
        count->accepted++;
        result = only_checks ? 0 : load_in_child(&elf, &description);
        count->loaded += result == 0;
        count->killed += result < 0;
    }
    description_free(&description);
    elf_close(&elf);
    close(fd);
    return result < 0;
}

static void add_counts(struct counts *sum, const struct counts *more)
{
    sum->tried += more->tried;
    sum->accepted += more->accepted;
    sum->loaded += more->loaded;
    sum->killed += more->killed;
}

static void print_counts(const char *name, const struct counts *counts)
{
    printf("%-14s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n", name, counts->tried, counts->accepted,
           counts->loaded, counts->killed);
}

/* Prints the counts and returns the exit status. */
static int report(const struct counts counts[N_DAMAGES])
{
    struct counts sum = {0};
    printf("%-14s %9s %9s %9s %9s\n", "damage", "tried", "accepted", "loaded", "killed");
    for (size_t i = 0; i < NOISY_CODE; i++) {
        print_counts(damage_names[i], &counts[i]);
        add_counts(&sum, &counts[i]);
    }
    print_counts("sum", &sum);
    for (size_t i = NOISY_CODE; i < N_DAMAGES; i++)
        print_counts(damage_names[i], &counts[i]);
    /* In a short run three killers are no proof of a rate. */
    const uint64_t by_chance = sum.accepted < 10000 ? 3 : 0;
    return sum.accepted == 0 || sum.killed > sum.accepted / 1000 + by_chance;
}

int main(int argc, char **argv)
{
    keeps = argc > 1 && strcmp(argv[1], "-k") == 0;
    only_checks = argc > 1 && strcmp(argv[1], "-c") == 0;
    argv += keeps || only_checks;
    argc -= keeps || only_checks;
    if (argc < 4) {
        fprintf(stderr, "usage: damaged_drivers [-k | -c] COUNT SEED DRIVER...\n");
        return 2;
    }
    const uint64_t count = strtoull(argv[1], NULL, 0);
    state = strtoull(argv[2], NULL, 0) * 2 + 1;
    struct counts counts[N_DAMAGES] = {0};
    for (int i = 3; i < argc; i++) {
        struct file original = read_file(argv[i]);
        machine = ((const ElfW(Ehdr) *)(const void *)original.bytes)->e_machine;
        struct file copy = {malloc(original.size), original.size};
        for (uint64_t n = 0; copy.bytes != NULL && n < count / (uint64_t)(argc - 3); n++) {
            enum damage kind;
            if (try_one(&original, &copy, counts, &kind) && keeps)
                keep(&copy, n * (uint64_t)(argc - 3) + (uint64_t)(i - 3), kind);
        }
        free(copy.bytes);
        free(original.bytes);
    }
    return report(counts);
}

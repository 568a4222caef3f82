/* SPDX-License-Identifier: MIT
 *
 * Which module of the process a call comes from, and the functions behind the guard's. */
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <string.h>

#include "guard.h"

/* The first letters of the names of libraries whose calls pass. The library of C++ is not among them: its functions
 * read clocks and start threads because the program wants that. */
static const char *const trusted[] = {
    "libtrale.so", "libc.so",      "libc-",        "ld-linux",      "ld-musl",        "libpthread",
    "libdl.so",    "librt.so",     "libgcc_s.so",  "libasan.so",    "libtsan.so",     "libubsan.so",
    "liblsan.so",  "libhwasan.so", "libclang_rt.", "linux-vdso.so", "trale-guard.so",
};

void *guard_real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static bool is_trusted(const char *path)
{
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    for (size_t i = 0; i < sizeof trusted / sizeof trusted[0]; i++)
        if (strncmp(name, trusted[i], strlen(trusted[i])) == 0)
            return true;
    return false;
}

/* Whether the module itself exports a driver's description. What is mapped already is found by its name. */
static bool is_driver(const struct link_map *map)
{
    Dl_info found;
    void *handle = map->l_name[0] != '\0' ? dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (handle == NULL)
        return false;
    void *description = dlsym(handle, "trale_driver");
    bool is_own = description != NULL && dladdr(description, &found) != 0 && (uintptr_t)found.dli_fbase == map->l_addr;
    dlclose(handle);
    return is_own;
}

void guard_find_module(const void *place, struct guard_module *module)
{
    Dl_info info;
    struct link_map *map = NULL;
    *module = (struct guard_module){.path = "?", .offset = (uintptr_t)place, .symbol = ""};
    if (dladdr1(place, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL)
        return;
    const char *path = map->l_name[0] != '\0' ? map->l_name : info.dli_fname;
    module->path = path;
    module->offset = (uintptr_t)place - map->l_addr;
    module->symbol = info.dli_sname != NULL ? info.dli_sname : "";
    module->is_trusted = is_trusted(path) || is_driver(map);
    module->is_cplusplus = strstr(path, "/libstdc++.so") != NULL || strstr(path, "/libc++.so") != NULL;
}

/* Whether the place is in a function that only passes the call on: in the library of C++, or in a wrapper of clang's
 * sanitizers, which is in the program itself and has the name of the function. */
static bool passes_on(const void *place, const char *function)
{
    struct guard_module module;
    guard_find_module(place, &module);
    return module.is_cplusplus || strcmp(module.symbol, function) == 0 || strstr(module.symbol, "interceptor_") != NULL;
}

const void *guard_find_program(const void *place, const char *function)
{
    enum { DEPTH = 32 };
    void *places[DEPTH];
    if (!passes_on(place, function))
        return place;
    int n = backtrace(places, DEPTH), i = 0;
    while (i < n && (const char *)places[i] - 1 != (const char *)place)
        i++;
    for (; i < n; i++)
        if (!passes_on((const char *)places[i] - 1, function))
            return (const char *)places[i] - 1;
    return place;
}

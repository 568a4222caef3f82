/* SPDX-License-Identifier: MIT
 *
 * The driver uring_udp where io_uring is not to be had: what `fallback` does, and what the messages say. */
#include <linux/capability.h>
#include <sys/resource.h>

#include "tests/sandbox.h"
#include "tests/uring.h"

/* Whether a datagram comes through, by descriptor, without cmocka: the child of a process. */
static bool echo_works(struct trale *runtime)
{
    struct trale_address address;
    struct trale_udp_socket *socket;
    struct trale_udp_send send;
    int number = 42;
    if (trale_udp_open(runtime, "127.0.0.1:0", 0, &socket) < 0 || trale_udp_local(socket, &address) < 0)
        return false;
    struct trale_task *task = trale_spawn(runtime, taker, .socket = socket);
    return trale_block_on(runtime, trale_udp_send_to(&send, socket, &number, sizeof number, &address)) == 4 &&
           trale_join(task) == 42;
}

/* With fallback = fail it does not open; with udp all runtimes of a group do, with one message. */
static int child_falls_back(const char *keys, int error, const char *cause)
{
    static struct test_log log;
    char text[1024], more_keys[256];
    struct trale *runtime;
    struct trale_group *group;
    snprintf(more_keys, sizeof more_keys, "fallback = fail\n%s", keys);
    if (try_open(&runtime, &log, more_keys) != -error || strstr(log.text, cause) == NULL)
        return OTHERWISE;
    log.length = 0;
    write_config(text, keys, 2);
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
    if (trale_group_open(&group, &options) < 0 || count(log.text, cause) != 1)
        return OTHERWISE;
    for (size_t i = 0; i < 2; i++)
        if (!echo_works(trale_group_runtime(group, i)))
            return OTHERWISE;
    return trale_group_close(group) == 0 ? AS_WANTED : OTHERWISE;
}

static int child_enters_a_sandbox(void)
{
    static struct test_log log;
    struct trale *runtime;
    if (try_open(&runtime, &log, "") < 0 || !echo_works(runtime))
        return OTHERWISE;
    if (refuse_call(SYS_io_uring_enter, EPERM) < 0)
        return CANNOT_REFUSE;
    return echo_works(runtime) && echo_works(runtime) && trale_close(runtime) == 0 ? AS_WANTED : OTHERWISE;
}

static void test_without_a_system_call_it_falls_back_and_names_the_filter(void **state)
{
    const uint32_t calls[] = {SYS_io_uring_setup, SYS_io_uring_register, SYS_io_uring_enter},
                   errors[] = {EPERM, ENOSYS};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        int error = (int)errors[i % 2];
        pid_t child = sandbox_fork();
        if (child == 0)
            _exit(refuse_call(calls[i / 2], (uint32_t)error) < 0 ? CANNOT_REFUSE
                                                                 : child_falls_back("", error, "seccomp filter"));
        assert_as_wanted(child);
    }
}

static void test_without_memory_it_falls_back(void **state)
{
    const struct rlimit limit = {1 << 30, 1 << 30};
    (void)state;
    pid_t child = sandbox_fork();
    if (child == 0)
        _exit(setrlimit(RLIMIT_AS, &limit) < 0 ? CANNOT_REFUSE
                                               : child_falls_back("buffers = 32768", ENOMEM, "memory for its buffers"));
    assert_as_wanted(child);
}

/* 0, and the memory of the kernel's that this process has locked is limited; or -1. */
static int limit_locked_memory(void)
{
    const struct rlimit limit = {0, 0};
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0 || syscall(SYS_capget, &header, sets) < 0)
        return -1;
    sets[0].effective &= ~(1u << CAP_IPC_LOCK);
    return syscall(SYS_capset, &header, sets) < 0 ? -1 : 0;
}

/* A kernel may count otherwise, and then has no cause. */
static int child_has_no_locked_memory(void)
{
    static struct test_log log;
    struct trale *runtime;
    if (limit_locked_memory() < 0 || try_open(&runtime, &log, "fallback = fail") == 0)
        return CANNOT_REFUSE;
    return child_falls_back("", ENOMEM, "RLIMIT_MEMLOCK is 0 KiB");
}

static void test_without_memory_that_may_be_locked_it_falls_back_and_names_the_limit(void **state)
{
    (void)state;
    assert_in_child(child_has_no_locked_memory);
}

static void test_a_sandbox_that_comes_later_leaves_the_sockets_the_reactor(void **state)
{
    (void)state;
    assert_in_child(child_enters_a_sandbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_system_call_it_falls_back_and_names_the_filter),
        cmocka_unit_test(test_without_memory_it_falls_back),
        cmocka_unit_test(test_without_memory_that_may_be_locked_it_falls_back_and_names_the_limit),
        cmocka_unit_test(test_a_sandbox_that_comes_later_leaves_the_sockets_the_reactor),
    };
    if (!uring_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * Children of a test that are not allowed a system call (seccomp(2)). */
#ifndef TRALE_TESTS_SANDBOX_H
#define TRALE_TESTS_SANDBOX_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/support.h"

/* With what the child ends. */
enum { AS_WANTED, OTHERWISE, CANNOT_REFUSE };

static inline int refuse_call_on(uint32_t number, uint32_t error, uint32_t flags)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) != 0 ? -errno : 0;
}

/* From now on this system call has the error, on all threads. */
static inline int refuse_call(uint32_t number, uint32_t error)
{
    return refuse_call_on(number, error, SECCOMP_FILTER_FLAG_TSYNC);
}

/* The same on this thread, and on those that it makes. */
static inline int refuse_call_on_thread(uint32_t number, uint32_t error)
{
    return refuse_call_on(number, error, 0);
}

/* Skips the test where no system call can be refused. */
static inline void assert_as_wanted(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_REFUSE)
        skip();
    assert_int_equal(WEXITSTATUS(status), AS_WANTED);
}

/* A child that may enter a sandbox. Skips the test under valgrind, which does not know seccomp(2), and where a
 * sanitizer limits what a child may do. */
static inline pid_t sandbox_fork(void)
{
    if (TEST_UNDER_VALGRIND || TEST_LIMITS_CHILDREN)
        skip();
    return fork();
}

/* `body` is called in such a child, and returns with what that ends. */
static inline void assert_in_child(int (*body)(void))
{
    pid_t child = sandbox_fork();
    if (child == 0)
        _exit(body());
    assert_as_wanted(child);
}

#endif

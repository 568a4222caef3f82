/* SPDX-License-Identifier: MIT
 *
 * The whole idea in one file, over the real <trale/async.h>. README.md says what each line became in the core. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <trale/async.h>
#include <unistd.h>

/* A task: a future, and the waker that puts the task on the run-queue. */
struct task {
    struct trale_waker waker; /* first: a pointer to the waker is a pointer to the task */
    struct trale_future *future;
    int64_t result; /* TRALE_PENDING until there is one */
    bool queued;
    STAILQ_ENTRY(task) next;
};
static STAILQ_HEAD(, task) run_queue = STAILQ_HEAD_INITIALIZER(run_queue);

static void task_wake(const struct trale_waker *waker)
{
    struct task *task = (struct task *)(uintptr_t)waker;
    if (!task->queued)
        STAILQ_INSERT_TAIL(&run_queue, task, next);
    task->queued = true;
}

static void spawn(struct task *task, struct trale_future *future)
{
    static const struct trale_waker_table table = {.wake_by_ref = task_wake}; /* no future here clones its waker */
    *task = (struct task){.waker = {&table}, .future = future, .result = TRALE_PENDING};
    task_wake(&task->waker);
}

/* The reactor: when a file descriptor becomes readable, it wakes the task that waits for it. */
static int epoll_fd;
static int64_t reactor_register(int fd, const struct trale_waker *waker)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = (void *)(uintptr_t)waker};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 && errno != EEXIST ? -errno : TRALE_PENDING;
}

static void reactor_wait(void)
{
    struct epoll_event event;
    if (epoll_wait(epoll_fd, &event, 1, -1) == 1)
        task_wake(event.data.ptr);
}

/* The executor: polls the tasks on the run-queue, first come, first served; while it is empty, waits in the reactor. */
static int64_t join(const struct task *awaited)
{
    while (awaited->result == TRALE_PENDING) {
        while (STAILQ_EMPTY(&run_queue))
            reactor_wait();
        struct task *task = STAILQ_FIRST(&run_queue);
        STAILQ_REMOVE_HEAD(&run_queue, next);
        task->queued = false;
        struct trale_context context = {sizeof context, TRALE_ABI, .waker = &task->waker, .budget = 32};
        if (task->result == TRALE_PENDING)
            task->result = trale_future_poll(task->future, &context);
    }
    return awaited->result;
}

/* A leaf: a future that waits for something outside the program, here for a timer of the kernel. */
struct sleep {
    struct trale_future future;
    int fd;
};

static int64_t sleep_poll(struct trale_future *future, struct trale_context *context)
{
    int fd = ((struct sleep *)(void *)future)->fd;
    uint64_t n_expirations;
    int64_t result = read(fd, &n_expirations, sizeof n_expirations) < 0 ? -errno : 0;
    if (result == -EAGAIN) /* not yet */
        result = reactor_register(fd, context->waker);
    if (result != TRALE_PENDING)
        close(fd);
    return result;
}

static struct trale_future *sleep_for(struct sleep *sleep, time_t seconds)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "sleep", .poll = sleep_poll};
    *sleep = (struct sleep){{.type = &type}, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)};
    timerfd_settime(sleep->fd, 0, &(struct itimerspec){.it_value.tv_sec = seconds}, NULL);
    return &sleep->future;
}

/* The program: an async function, and two tasks that run it at the same time. */
struct hello {
    struct trale_future future;
    struct sleep sleep;
    int id;
};

trale_async(hello)
{
    trale_begin();
    trale_await(sleep_for(&self->sleep, 1));
    if (trale_result() < 0)
        trale_return(trale_result());
    printf("Hello from task %d!\n", self->id);
    trale_return(self->id);
}

int main(void)
{
    struct hello hello[2];
    struct task a, b;
    epoll_fd = epoll_create1(0);
    spawn(&a, trale_call(hello, &hello[0], .id = 1));
    spawn(&b, trale_call(hello, &hello[1], .id = 2));
    return join(&a) + join(&b) == 3 ? 0 : 1; /* one second later, not two */
}

/* SPDX-License-Identifier: MIT
 *
 * Tasks: started, joined, aborted, named. Part of trale.h, which includes it. */
#ifndef TRALE_TASK_H
#define TRALE_TASK_H

#include <trale/trale.h>

#ifdef __cplusplus
#include <type_traits>

extern "C" {
#endif

/* trale_spawn(runtime, name, .member = value, ...) starts a task that runs the async function `name`; its frame is
 * copied into the task. The task runs as soon as the executor polls, whether or not the handle is used.
 * Returns its handle, which the caller gives up by one of trale_join, trale_join_future or trale_detach. NULL: memory
 * is out; those functions accept it. */
#ifndef __cplusplus
#define trale_spawn(runtime, ...) trale_spawn_((runtime), __VA_ARGS__, )
#define trale_spawn_(runtime, name, ...)                                                                               \
    trale_spawn_frame((runtime), &(struct name){.future = {.type = &name##_type}, __VA_ARGS__}.future,                 \
                      sizeof(struct name))
#endif

/* The same for any future that is not begun: copies `size` bytes from `frame`, which may then go. It must hold no
 * pointer into itself, as a trale_tick does. NULL, and the frame was neither polled nor dropped: memory is out, `size`
 * is less than a future's, or see trale_close and "Fork" in trale.h. While the runtime closes, the task starts
 * cancelled and its frame is dropped, on the executor thread; if that has ended, in this call. */
TRALE_CHECK_RESULT TRALE_API struct trale_task *trale_spawn_frame(struct trale *runtime,
                                                                  const struct trale_future *frame, size_t size);

/* trale_spawn in C++: trale_spawn(runtime, frame) copies a frame whose first member, `future`, has its type already:
 * trale_future_init(&frame.future, &frame_type). */
#ifdef __cplusplus
extern "C++" template <class Frame> constexpr void trale_frame_check_()
{
    static_assert(std::is_trivially_copyable<Frame>::value && std::is_standard_layout<Frame>::value,
                  "a frame is plain data: it is copied into the task");
    static_assert(offsetof(Frame, future) == 0, "struct trale_future future; is a frame's first member");
    static_assert(alignof(Frame) <= alignof(max_align_t), "tasks' frames are aligned as malloc(3) has it");
}

extern "C++" template <class Frame>
TRALE_CHECK_RESULT inline struct trale_task *trale_spawn(struct trale *runtime, const Frame &frame)
{
    trale_frame_check_<Frame>();
    return trale_spawn_frame(runtime, &frame.future, sizeof frame);
}
#endif

/* Another handle on the task: each of them is given up by itself, and may be used on another thread than the first. So
 * one may wait for the task while another aborts it. There may be any number of handles, and each of them gets the
 * result. Allocates nothing and does not fail; NULL gives NULL. */
TRALE_CHECK_RESULT TRALE_API struct trale_task *trale_task_clone(struct trale_task *task);

/* Waits until the task is done and returns its result: what its function returned, or -ECANCELED if it was aborted or
 * the runtime closed. Takes the handle, except when it returns -EDEADLK or -ECHILD, which a task should not return
 * itself. NULL gives -ENOMEM.
 * -EDEADLK: the calling thread would wait for itself. It polls a task of this runtime, or of a runtime that waits for
 * this one, through any number of runtimes. Every call that blocks (trale_join, trale_block_on, trale_run, trale_close
 * and their like) is checked for this, in tasks, cleanup functions and functions that drivers run. Use
 * trale_join_future there. Two cycles are not found: one with a task that awaits, without blocking, a task of a runtime
 * that waits for it; and one through something else, such as a mutex. */
TRALE_API int64_t trale_join(struct trale_task *task);

/* Gives the handle up; the task goes on and its result is lost. NULL is allowed. */
TRALE_API void trale_detach(struct trale_task *task);

/* Asks the task to end: the next thing that happens to it, unless it is done by then, is that its future is dropped,
 * and it resolves to -ECANCELED. Returns at once and leaves the handle, which still has to be given up. Done twice, or
 * to a task that is done, it does nothing. NULL is allowed. */
TRALE_API void trale_abort(struct trale_task *task);

/* Puts the task in the background: trale_run does not wait for it, also a call that waits already. In all else it is a
 * task as before: it can be joined, awaited and aborted, trale_tasks shows it, trale_close drops it; and the tasks that
 * it spawns are not in the background by that. A call of trale_run after this one, on the same thread, does not wait
 * for the task. There is no way back. Leaves the handle. Done twice, or to a task that is done, it does nothing. NULL
 * is allowed. A scope waits for all its children (scope.h). */
TRALE_API void trale_background(struct trale_task *task);

/* The name of a task in trale_tasks, trale_dump and the messages of the watchdog: that of its outermost future, or what
 * trale_task_set_name has set last. `name` is not copied: it is static, as a string literal is. A task that is done
 * keeps its name until its last handle is given up. The name of NULL is NULL; to name NULL, or to set NULL as a name,
 * does nothing, and so does a call when memory is out. */
TRALE_API const char *trale_task_name(const struct trale_task *task);
TRALE_API void trale_task_set_name(struct trale_task *task, const char *name);

/* Which of the runnable tasks goes first. Tasks start with TRALE_PRIORITY_NORMAL. */
#define TRALE_PRIORITY_HIGH 0u
#define TRALE_PRIORITY_NORMAL 1u
#define TRALE_PRIORITY_LOW 2u
#define TRALE_PRIORITIES 3u

/* Gives a task a priority, which counts from its next wake on. Of concurrent calls one wins. 0, or -EINVAL (there is no
 * such priority). NULL is allowed. */
TRALE_API int trale_prioritise(struct trale_task *task, uint32_t priority);

/* The same for the task that calls; -EPERM if the caller is no task. */
TRALE_API int trale_prioritise_self(uint32_t priority);

/* The future of a task's result, to be awaited; the task may belong to another runtime, and any number of futures and
 * threads may wait for it. Takes the handle at once; if the future is dropped, the task goes on, as with trale_detach.
 * A task that awaits its own result waits until it is aborted. */
struct trale_join_future {
    struct trale_future future;
    struct trale_task *task;
    const struct trale_waker *waker; /* the rest is the runtime's */
    struct trale_link link;
    uint32_t state;
    uint32_t reserved;
};
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_join_future(struct trale_join_future *join,
                                                                    struct trale_task *task);

/* The same, and the caller keeps its handle, to abort the task, for example, after the future was dropped. trale_join
 * of a clone is the same for a thread that waits. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_join_by_ref(struct trale_join_future *join,
                                                                        struct trale_task *task)
{
    return trale_join_future(join, trale_task_clone(task));
}

/* Runs a future that stays in the caller's memory, and returns its result as soon as it is there, whatever other tasks
 * do. -EDEADLK as trale_join, -ECHILD, -ENOMEM: the future is untouched. */
TRALE_API int64_t trale_block_on(struct trale *runtime, struct trale_future *future);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT
 *
 * Semaphores, mutexes, notifications, oneshots, channels: what they promise each by each, polled by hand; then all of
 * it with threads and a runtime in the layout that the environment names. */
#include <pthread.h>
#include <stdatomic.h>

#include <trale/sync.h>

#include "tests/support.h"

/* --- polling by hand ---------------------------------------------------------------------------------------------- */

/* A waker that counts. */
struct counter {
    struct trale_waker waker;
    int n_wakes;
};

static void counter_wake_by_ref(const struct trale_waker *waker)
{
    ((struct counter *)(uintptr_t)waker)->n_wakes++;
}

/* What is polled here lends its waker and clones nothing. */
static const struct trale_waker_table counter_table = {NULL, NULL, counter_wake_by_ref, NULL};

static int64_t poll_with(struct trale_future *future, struct counter *counter)
{
    counter->waker.table = &counter_table;
    struct trale_context context = {
        .size = sizeof context, .abi = TRALE_ABI, .waker = &counter->waker, .budget = TRALE_POLL_BUDGET};
    return trale_future_poll(future, &context);
}

static int64_t poll_once(struct trale_future *future)
{
    static struct counter nobody;
    return poll_with(future, &nobody);
}

#define assert_pending(future) assert_int_equal(poll_once(future), TRALE_PENDING)

/* --- semaphores --------------------------------------------------------------------------------------------------- */

static void test_permits_are_taken_until_none_is_left(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(2);
    struct trale_semaphore_acquire first, second, third;
    assert_int_equal(poll_once(trale_semaphore_acquire(&first, &semaphore, 1)), 0);
    assert_int_equal(poll_once(trale_semaphore_acquire(&second, &semaphore, 1)), 0);
    struct counter counter = {0};
    assert_int_equal(poll_with(trale_semaphore_acquire(&third, &semaphore, 1), &counter), TRALE_PENDING);
    assert_pending(&third.future); /* without cause */
    assert_int_equal(poll_with(&third.future, &counter), TRALE_PENDING);
    assert_int_equal(trale_semaphore_release(&semaphore, 1), 0);
    assert_int_equal(counter.n_wakes, 1);
    assert_int_equal(poll_once(&third.future), 0);
    assert_int_equal(trale_semaphore_try_acquire(&semaphore, 1), -EAGAIN);
}

static void test_the_last_waker_given_is_the_one_called(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale_semaphore_acquire acquire;
    struct counter earlier = {0}, later = {0};
    poll_with(trale_semaphore_acquire(&acquire, &semaphore, 1), &earlier);
    poll_with(&acquire.future, &later);
    trale_semaphore_release(&semaphore, 1);
    assert_int_equal(earlier.n_wakes, 0);
    assert_int_equal(later.n_wakes, 1);
}

static void test_who_asks_for_many_is_not_overtaken(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(1);
    struct trale_semaphore_acquire many, few;
    assert_pending(trale_semaphore_acquire(&many, &semaphore, 3));
    assert_pending(trale_semaphore_acquire(&few, &semaphore, 1));
    assert_int_equal(trale_semaphore_try_acquire(&semaphore, 1), -EAGAIN);
    trale_semaphore_release(&semaphore, 1);
    assert_pending(&many.future);
    assert_pending(&few.future);
    trale_semaphore_release(&semaphore, 2);
    assert_int_equal(poll_once(&many.future), 0);
    assert_int_equal(poll_once(&few.future), 0);
}

static void test_those_behind_one_that_is_dropped_get_their_turn(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(1);
    struct trale_semaphore_acquire many, few;
    struct counter counter = {0};
    assert_pending(trale_semaphore_acquire(&many, &semaphore, 3));
    poll_with(trale_semaphore_acquire(&few, &semaphore, 1), &counter);
    trale_future_drop(&many.future);
    assert_int_equal(counter.n_wakes, 1);
    assert_int_equal(poll_once(&few.future), 0);
}

static void test_permits_given_to_one_that_is_dropped_go_on(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale_semaphore_acquire first, second;
    assert_pending(trale_semaphore_acquire(&first, &semaphore, 2));
    assert_pending(trale_semaphore_acquire(&second, &semaphore, 1));
    trale_semaphore_release(&semaphore, 2);
    trale_future_drop(&first.future); /* it has been given them, and was not polled since */
    assert_int_equal(poll_once(&second.future), 0);
    assert_int_equal(trale_semaphore_try_acquire(&semaphore, 1), 0);
    assert_int_equal(trale_semaphore_try_acquire(&semaphore, 1), -EAGAIN);
}

static void test_an_acquire_that_was_never_polled_takes_nothing(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(1);
    struct trale_semaphore_acquire acquire;
    trale_future_drop(trale_semaphore_acquire(&acquire, &semaphore, 1));
    assert_int_equal(trale_semaphore_try_acquire(&semaphore, 1), 0);
}

static void test_closing_a_semaphore_tells_everybody(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale_semaphore_acquire waits, comes;
    struct counter counter = {0};
    poll_with(trale_semaphore_acquire(&waits, &semaphore, 1), &counter);
    trale_semaphore_close(&semaphore);
    assert_int_equal(counter.n_wakes, 1);
    assert_int_equal(trale_semaphore_release(&semaphore, 5), 0);
    assert_int_equal(poll_once(&waits.future), -ECANCELED);
    assert_int_equal(poll_once(trale_semaphore_acquire(&comes, &semaphore, 1)), -ECANCELED);
    assert_int_equal(trale_semaphore_try_acquire(&semaphore, 1), -ECANCELED);
}

static void test_more_permits_than_can_be_counted_are_refused(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(UINT64_MAX - 1);
    assert_int_equal(trale_semaphore_release(&semaphore, 2), -EOVERFLOW);
    assert_int_equal(trale_semaphore_release(&semaphore, 1), 0);
    assert_int_equal(trale_semaphore_try_acquire(&semaphore, UINT64_MAX), 0);
}

static void test_what_a_dropped_acquire_gives_back_is_counted_up_to_the_end(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale_semaphore_acquire acquire;
    assert_pending(trale_semaphore_acquire(&acquire, &semaphore, 5));
    assert_int_equal(trale_semaphore_release(&semaphore, 5), 0);
    assert_int_equal(trale_semaphore_release(&semaphore, UINT64_MAX), 0);
    trale_future_drop(&acquire.future);
    assert_int_equal(trale_semaphore_try_acquire(&semaphore, UINT64_MAX), 0);
}

static void test_a_mutex_is_one_task_s_at_a_time(void **state)
{
    (void)state;
    struct trale_mutex mutex = TRALE_MUTEX;
    struct trale_mutex_lock first, second;
    assert_int_equal(poll_once(trale_mutex_lock(&first, &mutex)), 0);
    assert_pending(trale_mutex_lock(&second, &mutex));
    assert_int_equal(trale_mutex_try_lock(&mutex), -EAGAIN);
    trale_mutex_unlock(&mutex);
    assert_int_equal(trale_mutex_try_lock(&mutex), -EAGAIN); /* it is the second's already */
    assert_int_equal(poll_once(&second.acquire.future), 0);
    trale_mutex_unlock(&mutex);
    assert_int_equal(trale_mutex_try_lock(&mutex), 0);
}

/* --- notifications ------------------------------------------------------------------------------------------------ */

static void test_one_notification_is_kept_and_not_two(void **state)
{
    (void)state;
    struct trale_notify notify = TRALE_NOTIFY;
    struct trale_notify_wait wait;
    trale_notify_one(&notify);
    trale_notify_one(&notify);
    assert_int_equal(poll_once(trale_notify_wait(&wait, &notify)), 0);
    assert_pending(trale_notify_wait(&wait, &notify));
    trale_future_drop(&wait.future);
}

static void test_a_notification_goes_to_the_first_that_waits(void **state)
{
    (void)state;
    struct trale_notify notify = TRALE_NOTIFY;
    struct trale_notify_wait first, second;
    struct counter counters[2] = {{.n_wakes = 0}};
    poll_with(trale_notify_wait(&first, &notify), &counters[0]);
    poll_with(trale_notify_wait(&second, &notify), &counters[1]);
    trale_notify_one(&notify);
    assert_int_equal(counters[0].n_wakes, 1);
    assert_int_equal(counters[1].n_wakes, 0);
    trale_future_drop(&first.future); /* and on to the next, if it goes */
    assert_int_equal(counters[1].n_wakes, 1);
    assert_int_equal(poll_once(&second.future), 0);
    assert_pending(trale_notify_wait(&second, &notify));
    trale_future_drop(&second.future);
}

static void test_notifying_all_keeps_nothing(void **state)
{
    (void)state;
    struct trale_notify notify = TRALE_NOTIFY;
    struct trale_notify_wait first, second, later;
    trale_notify_all(&notify);
    assert_pending(trale_notify_wait(&first, &notify));
    assert_pending(trale_notify_wait(&second, &notify));
    trale_notify_all(&notify);
    assert_pending(trale_notify_wait(&later, &notify));
    trale_future_drop(&first.future);
    assert_int_equal(poll_once(&second.future), 0);
    assert_pending(&later.future);
    trale_future_drop(&later.future);
    trale_notify_one(&notify);
    assert_int_equal(poll_once(trale_notify_wait(&later, &notify)), 0);
}

/* --- oneshots ----------------------------------------------------------------------------------------------------- */

static void test_all_who_wait_get_the_value_and_so_does_who_comes_later(void **state)
{
    (void)state;
    struct trale_oneshot oneshot = TRALE_ONESHOT;
    struct trale_oneshot_wait first, second, dropped, later;
    struct counter counters[2] = {{.n_wakes = 0}};
    poll_with(trale_oneshot_wait(&first, &oneshot), &counters[0]);
    poll_with(trale_oneshot_wait(&second, &oneshot), &counters[1]);
    assert_pending(trale_oneshot_wait(&dropped, &oneshot));
    trale_future_drop(&dropped.future);
    assert_int_equal(trale_oneshot_send(&oneshot, TRALE_PENDING), -EINVAL);
    assert_int_equal(trale_oneshot_send(&oneshot, 7), 0);
    assert_int_equal(trale_oneshot_send(&oneshot, 8), -EALREADY);
    trale_oneshot_close(&oneshot);
    assert_int_equal(counters[0].n_wakes + counters[1].n_wakes, 2);
    assert_int_equal(poll_once(&first.future), 7);
    assert_int_equal(poll_once(&second.future), 7);
    assert_int_equal(poll_once(trale_oneshot_wait(&later, &oneshot)), 7);
}

static void test_a_closed_oneshot_has_no_value(void **state)
{
    (void)state;
    struct trale_oneshot oneshot = TRALE_ONESHOT;
    struct trale_oneshot_wait wait;
    assert_pending(trale_oneshot_wait(&wait, &oneshot));
    trale_oneshot_close(&oneshot);
    assert_int_equal(poll_once(&wait.future), -ECANCELED);
    assert_int_equal(trale_oneshot_send(&oneshot, 1), -EPIPE);
}

/* --- channels ----------------------------------------------------------------------------------------------------- */

static void test_making_a_channel_evaluates_each_argument_once(void **state)
{
    (void)state;
    char memory[4];
    int n_memory = 0, n_size = 0, n_capacity = 0;
    struct trale_channel channel = TRALE_CHANNEL_OF((n_memory++, memory), (n_size++, 1), (n_capacity++, sizeof memory));
    assert_int_equal(n_memory, 1);
    assert_int_equal(n_size, 1);
    assert_int_equal(n_capacity, 1);
    for (char i = 0; i < 4; i++)
        assert_int_equal(trale_channel_try_send(&channel, &i), 0);
    assert_int_equal(trale_channel_try_send(&channel, "x"), -EAGAIN);
}

static void test_elements_come_out_as_they_went_in(void **state)
{
    (void)state;
    int buffer[3], got = 0;
    struct trale_channel channel = TRALE_CHANNEL(buffer);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(trale_channel_try_send(&channel, &(int){10 * round + i}), 0);
        assert_int_equal(trale_channel_try_send(&channel, &(int){99}), -EAGAIN);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(trale_channel_try_recv(&channel, &got), 1);
            assert_int_equal(got, 10 * round + i);
        }
        assert_int_equal(trale_channel_try_recv(&channel, &got), -EAGAIN);
        assert_int_equal(got, 10 * round + 2);
    }
}

static void test_a_full_channel_makes_senders_wait_in_line(void **state)
{
    (void)state;
    int buffer[1], elements[] = {1, 2, 3}, got;
    struct trale_channel channel = TRALE_CHANNEL(buffer);
    struct trale_channel_send sends[3];
    struct trale_channel_recv recv;
    assert_int_equal(poll_once(trale_channel_send(&sends[0], &channel, &elements[0])), 0);
    assert_pending(trale_channel_send(&sends[1], &channel, &elements[1]));
    assert_pending(trale_channel_send(&sends[2], &channel, &elements[2]));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(poll_once(trale_channel_recv(&recv, &channel, &got)), 1);
        assert_int_equal(got, i + 1);
        if (i < 2)
            assert_int_equal(poll_once(&sends[i + 1].future), 0);
    }
}

static void test_a_dropped_send_has_not_sent(void **state)
{
    (void)state;
    int buffer[1], elements[] = {1, 2, 3}, got;
    struct trale_channel channel = TRALE_CHANNEL(buffer);
    struct trale_channel_send sends[3];
    poll_once(trale_channel_send(&sends[0], &channel, &elements[0]));
    assert_pending(trale_channel_send(&sends[1], &channel, &elements[1]));
    assert_pending(trale_channel_send(&sends[2], &channel, &elements[2]));
    assert_int_equal(trale_channel_try_recv(&channel, &got), 1);
    trale_future_drop(&sends[1].future); /* the slot was its already */
    assert_int_equal(poll_once(&sends[2].future), 0);
    assert_int_equal(trale_channel_try_recv(&channel, &got), 1);
    assert_int_equal(got, 3);
    assert_int_equal(trale_channel_try_recv(&channel, &got), -EAGAIN);
}

static void test_a_dropped_receive_has_taken_no_element(void **state)
{
    (void)state;
    int buffer[2], first = 0, second = 0;
    struct trale_channel channel = TRALE_CHANNEL(buffer);
    struct trale_channel_recv recvs[2];
    assert_pending(trale_channel_recv(&recvs[0], &channel, &first));
    assert_pending(trale_channel_recv(&recvs[1], &channel, &second));
    trale_channel_try_send(&channel, &(int){5});
    trale_future_drop(&recvs[0].future); /* the element was its already */
    assert_int_equal(poll_once(&recvs[1].future), 1);
    assert_int_equal(first, 0);
    assert_int_equal(second, 5);
}

static void test_a_closed_channel_is_emptied_and_then_ends(void **state)
{
    (void)state;
    int buffer[1], element = 2, got = 0;
    struct trale_channel channel = TRALE_CHANNEL(buffer);
    struct trale_channel_send send;
    struct trale_channel_recv recv;
    struct counter counter = {0};
    trale_channel_try_send(&channel, &(int){1});
    assert_int_equal(poll_with(trale_channel_send(&send, &channel, &element), &counter), TRALE_PENDING);
    trale_channel_close(&channel);
    assert_int_equal(counter.n_wakes, 1);
    assert_int_equal(poll_once(&send.future), -EPIPE);
    assert_int_equal(trale_channel_try_send(&channel, &element), -EPIPE);
    assert_int_equal(poll_once(trale_channel_recv(&recv, &channel, &got)), 1);
    assert_int_equal(got, 1);
    assert_int_equal(poll_once(trale_channel_recv(&recv, &channel, &got)), 0);
    assert_int_equal(trale_channel_try_recv(&channel, &got), 0);
}

static void test_closing_tells_a_sender_that_already_had_its_slot(void **state)
{
    (void)state;
    int buffer[1], element = 2, got;
    struct trale_channel channel = TRALE_CHANNEL(buffer);
    struct trale_channel_send send;
    trale_channel_try_send(&channel, &(int){1});
    assert_pending(trale_channel_send(&send, &channel, &element));
    trale_channel_try_recv(&channel, &got);
    trale_channel_close(&channel);
    assert_int_equal(poll_once(&send.future), -EPIPE);
    assert_int_equal(trale_channel_try_recv(&channel, &got), 0);
}

/* The last element is the first receiver's; whether it takes it or is dropped decides what the second one sees. */
static void test_the_end_comes_when_the_last_element_is_really_gone(void **state)
{
    (void)state;
    for (int taken = 0; taken < 2; taken++) {
        int buffer[1], got = 0;
        struct trale_channel channel = TRALE_CHANNEL(buffer);
        struct trale_channel_recv first, second;
        assert_pending(trale_channel_recv(&first, &channel, &got));
        trale_channel_try_send(&channel, &(int){1});
        trale_channel_close(&channel);
        struct counter counter = {0};
        assert_int_equal(poll_with(trale_channel_recv(&second, &channel, &got), &counter), TRALE_PENDING);
        if (taken)
            assert_int_equal(poll_once(&first.future), 1);
        else
            trale_future_drop(&first.future);
        assert_int_equal(counter.n_wakes, 1);
        assert_int_equal(poll_once(&second.future), taken ? 0 : 1);
    }
}

/* --- with threads ------------------------------------------------------------------------------------------------- */

#define N_THREADS 3
#define N_SENDERS 4
#define N_RECEIVERS 3
#define N_EACH 2000

struct crowd {
    struct trale *runtime;
    struct trale_channel channel;
    uint32_t buffer[5];
    _Atomic uint32_t n_seen[(N_THREADS + N_SENDERS) * N_EACH];
    struct trale_mutex mutex;
    _Atomic int n_inside;
    uint64_t n_locked; /* guarded by the mutex */
};

struct sender {
    struct trale_future future;
    struct crowd *crowd;
    struct trale_channel_send send;
    struct trale_mutex_lock lock;
    uint32_t next, end;
};

trale_async(sender)
{
    trale_begin();
    for (; self->next < self->end; self->next++) {
        trale_await(trale_channel_send(&self->send, &self->crowd->channel, &self->next));
        trale_await(trale_mutex_lock(&self->lock, &self->crowd->mutex));
        if (atomic_fetch_add(&self->crowd->n_inside, 1) != 0)
            trale_return(-EDEADLK);
        self->crowd->n_locked++;
        if (self->next % 16 == 0)
            trale_yield();
        atomic_fetch_sub(&self->crowd->n_inside, 1);
        trale_mutex_unlock(&self->crowd->mutex);
    }
    trale_return(0);
}

/* Every third receive is begun and given up, as a race would. */
struct receiver {
    struct trale_future future;
    struct crowd *crowd;
    struct trale_channel_recv recv;
    uint32_t element;
    int n;
};

trale_async(receiver)
{
    trale_begin();
    for (self->n = 0;; self->n++) {
        struct trale_future *recv = trale_channel_recv(&self->recv, &self->crowd->channel, &self->element);
        if (self->n % 3 == 0) {
            int64_t got = trale_future_poll(recv, cx);
            if (got == 1)
                atomic_fetch_add(&self->crowd->n_seen[self->element], 1);
            else if (got == TRALE_PENDING)
                trale_future_drop(recv);
        }
        trale_await(trale_channel_recv(&self->recv, &self->crowd->channel, &self->element));
        if (trale_result() == 0)
            trale_return(0);
        atomic_fetch_add(&self->crowd->n_seen[self->element], 1);
    }
}

struct sending_thread {
    struct crowd *crowd;
    uint32_t first;
};

static void *send_from_outside(void *data)
{
    struct sending_thread *thread = data;
    struct sender sender;
    assert_int_equal(
        trale_block_on(thread->crowd->runtime, trale_call(sender, &sender, .crowd = thread->crowd,
                                                          .next = thread->first, .end = thread->first + N_EACH)),
        0);
    return NULL;
}

static void test_every_element_arrives_once_whoever_sends_receives_and_gives_up(void **state)
{
    (void)state;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    crowd->runtime = test_open("", "");
    crowd->channel = (struct trale_channel)TRALE_CHANNEL(crowd->buffer);
    crowd->mutex = (struct trale_mutex)TRALE_MUTEX;
    struct trale_task *receivers[N_RECEIVERS], *senders[N_SENDERS];
    struct sending_thread sending[N_THREADS];
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_RECEIVERS; i++)
        receivers[i] = trale_spawn(crowd->runtime, receiver, .crowd = crowd);
    for (uint32_t i = 0; i < N_SENDERS; i++)
        senders[i] = trale_spawn(crowd->runtime, sender, .crowd = crowd, .next = i * N_EACH, .end = (i + 1) * N_EACH);
    for (uint32_t i = 0; i < N_THREADS; i++) {
        sending[i] = (struct sending_thread){crowd, (N_SENDERS + i) * N_EACH};
        assert_int_equal(pthread_create(&threads[i], NULL, send_from_outside, &sending[i]), 0);
    }
    for (int i = 0; i < N_SENDERS; i++)
        assert_int_equal(trale_join(senders[i]), 0);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    trale_channel_close(&crowd->channel);
    for (int i = 0; i < N_RECEIVERS; i++)
        assert_int_equal(trale_join(receivers[i]), 0);
    for (int i = 0; i < (N_THREADS + N_SENDERS) * N_EACH; i++)
        assert_int_equal(crowd->n_seen[i], 1);
    assert_int_equal(crowd->n_locked, (N_THREADS + N_SENDERS) * N_EACH);
    trale_close(crowd->runtime);
    free(crowd);
}

struct patient {
    struct trale_future future;
    struct trale_semaphore *semaphore;
    struct trale_semaphore_acquire acquire;
};

trale_async(patient)
{
    trale_begin();
    trale_await(trale_semaphore_acquire(&self->acquire, self->semaphore, 1));
    trale_return(trale_result());
}

static void test_closing_a_runtime_takes_its_waiters_out_of_the_line(void **state)
{
    (void)state;
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0), one = TRALE_SEMAPHORE(1);
    struct trale *runtime = test_open("", ""), *other = test_open("", "");
    struct trale_task *gone = trale_spawn(runtime, patient, .semaphore = &semaphore);
    struct patient turn; /* comes after it */
    assert_int_equal(trale_block_on(runtime, trale_call(patient, &turn, .semaphore = &one)), 0);
    struct trale_task *stays = trale_spawn(other, patient, .semaphore = &semaphore);
    trale_close(runtime);
    assert_int_equal(trale_join(gone), -ECANCELED);
    trale_semaphore_release(&semaphore, 1);
    assert_int_equal(trale_join(stays), 0);
    trale_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permits_are_taken_until_none_is_left),
        cmocka_unit_test(test_the_last_waker_given_is_the_one_called),
        cmocka_unit_test(test_who_asks_for_many_is_not_overtaken),
        cmocka_unit_test(test_those_behind_one_that_is_dropped_get_their_turn),
        cmocka_unit_test(test_permits_given_to_one_that_is_dropped_go_on),
        cmocka_unit_test(test_an_acquire_that_was_never_polled_takes_nothing),
        cmocka_unit_test(test_closing_a_semaphore_tells_everybody),
        cmocka_unit_test(test_more_permits_than_can_be_counted_are_refused),
        cmocka_unit_test(test_what_a_dropped_acquire_gives_back_is_counted_up_to_the_end),
        cmocka_unit_test(test_a_mutex_is_one_task_s_at_a_time),
        cmocka_unit_test(test_one_notification_is_kept_and_not_two),
        cmocka_unit_test(test_a_notification_goes_to_the_first_that_waits),
        cmocka_unit_test(test_notifying_all_keeps_nothing),
        cmocka_unit_test(test_all_who_wait_get_the_value_and_so_does_who_comes_later),
        cmocka_unit_test(test_a_closed_oneshot_has_no_value),
        cmocka_unit_test(test_making_a_channel_evaluates_each_argument_once),
        cmocka_unit_test(test_elements_come_out_as_they_went_in),
        cmocka_unit_test(test_a_full_channel_makes_senders_wait_in_line),
        cmocka_unit_test(test_a_dropped_send_has_not_sent),
        cmocka_unit_test(test_a_dropped_receive_has_taken_no_element),
        cmocka_unit_test(test_a_closed_channel_is_emptied_and_then_ends),
        cmocka_unit_test(test_closing_tells_a_sender_that_already_had_its_slot),
        cmocka_unit_test(test_the_end_comes_when_the_last_element_is_really_gone),
        cmocka_unit_test(test_every_element_arrives_once_whoever_sends_receives_and_gives_up),
        cmocka_unit_test(test_closing_a_runtime_takes_its_waiters_out_of_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

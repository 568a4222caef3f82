// SPDX-License-Identifier: MIT
//
// What trale.rs makes of Rust futures, panics and wakers: each claim is a function, and all that was cloned is given
// back. The test `rust` builds and runs this program.

#[allow(dead_code)]
mod trale {
    include!(env!("TRALE_RS"));
}

use std::ffi::c_void;
use std::future::Future;
use std::panic::panic_any;
use std::pin::Pin;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::sync::mpsc::{self, Sender};
use std::task::{Context, Poll, Waker};

// --- a task's waker that counts --------------------------------------------------------------------------------------

static N_CLONES: AtomicI32 = AtomicI32::new(0);
static N_WAKES: AtomicI32 = AtomicI32::new(0);

unsafe extern "C" fn waker_clone(waker: *const trale::Waker) -> *const trale::Waker {
    N_CLONES.fetch_add(1, SeqCst);
    waker
}
unsafe extern "C" fn waker_wake(waker: *const trale::Waker) {
    waker_wake_by_ref(waker);
    waker_drop(waker);
}
unsafe extern "C" fn waker_wake_by_ref(_: *const trale::Waker) {
    N_WAKES.fetch_add(1, SeqCst);
}
unsafe extern "C" fn waker_drop(_: *const trale::Waker) {
    assert!(N_CLONES.fetch_sub(1, SeqCst) > 0, "what was lent is not dropped");
}
static TABLE: trale::WakerTable =
    trale::WakerTable { clone: waker_clone, wake: waker_wake, wake_by_ref: waker_wake_by_ref, drop: waker_drop };

struct TaskWaker(trale::Waker);
unsafe impl Sync for TaskWaker {}
static WAKER: TaskWaker = TaskWaker(trale::Waker { table: &TABLE });

fn poll<F: Future<Output = i64> + Send + 'static>(slot: &mut *mut c_void, begin: impl FnOnce() -> F) -> i64 {
    let mut context: trale::Context = unsafe { std::mem::zeroed() };
    context.waker = &WAKER.0;
    unsafe { trale::poll(slot, &mut context, || Box::pin(begin())) }
}

fn release(slot: &mut *mut c_void) {
    unsafe { trale::release(slot) }
}

/// Polls it to its end, at most twice, and returns the result; the slot is empty then.
fn run<F: Future<Output = i64> + Send + 'static>(begin: impl FnOnce() -> F) -> i64 {
    let mut slot = null_mut();
    let mut result = poll(&mut slot, begin);
    if result == trale::PENDING {
        assert!(!slot.is_null());
        result = poll(&mut slot, || -> F { unreachable!("it has begun") });
    }
    assert!(slot.is_null());
    result
}

// --- futures ---------------------------------------------------------------------------------------------------------

/// Pending once, with a clone of the waker, which it keeps.
#[derive(Default)]
struct Once(Option<Waker>);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0.is_some() {
            return Poll::Ready(());
        }
        self.0 = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Never ready; sends a clone of the waker of each poll away.
struct Sends(Sender<Waker>);

impl Future for Sends {
    type Output = i64;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<i64> {
        self.0.send(context.waker().clone()).unwrap();
        Poll::Pending
    }
}

static N_DROPPED: AtomicI32 = AtomicI32::new(0);

struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        N_DROPPED.fetch_add(1, SeqCst);
    }
}

/// A value that panics when it is dropped.
struct Angry;

impl Drop for Angry {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

// --- claims ----------------------------------------------------------------------------------------------------------

fn a_result_comes_at_once_or_later() {
    assert_eq!(run(|| async { 7 }), 7);
    assert_eq!(run(|| async { -2 }), -2);
    let later = || async {
        Once::default().await;
        8
    };
    assert_eq!(run(later), 8);
}

fn a_panic_is_an_error_wherever_it_happens() {
    let before = N_DROPPED.load(SeqCst);
    assert_eq!(run(|| -> std::future::Ready<i64> { panic!("in begin") }), trale::PANICKED);
    let at_once = || async {
        let _counted = Counted;
        panic!("in the first poll")
    };
    assert_eq!(run(at_once), trale::PANICKED);
    let later = || async {
        let _counted = Counted;
        Once::default().await;
        panic!("in the second poll")
    };
    assert_eq!(run(later), trale::PANICKED);
    assert_eq!(N_DROPPED.load(SeqCst), before + 2);
    assert_eq!(run(|| async { panic_any(Angry) }), trale::PANICKED);
}

fn a_future_that_panics_when_it_is_dropped_harms_nothing() {
    let angry = || async {
        let _angry = Angry;
        std::future::pending::<()>().await;
        0
    };
    let mut slot = null_mut();
    assert_eq!(poll(&mut slot, angry), trale::PENDING);
    release(&mut slot);
    assert!(slot.is_null());
}

fn no_result_has_the_value_of_pending() {
    let mut slot = null_mut();
    assert_eq!(poll(&mut slot, || async { trale::PENDING }), trale::PANICKED);
    assert!(slot.is_null());
}

fn a_dropped_future_gives_its_clone_back() {
    let waits = || async {
        let _counted = Counted;
        Once::default().await;
        std::future::pending::<()>().await;
        0
    };
    let before = N_DROPPED.load(SeqCst);
    let mut slot = null_mut();
    release(&mut slot); /* it was never polled */
    assert_eq!(poll(&mut slot, waits), trale::PENDING);
    assert_eq!(N_CLONES.load(SeqCst), 1);
    release(&mut slot);
    release(&mut slot);
    assert!(slot.is_null());
    assert_eq!((N_CLONES.load(SeqCst), N_DROPPED.load(SeqCst)), (0, before + 1));
}

fn a_clone_goes_to_another_thread_and_outlives_the_future() {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let waker: Waker = receiver.recv().unwrap();
        let end: Waker = receiver.recv().unwrap();
        assert!(waker.will_wake(&waker.clone()));
        waker.wake_by_ref();
        waker.wake();
        drop(end);
    });
    let before = N_WAKES.load(SeqCst);
    let mut slot = null_mut();
    let sends = sender.clone();
    assert_eq!(poll(&mut slot, || Sends(sends)), trale::PENDING);
    assert_eq!(poll(&mut slot, || -> Sends { unreachable!("it has begun") }), trale::PENDING);
    release(&mut slot);
    drop(sender);
    thread.join().unwrap();
    assert_eq!(N_WAKES.load(SeqCst), before + 2);
}

fn main() {
    let claims: [(&str, fn()); 6] = [
        ("a result comes at once or later", a_result_comes_at_once_or_later),
        ("a panic is an error wherever it happens", a_panic_is_an_error_wherever_it_happens),
        (
            "a future that panics when it is dropped harms nothing",
            a_future_that_panics_when_it_is_dropped_harms_nothing,
        ),
        ("no result has the value of PENDING", no_result_has_the_value_of_pending),
        ("a dropped future gives its clone back", a_dropped_future_gives_its_clone_back),
        (
            "a clone goes to another thread and outlives the future",
            a_clone_goes_to_another_thread_and_outlives_the_future,
        ),
    ];
    for (name, claim) in claims {
        claim();
        assert_eq!(N_CLONES.load(SeqCst), 0, "{}", name);
    }
}

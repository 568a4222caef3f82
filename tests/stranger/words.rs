// SPDX-License-Identifier: MIT
//
// A driver in Rust: org.example.words/1. Its futures are ordinary `async fn`, and what they await is done on a thread,
// which wakes the task. drivers/README.md explains it.

#[allow(dead_code)]
mod trale {
    include!(env!("TRALE_RS"));
}

use std::collections::VecDeque;
use std::ffi::{c_void, CStr, OsStr};
use std::future::Future;
use std::io;
use std::mem::size_of;
use std::os::raw::c_char;
use std::os::unix::ffi::OsStrExt;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use trale::text;

// --- ordinary Rust ---------------------------------------------------------------------------------------------------

async fn count(worker: Arc<Worker>, path: PathBuf) -> io::Result<usize> {
    let text = on_thread(&worker, move || std::fs::read_to_string(path)).await?;
    Ok(on_thread(&worker, move || text.split_whitespace().count()).await)
}

async fn length(worker: Arc<Worker>, path: PathBuf, index: usize) -> io::Result<usize> {
    let text = on_thread(&worker, move || std::fs::read_to_string(path)).await?;
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(words[index].len())
}

/// What the driver's thread has to do.
#[derive(Default)]
struct Worker {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    jobs: VecDeque<Box<dyn FnOnce() + Send>>,
    is_busy: bool,
    is_ending: bool,
}

impl Worker {
    fn add(&self, job: Box<dyn FnOnce() + Send>) {
        self.work.lock().unwrap().jobs.push_back(job);
        self.changed.notify_all();
    }

    /// Ends when it is asked to, and nothing is left to do.
    fn run(&self) {
        let mut work = self.work.lock().unwrap();
        loop {
            if let Some(job) = work.jobs.pop_front() {
                work.is_busy = true;
                drop(work);
                trale::catch(|| {
                    job();
                    0
                });
                work = self.work.lock().unwrap();
                work.is_busy = false;
                self.changed.notify_all();
            } else if work.is_ending {
                return;
            } else {
                work = self.changed.wait(work).unwrap();
            }
        }
    }

    /// Waits until nothing is left to do. Returns whether that came in time.
    fn settle(&self, limit: Duration) -> bool {
        let work = self.work.lock().unwrap();
        let has_work = |work: &mut Work| work.is_busy || !work.jobs.is_empty();
        !self.changed.wait_timeout_while(work, limit, has_work).unwrap().1.timed_out()
    }

    fn end(&self) {
        self.work.lock().unwrap().is_ending = true;
        self.changed.notify_all();
    }
}

/// A function that runs on the driver's thread.
struct OnThread<T>(Arc<Mutex<Shared<T>>>);

struct Shared<T> {
    result: Option<std::thread::Result<T>>,
    waker: Option<Waker>,
}

fn on_thread<T: Send + 'static>(worker: &Worker, function: impl FnOnce() -> T + Send + 'static) -> OnThread<T> {
    let ours = Arc::new(Mutex::new(Shared { result: None, waker: None }));
    let theirs = ours.clone();
    let job = move || {
        if Arc::strong_count(&theirs) == 1 {
            return; // the future was dropped
        }
        let result = catch_unwind(AssertUnwindSafe(function));
        let mut shared = theirs.lock().unwrap();
        shared.result = Some(result);
        let waker = shared.waker.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
    };
    worker.add(Box::new(job));
    OnThread(ours)
}

impl<T> Future for OnThread<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut shared = self.0.lock().unwrap();
        match shared.result.take() {
            Some(Ok(result)) => Poll::Ready(result),
            Some(Err(panic)) => resume_unwind(panic),
            None => {
                shared.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// A function that has begun runs to its end, but wakes no task.
impl<T> Drop for OnThread<T> {
    fn drop(&mut self) {
        self.0.lock().unwrap().waker = None;
    }
}

// --- the futures as C sees them --------------------------------------------------------------------------------------

/// struct words_question
#[repr(C)]
pub struct Question {
    future: trale::Future,
    path: *const c_char,
    index: u64,
    driver: *const Words,
    state: *mut c_void,
}

fn answer(result: io::Result<usize>) -> i64 {
    match result {
        Ok(number) => number as i64,
        Err(error) => -i64::from(error.raw_os_error().unwrap_or(84)), // EILSEQ: not UTF-8
    }
}

/// What a question asks with: the thread, and a copy of the path.
unsafe fn with_what(question: *const Question) -> (Arc<Worker>, PathBuf) {
    let path = OsStr::from_bytes(CStr::from_ptr((*question).path).to_bytes());
    ((*(*question).driver).worker.clone(), path.into())
}

unsafe extern "C" fn count_poll(future: *mut trale::Future, context: *mut trale::Context) -> i64 {
    let question = future as *mut Question;
    trale::poll(&mut (*question).state, context, || {
        let (worker, path) = with_what(question);
        Box::pin(async move { answer(count(worker, path).await) })
    })
}

unsafe extern "C" fn length_poll(future: *mut trale::Future, context: *mut trale::Context) -> i64 {
    let question = future as *mut Question;
    trale::poll(&mut (*question).state, context, || {
        let (worker, path) = with_what(question);
        let index = (*question).index as usize;
        Box::pin(async move { answer(length(worker, path, index).await) })
    })
}

unsafe extern "C" fn question_drop(future: *mut trale::Future) {
    trale::release(&mut (*(future as *mut Question)).state);
}

const fn future_type(
    name: &'static str,
    poll: unsafe extern "C" fn(*mut trale::Future, *mut trale::Context) -> i64,
) -> trale::FutureType {
    let size = size_of::<trale::FutureType>() as u32;
    trale::FutureType { size, abi: trale::ABI, name: text(name), poll, drop: Some(question_drop) }
}

static COUNT: trale::FutureType = future_type("words_count\0", count_poll);
static LENGTH: trale::FutureType = future_type("words_length\0", length_poll);

// --- the driver ------------------------------------------------------------------------------------------------------

/// struct words: the interface's table
#[repr(C)]
struct Table {
    interface: trale::Interface,
    count: unsafe extern "C" fn(*mut c_void, *mut Question),
    length: unsafe extern "C" fn(*mut c_void, *mut Question),
}

const _: () = assert!(size_of::<Table>() == 32, "version 1 does not change");

struct Words {
    table: Table,
    host: trale::Host,
    worker: Arc<Worker>,
    thread: trale::Thread,
}

unsafe extern "C" fn words_count(instance: *mut c_void, question: *mut Question) {
    trale::host_expect(&(*(instance as *const Words)).host, "words.count\0");
    (*question).driver = instance as *const Words;
    (*question).future.r#type = &COUNT;
}

unsafe extern "C" fn words_length(instance: *mut c_void, question: *mut Question) {
    trale::host_expect(&(*(instance as *const Words)).host, "words.length\0");
    (*question).driver = instance as *const Words;
    (*question).future.r#type = &LENGTH;
}

unsafe extern "C" fn thread_main(data: *mut c_void) -> *mut c_void {
    let worker = Arc::from_raw(data as *const Worker);
    trale::catch(|| {
        worker.run();
        0
    });
    std::ptr::null_mut()
}

unsafe fn start(host: trale::Host, result: *mut *mut c_void) -> i64 {
    let worker = Arc::new(Worker::default());
    let data = Arc::into_raw(worker.clone()) as *mut c_void;
    let mut thread: trale::Thread = 0;
    let r = host.start_thread.unwrap()(host.context, &mut thread, text("words\0"), thread_main, data);
    if r < 0 {
        drop(Arc::from_raw(data as *const Worker));
        host.log.unwrap()(host.context, trale::LOG_ERROR, text("cannot start a thread\0"));
        return r.into();
    }
    let size = size_of::<Table>() as u32;
    let interface = trale::Interface { size, version: 1, instance: std::ptr::null_mut() };
    let table = Table { interface, count: words_count, length: words_length };
    let instance = Box::into_raw(Box::new(Words { table, host, worker, thread }));
    (*instance).table.interface.instance = instance as *mut c_void;
    *result = instance as *mut c_void;
    0
}

unsafe extern "C" fn driver_start(
    host: *const trale::Host,
    _settings: *const trale::Settings,
    result: *mut *mut c_void,
) -> i32 {
    trale::catch(|| start(trale::host_copy(host), result)) as i32
}

/// struct timespec
#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

extern "C" {
    fn pthread_join(thread: trale::Thread, result: *mut *mut c_void) -> i32;
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}

/// How long it is until a time on CLOCK_MONOTONIC.
fn time_until(deadline_ns: u64) -> Duration {
    const CLOCK_MONOTONIC: i32 = 1;
    let mut now = Timespec { seconds: 0, nanoseconds: 0 };
    unsafe { clock_gettime(CLOCK_MONOTONIC, &mut now) };
    let now_ns = now.seconds as u64 * 1_000_000_000 + now.nanoseconds as u64;
    Duration::from_nanos(deadline_ns.saturating_sub(now_ns))
}

unsafe extern "C" fn driver_settle(instance: *mut c_void, deadline_ns: u64) -> i32 {
    let words = &*(instance as *const Words);
    trale::catch(|| {
        if words.worker.settle(time_until(deadline_ns)) {
            return 0;
        }
        words.host.log.unwrap()(words.host.context, trale::LOG_WARNING, text("the thread is still reading a file\0"));
        -110 // ETIMEDOUT
    }) as i32
}

unsafe extern "C" fn driver_stop(instance: *mut c_void) {
    let words = Box::from_raw(instance as *mut Words);
    trale::catch(|| {
        words.worker.end();
        pthread_join(words.thread, std::ptr::null_mut()).into()
    });
}

unsafe extern "C" fn driver_interface(instance: *mut c_void, name: *const c_char) -> *const trale::Interface {
    match CStr::from_ptr(name).to_bytes() {
        b"org.example.words/1" => std::ptr::addr_of!((*(instance as *const Words)).table) as *const trale::Interface,
        _ => std::ptr::null(),
    }
}

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static trale_driver: trale::Driver = trale::Driver {
    size: size_of::<trale::Driver>() as u32,
    abi: trale::ABI,
    option_size: size_of::<trale::DriverOption>() as u64,
    name: text("words\0"),
    version: text("1.0\0"),
    summary: text("words of files, counted on a thread\0"),
    interfaces: text("org.example.words/1:32\0"), // with the size of version 1
    layers: std::ptr::null(),
    needs: std::ptr::null(),
    options: std::ptr::null(),
    start: driver_start,
    stop: driver_stop,
    interface: driver_interface,
    before_wait: None,
    settle: Some(driver_settle),
    demands: 0,
    reserved: 0,
};

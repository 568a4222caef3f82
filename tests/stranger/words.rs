// SPDX-License-Identifier: MIT
//
// A driver in Rust: org.example.words/1. Its futures are ordinary `async fn`, and what they await is done on a thread,
// which wakes the task. drivers/README.md explains it.

#[allow(dead_code)]
mod trale {
    include!(env!("TRALE_RS"));
}

use std::ffi::{c_void, CStr, OsStr};
use std::future::Future;
use std::io;
use std::mem::size_of;
use std::os::raw::c_char;
use std::os::unix::ffi::OsStrExt;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{mpsc, Arc, Mutex};
use std::task::{Context, Poll, Waker};
use trale::text;

// --- ordinary Rust ---------------------------------------------------------------------------------------------------

async fn count(jobs: Jobs, path: PathBuf) -> io::Result<usize> {
    let text = on_thread(&jobs, move || std::fs::read_to_string(path)).await?;
    Ok(on_thread(&jobs, move || text.split_whitespace().count()).await)
}

async fn length(jobs: Jobs, path: PathBuf, index: usize) -> io::Result<usize> {
    let text = on_thread(&jobs, move || std::fs::read_to_string(path)).await?;
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(words[index].len())
}

type Jobs = mpsc::Sender<Box<dyn FnOnce() + Send>>;

/// A function that runs on the driver's thread.
struct OnThread<T>(Arc<Mutex<Shared<T>>>);

struct Shared<T> {
    result: Option<std::thread::Result<T>>,
    waker: Option<Waker>,
}

fn on_thread<T: Send + 'static>(jobs: &Jobs, function: impl FnOnce() -> T + Send + 'static) -> OnThread<T> {
    let ours = Arc::new(Mutex::new(Shared { result: None, waker: None }));
    let theirs = ours.clone();
    let job = move || {
        let result = catch_unwind(AssertUnwindSafe(function));
        let mut shared = theirs.lock().unwrap();
        shared.result = Some(result);
        let waker = shared.waker.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
    };
    jobs.send(Box::new(job)).expect("the thread runs until the driver stops");
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

/// The function runs to its end, but wakes no task.
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

/// What a question asks with: the way to the thread, and a copy of the path.
unsafe fn with_what(question: *const Question) -> (Jobs, PathBuf) {
    let path = OsStr::from_bytes(CStr::from_ptr((*question).path).to_bytes());
    ((*(*question).driver).jobs.clone(), path.into())
}

unsafe extern "C" fn count_poll(future: *mut trale::Future, context: *mut trale::Context) -> i64 {
    let question = future as *mut Question;
    trale::poll(&mut (*question).state, context, || {
        let (jobs, path) = with_what(question);
        Box::pin(async move { answer(count(jobs, path).await) })
    })
}

unsafe extern "C" fn length_poll(future: *mut trale::Future, context: *mut trale::Context) -> i64 {
    let question = future as *mut Question;
    trale::poll(&mut (*question).state, context, || {
        let (jobs, path) = with_what(question);
        let index = (*question).index as usize;
        Box::pin(async move { answer(length(jobs, path, index).await) })
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

struct Words {
    table: Table,
    jobs: Jobs,
    thread: trale::Thread,
}

unsafe extern "C" fn words_count(instance: *mut c_void, question: *mut Question) {
    (*question).driver = instance as *const Words;
    (*question).future.r#type = &COUNT;
}

unsafe extern "C" fn words_length(instance: *mut c_void, question: *mut Question) {
    (*question).driver = instance as *const Words;
    (*question).future.r#type = &LENGTH;
}

/// Ends when the last sender is gone: those of the instance and of its futures.
unsafe extern "C" fn thread_main(data: *mut c_void) -> *mut c_void {
    let jobs = Box::from_raw(data as *mut mpsc::Receiver<Box<dyn FnOnce() + Send>>);
    trale::catch(|| {
        jobs.iter().for_each(|job| job());
        0
    });
    std::ptr::null_mut()
}

unsafe fn start(host: &trale::Host, result: *mut *mut c_void) -> i64 {
    let (jobs, receiver) = mpsc::channel();
    let receiver = Box::into_raw(Box::new(receiver)) as *mut c_void;
    let mut thread: trale::Thread = 0;
    let r = host.start_thread.unwrap()(host.context, &mut thread, text("words\0"), thread_main, receiver);
    if r < 0 {
        drop(Box::from_raw(receiver as *mut mpsc::Receiver<Box<dyn FnOnce() + Send>>));
        return r.into();
    }
    let size = size_of::<Table>() as u32;
    let interface = trale::Interface { size, version: 1, instance: std::ptr::null_mut() };
    let table = Table { interface, count: words_count, length: words_length };
    let instance = Box::into_raw(Box::new(Words { table, jobs, thread }));
    (*instance).table.interface.instance = instance as *mut c_void;
    *result = instance as *mut c_void;
    0
}

unsafe extern "C" fn driver_start(
    host: *const trale::Host,
    _settings: *const trale::Settings,
    result: *mut *mut c_void,
) -> i32 {
    trale::catch(|| start(&trale::host_copy(host), result)) as i32
}

extern "C" {
    fn pthread_join(thread: trale::Thread, result: *mut *mut c_void) -> i32;
}

unsafe extern "C" fn driver_stop(instance: *mut c_void) {
    let words = Box::from_raw(instance as *mut Words);
    let thread = words.thread;
    drop(words);
    pthread_join(thread, std::ptr::null_mut());
}

unsafe extern "C" fn driver_interface(instance: *mut c_void, name: *const c_char) -> *const trale::Interface {
    match CStr::from_ptr(name).to_bytes() {
        b"org.example.words/1" => &(*(instance as *const Words)).table.interface,
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
    interfaces: text("org.example.words/1\0"),
    layers: std::ptr::null(),
    needs: std::ptr::null(),
    options: std::ptr::null(),
    start: driver_start,
    stop: driver_stop,
    interface: driver_interface,
    before_wait: None,
    settle: None,
};

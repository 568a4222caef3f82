// SPDX-License-Identifier: MIT
//
// future.h and driver.h for drivers in Rust, from 1.63 on, in each edition from 2018 on, and without crates. What the members mean is in the headers;
// each struct here names its own. In a driver:
//
//     #[allow(dead_code)]
//     mod trale {
//         include!(env!("TRALE_RS")); // the path of this file
//     }
//
// The declarations come first, then what lets an `async fn` be awaited from C.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Poll, RawWaker, RawWakerVTable};

pub const ABI: u32 = 2;
pub const PENDING: i64 = i64::MIN;
pub const READABLE: u32 = 1;
pub const WRITABLE: u32 = 2;
pub const FAILING: u32 = 4;
pub const PRIORITY_DATA: u32 = 8;
pub const HANGUP: u32 = 16;
pub const READ_HANGUP: u32 = 32;
pub const HOST_LEVEL: u32 = 1;
pub const HOST_SHUFFLE: u32 = 2;
pub const DRIVER_DEMANDS_ONE_THREAD: u32 = 1;
pub const OPTION_INTEGER: u32 = 1;
pub const OPTION_SIZE: u32 = 2;
pub const OPTION_DURATION: u32 = 3;
pub const OPTION_BOOLEAN: u32 = 4;
pub const OPTION_CHOICE: u32 = 5;
pub const OPTION_TEXT: u32 = 6;
pub const LOG_ERROR: u32 = 0;
pub const LOG_WARNING: u32 = 1;
pub const LOG_INFO: u32 = 2;
pub const LOG_DEBUG: u32 = 3;

/// struct trale, a runtime
pub enum Runtime {}

// The tables of observer.h, which are not declared here.
pub enum Observer {}
pub enum Inspector {}

/// struct trale_link
#[repr(C)]
pub struct Link {
    pub next: *mut Link,
    pub previous: *mut Link,
}

/// struct trale_waker_table
#[repr(C)]
pub struct WakerTable {
    pub clone: unsafe extern "C" fn(*const Waker) -> *const Waker,
    pub wake: unsafe extern "C" fn(*const Waker),
    pub wake_by_ref: unsafe extern "C" fn(*const Waker),
    pub drop: unsafe extern "C" fn(*const Waker),
}

/// struct trale_waker
#[repr(C)]
pub struct Waker {
    pub table: *const WakerTable,
}

/// struct trale_checks
#[repr(C)]
pub struct Checks {
    pub poll: unsafe extern "C" fn(*mut Checks, *mut Future, *mut Context) -> i64,
}

/// struct trale_context
#[repr(C)]
pub struct Context {
    pub size: u32,
    pub abi: u32,
    pub waker: *const Waker,
    pub runtime: *mut Runtime,
    pub budget: u32,
    pub overdraft: u32,
    pub turn: u32,
    pub checked: u32,
    pub checks: *mut Checks,
}

/// struct trale_future_type
#[repr(C)]
pub struct FutureType {
    pub size: u32,
    pub abi: u32,
    pub name: *const c_char,
    pub poll: unsafe extern "C" fn(*mut Future, *mut Context) -> i64,
    pub drop: Option<unsafe extern "C" fn(*mut Future)>,
}

/// struct trale_await_point
#[repr(C)]
pub struct AwaitPoint {
    pub resume: *const c_void,
    pub expression: *const c_char,
    pub file: *const c_char,
    pub line: i64,
}

/// struct trale_future
#[repr(C)]
pub struct Future {
    pub r#type: *const FutureType,
    pub awaiting: *mut Future,
    pub at: *const AwaitPoint,
    pub result: i64,
}

/// struct trale_wait
#[repr(C)]
pub struct Wait {
    pub waker: *const Waker,
    pub link: Link,
    pub fd: i32,
    pub interest: u16,
    pub ready: u16,
}

/// struct trale_host: of the functions that came later than the first version, a None is one that the runtime lacks.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Host {
    pub size: u32,
    pub abi: u32,
    pub context: *mut c_void,
    pub hints: u32,
    pub reserved: u32,
    pub register_waker: Option<unsafe extern "C" fn(*mut c_void, i32, u32, *mut Wait) -> i32>,
    pub cancel_wait: Option<unsafe extern "C" fn(*mut c_void, *mut Wait) -> i32>,
    pub forget_fd: Option<unsafe extern "C" fn(*mut c_void, i32)>,
    pub spawn: Option<unsafe extern "C" fn(*mut c_void, *mut Future) -> i32>,
    pub log: Option<unsafe extern "C" fn(*mut c_void, u32, *const c_char)>,
    pub start_thread:
        Option<unsafe extern "C" fn(*mut c_void, *mut Thread, *const c_char, ThreadFunction, *mut c_void) -> i32>,
    pub is_idle: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
    pub n_looks: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
    pub interface: Option<unsafe extern "C" fn(*mut c_void, *const c_char, u64) -> *const c_void>,
    pub expect: Option<unsafe extern "C" fn(*mut c_void, *const c_char)>,
    pub observe: Option<unsafe extern "C" fn(*mut c_void, *const Observer, *mut c_void, *mut *const Inspector) -> i32>,
    pub group_word: *mut u64,
}
pub type Thread = usize; // pthread_t
pub type ThreadFunction = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// struct trale_option
#[repr(C)]
pub struct DriverOption {
    pub name: *const c_char,
    pub r#type: u32,
    pub reserved: u32,
    pub minimum: i64,
    pub maximum: i64,
    pub choices: *const c_char,
    pub default_value: *const c_char,
    pub help: *const c_char,
}

/// struct trale_value
#[repr(C)]
pub struct Value {
    pub integer: i64,
    pub text: *const c_char,
    pub line: u32,
    pub reserved: u32,
}

/// struct trale_settings
#[repr(C)]
pub struct Settings {
    pub size: u32,
    pub abi: u32,
    pub section: *const c_char,
    pub values: *const Value,
    pub n_values: u64,
    pub file: *const c_char,
}

/// struct trale_interface
#[repr(C)]
pub struct Interface {
    pub size: u32,
    pub version: u32,
    pub instance: *mut c_void,
}

/// struct trale_driver: `#[no_mangle] pub static trale_driver: Driver`
#[repr(C)]
pub struct Driver {
    pub size: u32,
    pub abi: u32,
    pub option_size: u64,
    pub name: *const c_char,
    pub version: *const c_char,
    pub summary: *const c_char,
    pub interfaces: *const c_char,
    pub layers: *const c_char,
    pub needs: *const c_char,
    pub options: *const DriverOption,
    pub start: unsafe extern "C" fn(*const Host, *const Settings, *mut *mut c_void) -> i32,
    pub stop: unsafe extern "C" fn(*mut c_void),
    pub interface: unsafe extern "C" fn(*mut c_void, *const c_char) -> *const Interface,
    pub before_wait: Option<unsafe extern "C" fn(*mut c_void, u32) -> u64>,
    pub settle: Option<unsafe extern "C" fn(*mut c_void, u64) -> i32>,
    pub demands: u32,
    pub reserved: u32,
}

// They are constants, and all that they point to is constant.
unsafe impl Sync for Driver {}
unsafe impl Sync for DriverOption {}
unsafe impl Sync for FutureType {}

/// A text for C, which ends in "\0".
pub const fn text(text: &'static str) -> *const c_char {
    assert!(text.as_bytes()[text.len() - 1] == 0);
    text.as_ptr() as *const c_char
}

/// trale_host_copy
///
/// # Safety
/// `host` is the argument of start.
#[allow(unsafe_op_in_unsafe_fn)]
pub unsafe fn host_copy(host: *const Host) -> Host {
    let mut own: Host = std::mem::zeroed();
    let size = std::mem::size_of::<Host>().min((*host).size as usize);
    std::ptr::copy_nonoverlapping(host as *const u8, &mut own as *mut Host as *mut u8, size);
    own
}

/// trale_host_expect; the name of the function ends in "\0".
///
/// # Safety
/// `host` is the driver's copy, and its driver was not stopped.
#[allow(unsafe_op_in_unsafe_fn)]
pub unsafe fn host_expect(host: &Host, function: &'static str) {
    if let Some(expect) = host.expect {
        expect(host.context, text(function));
    }
}

/// What a panic becomes: -ENOTRECOVERABLE. None crosses into C.
pub const PANICKED: i64 = -131;

/// Calls a function that may panic.
pub fn catch(function: impl FnOnce() -> i64) -> i64 {
    catch_unwind(AssertUnwindSafe(function)).unwrap_or_else(|payload| {
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(another);
        }
        PANICKED
    })
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |waker| unsafe {
        let waker = waker as *const Waker;
        RawWaker::new(((*(*waker).table).clone)(waker) as *const (), &VTABLE)
    },
    |waker| unsafe { ((*(*(waker as *const Waker)).table).wake)(waker as *const Waker) },
    |waker| unsafe { ((*(*(waker as *const Waker)).table).wake_by_ref)(waker as *const Waker) },
    |waker| unsafe { ((*(*(waker as *const Waker)).table).drop)(waker as *const Waker) },
);

/// A Rust future that is awaited from C. A frame keeps it as one pointer, NULL before the first poll and after the end.
/// It is Send, for with threads = 0 its polls and its drop may be on different threads, one at a time.
pub type Boxed = Pin<Box<dyn std::future::Future<Output = i64> + Send>>;

/// Polls the future in `slot`, which `begin` makes if there is none yet. Its context has the task's waker, lent as in C;
/// a clone of it may be kept and sent to other threads. A result has left nothing in the slot; so has a panic.
///
/// # Safety
/// `context` is that of the poll, and only this function and `release` touch the slot.
#[allow(unsafe_op_in_unsafe_fn)]
pub unsafe fn poll(slot: *mut *mut c_void, context: *mut Context, begin: impl FnOnce() -> Boxed) -> i64 {
    let result = catch(|| {
        if (*slot).is_null() {
            *slot = Box::into_raw(Box::new(begin())) as *mut c_void;
        }
        let lent = std::task::Waker::from_raw(RawWaker::new((*context).waker as *const (), &VTABLE));
        let lent = ManuallyDrop::new(lent);
        match (*(*slot as *mut Boxed)).as_mut().poll(&mut std::task::Context::from_waker(&lent)) {
            Poll::Ready(PENDING) => panic!("a future has resolved to the value of PENDING"),
            Poll::Ready(result) => result,
            Poll::Pending => PENDING,
        }
    });
    if result != PENDING {
        release(slot);
    }
    result
}

/// Drops the future in `slot`, if there is one.
///
/// # Safety
/// As for `poll`.
#[allow(unsafe_op_in_unsafe_fn)]
pub unsafe fn release(slot: *mut *mut c_void) {
    let future = std::mem::replace(&mut *slot, std::ptr::null_mut()) as *mut Boxed;
    catch(|| {
        if !future.is_null() {
            drop(Box::from_raw(future));
        }
        0
    });
}

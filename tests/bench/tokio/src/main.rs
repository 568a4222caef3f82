// SPDX-License-Identifier: MIT
//
//! tokio: TOKIO_THREADS=multi is its multi_thread runtime with two workers, anything else current_thread.

mod bench;
mod stream;

use bench::{Count, Random, Sleeps};
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore};
use tokio::task::yield_now;
use tokio::time::{sleep, sleep_until, timeout};

fn is_multi() -> bool {
    std::env::var("TOKIO_THREADS").map_or(false, |threads| threads == "multi")
}

fn builder() -> Builder {
    let mut builder = if is_multi() { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    builder.worker_threads(2);
    builder
}

fn runtime() -> Runtime {
    builder().enable_all().build().unwrap()
}

/// On a task, so that a multi_thread runtime runs it on a worker.
fn run_on(runtime: Runtime, future: impl Future<Output = ()> + Send + 'static) {
    runtime.block_on(async { tokio::spawn(future).await.unwrap() });
    runtime.shutdown_background();
}

fn run(future: impl Future<Output = ()> + Send + 'static) {
    run_on(runtime(), future);
}

// --- tasks -----------------------------------------------------------------------------------------------------------

fn yields(n: u64) {
    run(async move {
        let start = bench::now_ns();
        let tasks: Vec<_> = (0..n)
            .map(|_| {
                tokio::spawn(async move {
                    for _ in 0..bench::YIELDS / n {
                        yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        bench::print("ns", (bench::now_ns() - start) as f64 / (bench::YIELDS / n * n) as f64);
    });
}

fn spawn(n: u64) {
    run(async move {
        let (start, mut n_done) = (bench::now_ns(), 0);
        let mut tasks = Vec::with_capacity(n as usize);
        while n_done < bench::SPAWNS {
            tasks.extend((0..n).map(|_| tokio::spawn(async {})));
            for task in tasks.drain(..) {
                task.await.unwrap();
            }
            n_done += n;
        }
        bench::print("ns", (bench::now_ns() - start) as f64 / n_done as f64);
    });
}

/// The runtime, driven by a thread of its own, where it has none.
fn driven() -> tokio::runtime::Handle {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    handle
}

fn spawn_outside(n: u64) {
    let handle = driven();
    let (start, mut n_done) = (bench::now_ns(), 0);
    while n_done < bench::SPAWNS {
        let (sender, receiver) = std::sync::mpsc::channel();
        let tasks: Vec<_> = (0..n).map(|_| handle.spawn(async {})).collect();
        handle.spawn(async move {
            for task in tasks {
                task.await.unwrap();
            }
            sender.send(()).unwrap();
        });
        receiver.recv().unwrap();
        n_done += n;
    }
    bench::print("ns", (bench::now_ns() - start) as f64 / n_done as f64);
}

struct PosixSemaphore(std::cell::UnsafeCell<libc::sem_t>);
unsafe impl Sync for PosixSemaphore {}
unsafe impl Send for PosixSemaphore {}

impl PosixSemaphore {
    fn post(&self) {
        unsafe { libc::sem_post(self.0.get()) };
    }

    fn wait(&self) {
        unsafe { while libc::sem_wait(self.0.get()) != 0 {} }
    }
}

fn wake(_: u64) {
    let handle = driven();
    let answered = Arc::new(PosixSemaphore(unsafe { std::mem::zeroed() }));
    unsafe { libc::sem_init(answered.0.get(), 0, 0) };
    let bell = Arc::new(Notify::new());
    let (task_bell, task_answered) = (bell.clone(), answered.clone());
    handle.spawn(async move {
        loop {
            task_bell.notified().await;
            task_answered.post();
        }
    });
    let start = bench::now_ns();
    for _ in 0..bench::WAKES {
        bell.notify_one();
        answered.wait();
    }
    bench::print("ns", (bench::now_ns() - start) as f64 / bench::WAKES as f64);
}

// --- timers ----------------------------------------------------------------------------------------------------------

async fn sleeper(sleeps: &'static Sleeps, after_ns: u64) {
    sleep_until(sleeps.instant(after_ns).into()).await;
    sleeps.woken(after_ns);
}

/// A task has all it needs, its sleep included, from its spawn on; the handle keeps it there.
fn sleeps(n: u64) {
    run(async move {
        let sleeps: &'static Sleeps = Box::leak(Box::new(Sleeps::begin(n as usize)));
        let mut random = Random::new();
        let tasks: Vec<_> =
            (0..n).map(|_| tokio::spawn(sleeper(sleeps, Sleeps::after_ns(&mut random)))).collect();
        sleeps.stand();
        for task in tasks {
            task.await.unwrap();
        }
        sleeps.end();
    });
}

/// A sleep is in the runtime's timer from its first poll on, and taken out when it is dropped.
struct PollOnce<'a, F>(Pin<&'a mut F>);

impl<F: Future> Future for PollOnce<'_, F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        assert!(self.0.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }
}

fn churn(n: u64) {
    run(async move {
        let minute = Duration::from_secs(60);
        let mut others: Vec<_> = (0..n).map(|i| Box::pin(sleep(minute + Duration::from_nanos(i)))).collect();
        for other in &mut others {
            PollOnce(other.as_mut()).await;
        }
        let start = bench::now_ns();
        for _ in 0..bench::CHURNS {
            let sleep = sleep(Duration::from_secs(1));
            tokio::pin!(sleep);
            PollOnce(sleep.as_mut()).await;
        }
        bench::print("ns", (bench::now_ns() - start) as f64 / bench::CHURNS as f64);
        std::process::exit(0);
    });
}

// --- datagrams -------------------------------------------------------------------------------------------------------

async fn echo(socket: std::net::UdpSocket, count: Option<&'static Count>) {
    let socket = UdpSocket::from_std(socket).unwrap();
    let mut buf = [0u8; bench::PAYLOAD];
    loop {
        let (n, from) = socket.recv_from(&mut buf).await.unwrap();
        socket.send_to(&buf[..n], from).await.unwrap();
        if let Some(count) = count {
            count.counted(bench::ECHOES);
        }
    }
}

async fn pinger(to: SocketAddr) {
    let socket = UdpSocket::from_std(bench::socket().0).unwrap();
    let mut buf = [0u8; bench::PAYLOAD];
    let start = bench::now_ns();
    for _ in 0..bench::PINGS {
        socket.send_to(&buf, to).await.unwrap();
        socket.recv_from(&mut buf).await.unwrap();
    }
    bench::print("ns", (bench::now_ns() - start) as f64 / bench::PINGS as f64);
    std::process::exit(0);
}

fn ping(_: u64) {
    run(async {
        let (socket, address) = bench::socket();
        tokio::spawn(echo(socket, None));
        pinger(address).await;
    });
}

fn ping_process(_: u64) {
    let address = bench::echo_server();
    run(pinger(address));
}

static COUNT: Count = Count::new();

fn flood(n: u64) {
    let sockets: Vec<_> = (0..n).map(|_| bench::socket()).collect();
    let addresses: Vec<_> = sockets.iter().map(|(_, address)| *address).collect();
    bench::flood(&addresses);
    run(async {
        for (socket, _) in sockets {
            tokio::spawn(echo(socket, Some(&COUNT)));
        }
        std::future::pending().await
    });
}

const BULK_STEP: u32 = 32;

async fn bulk_receiver(socket: std::net::UdpSocket, room: &'static Semaphore) {
    let socket = UdpSocket::from_std(socket).unwrap();
    let mut buf = [0u8; bench::BULK_BYTES];
    let mut n = 0;
    loop {
        socket.readable().await.unwrap();
        loop {
            match socket.try_recv(&mut buf) {
                Ok(_) => COUNT.counted(bench::BULK),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
            n += 1;
            if n % BULK_STEP == 0 {
                room.add_permits(BULK_STEP as usize);
            }
        }
    }
}

/// At most two steps are on their way: with a worker each, the sender would else send what the kernel drops.
fn bulk(_: u64) {
    run(async {
        let (receiver, address) = bench::socket();
        let sender = UdpSocket::from_std(bench::socket().0).unwrap();
        let room: &'static Semaphore = Box::leak(Box::new(Semaphore::new(2 * BULK_STEP as usize)));
        tokio::spawn(bulk_receiver(receiver, room));
        let buf = [0u8; bench::BULK_BYTES];
        loop {
            if let Ok(permits) = timeout(Duration::from_millis(20), room.acquire_many(BULK_STEP)).await {
                permits.unwrap().forget();
            } // else something got lost: it is sent again
            for _ in 0..BULK_STEP {
                sender.send_to(&buf, address).await.unwrap();
            }
        }
    });
}

fn idle(n: u64) {
    run(async move {
        sleep(Duration::from_millis(1)).await;
        let before = bench::resident_bytes();
        for _ in 0..n {
            let socket = UdpSocket::from_std(bench::socket().0).unwrap();
            tokio::spawn(async move {
                socket.recv_from(&mut []).await.unwrap(); // nothing ever comes: no room is needed
            });
        }
        sleep(Duration::from_millis(200)).await;
        bench::print("bytes", (bench::resident_bytes() - before) as f64 / n as f64);
        std::process::exit(0);
    });
}

fn start(n: u64) {
    let mut builder = builder();
    if n > 0 {
        builder.enable_all();
    }
    run_on(builder.build().unwrap(), async {});
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let workload = arguments.get(1).map_or("", String::as_str);
    let n = arguments.get(2).map_or(1, |n| n.parse().unwrap());
    bench::raise_fd_limit();
    match workload {
        "yield" => yields(n),
        "spawn" => spawn(n),
        "spawn_outside" => spawn_outside(n),
        "wake" => wake(n),
        "sleep" | "sleep_slack" => sleeps(n),
        "churn" => churn(n),
        "ping" => ping(n),
        "ping_process" => ping_process(n),
        "flood" => flood(n),
        "bulk" => bulk(n),
        "idle" => idle(n),
        "start" => start(n),
        "stream_ping" => stream::ping(n),
        "stream_echo" => stream::echoes(n),
        "stream_send" => stream::send(n),
        "stream_recv" => stream::recv(n),
        _ => std::process::exit(77),
    }
}

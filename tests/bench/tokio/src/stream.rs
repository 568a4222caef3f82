// SPDX-License-Identifier: MIT
//
//! TCP, as in ../../stream/stream.h.

use crate::bench::{self, Count};
use crate::run;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as Stream};
use std::os::unix::io::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PINGS: u64 = 200_000;
const ROOM: usize = 4096;
const BLOCK: usize = 65536;
const BLOCKS: u64 = 40_000;
const BUFFER: libc::c_int = 1_048_576;

fn prepare(stream: &Stream) {
    stream.set_nodelay(true).unwrap();
    for option in [libc::SO_SNDBUF, libc::SO_RCVBUF] {
        let size = std::mem::size_of_val(&BUFFER) as libc::socklen_t;
        let value = (&BUFFER as *const libc::c_int).cast();
        let r = unsafe { libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, option, value, size) };
        assert!(r == 0, "setsockopt");
    }
}

/// Two ends, which block.
fn pair() -> (Stream, Stream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = Stream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    prepare(&near);
    prepare(&far);
    (near, far)
}

fn adopt(stream: Stream) -> TcpStream {
    stream.set_nonblocking(true).unwrap();
    TcpStream::from_std(stream).unwrap()
}

static COUNT: Count = Count::new();
static N_PINGS: AtomicU64 = AtomicU64::new(0);

async fn echo(stream: Stream, counts: bool) {
    let mut stream = adopt(stream);
    let mut buf = [0u8; ROOM];
    loop {
        let n = stream.read(&mut buf).await.unwrap();
        stream.write_all(&buf[..n]).await.unwrap();
        if counts {
            COUNT.counted(PINGS);
        }
    }
}

async fn pinger(stream: Stream, start_ns: u64) {
    let mut stream = adopt(stream);
    let mut buf = [0u8; ROOM];
    loop {
        stream.write_all(&buf[..bench::PAYLOAD]).await.unwrap();
        let mut n = 0;
        while n < bench::PAYLOAD {
            n += stream.read(&mut buf[n..]).await.unwrap();
        }
        if N_PINGS.fetch_add(1, Ordering::Relaxed) + 1 == PINGS {
            bench::print("ns", (bench::now_ns() - start_ns) as f64 / PINGS as f64);
            std::process::exit(0);
        }
    }
}

pub fn ping(n: u64) {
    let pairs: Vec<_> = (0..n).map(|_| pair()).collect();
    run(async {
        let start_ns = bench::now_ns();
        for (near, far) in pairs {
            tokio::spawn(echo(far, false));
            tokio::spawn(pinger(near, start_ns));
        }
        std::future::pending().await
    });
}

/// As bench_stream_clients in stream.h.
fn clients(n: u64) -> Vec<Stream> {
    let (near, far): (Vec<_>, Vec<_>) = (0..n).map(|_| pair()).unzip();
    if !bench::fork() {
        return near;
    }
    drop(near);
    let mut bytes = [0u8; bench::PAYLOAD];
    unsafe {
        let epoll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
        for mut stream in &far {
            let fd = stream.as_raw_fd();
            let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: fd as u64 };
            assert!(libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) == 0);
            stream.write_all(&bytes).unwrap();
        }
        let mut events: [libc::epoll_event; 128] = std::mem::zeroed();
        loop {
            let n_events = libc::epoll_wait(epoll, events.as_mut_ptr(), 128, -1);
            for event in events.iter().take(n_events.max(0) as usize) {
                let (fd, buf) = (event.u64 as libc::c_int, bytes.as_mut_ptr().cast());
                if libc::read(fd, buf, bench::PAYLOAD) <= 0 || libc::write(fd, buf, bench::PAYLOAD) < 0 {
                    libc::_exit(0);
                }
            }
        }
    }
}

pub fn echoes(n: u64) {
    let streams = clients(n);
    run(async {
        for stream in streams {
            tokio::spawn(echo(stream, true));
        }
        std::future::pending().await
    });
}

/// As bench_stream_part in stream.h.
fn part(is_other: bool) {
    unsafe {
        let mut all: libc::cpu_set_t = std::mem::zeroed();
        let size = std::mem::size_of_val(&all);
        if libc::sched_getaffinity(0, size, &mut all) < 0 || libc::CPU_COUNT(&all) < 2 {
            return;
        }
        let last = (0..libc::CPU_SETSIZE as usize).filter(|i| libc::CPU_ISSET(*i, &all)).last().unwrap();
        let mut own = all;
        libc::CPU_CLR(last, &mut own);
        if is_other {
            own = std::mem::zeroed();
            libc::CPU_SET(last, &mut own);
        }
        assert!(libc::sched_setaffinity(0, size, &own) == 0, "sched_setaffinity");
    }
}

/// As bench_stream_process in stream.h.
fn process(writes: bool) -> Stream {
    let (near, mut far) = pair();
    let is_other = bench::fork();
    part(is_other);
    if is_other {
        drop(near);
        let mut block = vec![0u8; BLOCK];
        loop {
            let n = if writes { far.write(&block) } else { far.read(&mut block) };
            if n.map_or(true, |n| n == 0) {
                std::process::exit(0);
            }
        }
    }
    near
}

pub fn send(_: u64) {
    let near = process(false);
    run(async {
        let mut near = adopt(near);
        let block = vec![0u8; BLOCK];
        loop {
            near.write_all(&block).await.unwrap();
            COUNT.counted(BLOCKS);
        }
    });
}

pub fn recv(_: u64) {
    let near = process(true);
    run(async {
        let mut near = adopt(near);
        let mut block = vec![0u8; BLOCK];
        let mut n_bytes = 0;
        loop {
            n_bytes += near.read(&mut block).await.unwrap();
            if n_bytes >= BLOCK {
                n_bytes -= BLOCK;
                COUNT.counted(BLOCKS);
            }
        }
    });
}

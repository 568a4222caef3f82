// SPDX-License-Identifier: MIT
//
//! What bench.h is to the others: clocks, memory, random numbers, the other end of a conversation, and the form in
//! which a figure is printed.

use std::mem::{size_of, zeroed};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub const YIELDS: u64 = 4_000_000;
pub const SPAWNS: u64 = 1_000_000;
pub const WAKES: u64 = 20_000;
pub const CHURNS: u64 = 2_000_000;
pub const PINGS: u64 = 100_000;
pub const ECHOES: u64 = 400_000;
pub const BULK: u64 = 400_000;
pub const PAYLOAD: usize = 32;
pub const BULK_BYTES: usize = 1200;
pub const WINDOW: usize = 256;

pub fn print(figure: &str, value: f64) {
    println!("{figure} {value}");
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut now: libc::timespec = unsafe { zeroed() };
    unsafe { libc::clock_gettime(clock, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

pub fn now_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

pub fn cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_PROCESS_CPUTIME_ID)
}

pub fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64
}

pub struct Random(u64);

impl Random {
    pub fn new() -> Random {
        Random(0x9e37_79b9_7f4a_7c15)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

pub fn raise_fd_limit() {
    unsafe {
        let mut limit: libc::rlimit = zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
}

// --- sleeps ----------------------------------------------------------------------------------------------------------

pub struct Sleeps {
    n_woken: AtomicU64,
    n_early: AtomicU64,
    late_ns: Vec<AtomicU64>,
    base_ns: u64,
    base: Instant,
    start_cpu_ns: u64,
    start_bytes: u64,
    standing_bytes: AtomicU64,
}

impl Sleeps {
    pub fn begin(n: usize) -> Sleeps {
        let late_ns = (0..n).map(|_| AtomicU64::new(u64::MAX)).collect();
        let start_bytes = resident_bytes();
        let start_cpu_ns = cpu_ns();
        // How long all of them have to be made before the first ends.
        let lead = Duration::from_secs(1) + Duration::from_micros(2) * n as u32;
        Sleeps {
            n_woken: AtomicU64::new(0),
            n_early: AtomicU64::new(0),
            late_ns,
            base_ns: now_ns() + lead.as_nanos() as u64,
            base: Instant::now() + lead,
            start_cpu_ns,
            start_bytes,
            standing_bytes: AtomicU64::new(0),
        }
    }

    /// The next deadline after the base, in nanoseconds.
    pub fn after_ns(random: &mut Random) -> u64 {
        random.next() % 2_000_000_000
    }

    pub fn instant(&self, after_ns: u64) -> Instant {
        self.base + Duration::from_nanos(after_ns)
    }

    pub fn woken(&self, after_ns: u64) {
        let (now, deadline) = (now_ns(), self.base_ns + after_ns);
        if now < deadline {
            self.n_early.fetch_add(1, Ordering::Relaxed);
        }
        let i = self.n_woken.fetch_add(1, Ordering::Relaxed) as usize;
        self.late_ns[i].store(now.saturating_sub(deadline), Ordering::Relaxed);
    }

    pub fn stand(&self) {
        self.standing_bytes.store(resident_bytes(), Ordering::Relaxed);
    }

    pub fn end(&self) {
        let n = self.late_ns.len();
        print("cpu_ns", (cpu_ns() - self.start_cpu_ns) as f64 / n as f64);
        let grown = self.standing_bytes.load(Ordering::Relaxed) - self.start_bytes;
        print("bytes", grown as f64 / n as f64);
        let mut late: Vec<u64> = self.late_ns.iter().map(|ns| ns.load(Ordering::Relaxed)).collect();
        late.sort_unstable();
        print("late_p50_us", late[n / 2] as f64 / 1e3);
        print("late_p99_us", late[n - n / 100 - 1] as f64 / 1e3);
        print("late_max_us", late[n - 1] as f64 / 1e3);
        print("early", self.n_early.load(Ordering::Relaxed) as f64);
    }
}

// --- the other end, in a process of its own -------------------------------------------------------------------------

pub fn socket() -> (std::net::UdpSocket, SocketAddr) {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// True in the child, which ends with the parent. To be called before threads are made.
pub fn fork() -> bool {
    unsafe {
        let parent = libc::getpid();
        let child = libc::fork();
        assert!(child >= 0, "fork");
        if child == 0 && (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 || libc::getppid() != parent) {
            libc::_exit(1);
        }
        child == 0
    }
}

pub fn echo_server() -> SocketAddr {
    let (socket, address) = socket();
    socket.set_nonblocking(false).unwrap();
    if fork() {
        let mut buf = [0u8; 2048];
        loop {
            if let Ok((n, from)) = socket.recv_from(&mut buf) {
                let _ = socket.send_to(&buf[..n], from);
            }
        }
    }
    address
}

fn raw_address(address: &SocketAddr) -> libc::sockaddr_in {
    let address = match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => panic!("not IPv4"),
    };
    let mut raw: libc::sockaddr_in = unsafe { zeroed() };
    raw.sin_family = libc::AF_INET as libc::sa_family_t;
    raw.sin_port = address.port().to_be();
    raw.sin_addr.s_addr = u32::from(*address.ip()).to_be();
    raw
}

/// As bench_flood in bench.h.
pub fn flood(addresses: &[SocketAddr]) {
    use std::os::unix::io::AsRawFd;
    const BATCH: usize = 32;
    let mut raw: Vec<libc::sockaddr_in> = addresses.iter().map(raw_address).collect();
    if !fork() {
        return;
    }
    let (socket, _) = socket();
    let fd = socket.as_raw_fd();
    let mut bytes = [[0u8; PAYLOAD]; BATCH];
    unsafe {
        let mut vectors: [libc::iovec; BATCH] = zeroed();
        let mut outgoing: [libc::mmsghdr; BATCH] = zeroed();
        let mut incoming: [libc::mmsghdr; BATCH] = zeroed();
        for i in 0..BATCH {
            vectors[i] = libc::iovec { iov_base: bytes[i].as_mut_ptr().cast(), iov_len: PAYLOAD };
            for message in [&mut outgoing[i], &mut incoming[i]] {
                message.msg_hdr.msg_iov = &mut vectors[i];
                message.msg_hdr.msg_iovlen = 1;
            }
            outgoing[i].msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
        }
        let (mut next, mut n_under_way) = (0usize, 0usize);
        loop {
            while n_under_way + BATCH <= WINDOW {
                for message in outgoing.iter_mut() {
                    let i = next % raw.len();
                    message.msg_hdr.msg_name = (&mut raw[i] as *mut libc::sockaddr_in).cast();
                    next += 1;
                }
                let sent = libc::sendmmsg(fd, outgoing.as_mut_ptr(), BATCH as u32, 0);
                if sent <= 0 {
                    break;
                }
                n_under_way += sent as usize;
            }
            let mut readable = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            if libc::poll(&mut readable, 1, 20) == 0 {
                n_under_way = 0;
            }
            let received = libc::recvmmsg(fd, incoming.as_mut_ptr(), BATCH as u32, 0, std::ptr::null_mut());
            if received > 0 {
                n_under_way = n_under_way.saturating_sub(received as usize);
            }
        }
    }
}

pub struct Count {
    n: AtomicU64,
    start_ns: AtomicU64,
    start_cpu_ns: AtomicU64,
}

impl Count {
    pub const fn new() -> Count {
        Count { n: AtomicU64::new(0), start_ns: AtomicU64::new(0), start_cpu_ns: AtomicU64::new(0) }
    }

    /// As bench_counted in bench.h; ends the process.
    pub fn counted(&self, total: u64) {
        let n = self.n.fetch_add(1, Ordering::Relaxed) + 1;
        if n == total / 10 {
            self.start_ns.store(now_ns(), Ordering::Relaxed);
            self.start_cpu_ns.store(cpu_ns(), Ordering::Relaxed);
        }
        if n == total {
            let counted = (total - total / 10) as f64;
            print("per_second", counted * 1e9 / (now_ns() - self.start_ns.load(Ordering::Relaxed)) as f64);
            print("cpu_ns", (cpu_ns() - self.start_cpu_ns.load(Ordering::Relaxed)) as f64 / counted);
            std::process::exit(0);
        }
    }
}

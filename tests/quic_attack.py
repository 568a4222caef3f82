#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sends to the QUIC server of the examples what no client sends.

quic_attack.py noise ADDRESS           datagrams of all kinds that are none of QUIC's, or broken
quic_attack.py flood ADDRESS N         first packets of N connections, each from a port of its own; what comes back is
                                       less than what was sent
quic_attack.py relay ADDRESS COMMAND   runs a client, of which one datagram alone reaches the server; what comes
                                       back is at most three times as long
quic_attack.py give COMMAND            runs a server with a socket as a service manager does
"""
import os
import random
import select
import socket
import subprocess
import sys


def udp():
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind(("127.0.0.1", 0))
    return found


def long_header(first, version, destination, source, rest):
    return (bytes([first]) + version.to_bytes(4, "big") + bytes([len(destination)]) + destination + bytes([len(source)])
            + source + rest)


def initial(draw, size=1200, token=b""):
    """Looks like a client's first packet, but nobody has encrypted it."""
    head = long_header(0xc0 | draw.randrange(16), 1, draw.randbytes(8), draw.randbytes(8), bytes([len(token)]) + token)
    n = size - len(head) - 2
    return head + (0x4000 | n).to_bytes(2, "big") + draw.randbytes(n)


def noise(server):
    draw = random.Random(1)
    sender = udp()
    for n in (0, 1, 8, 20, 21, 255):
        for version in (0, 1, 0x6b3343cf, 0x0a0a0a0a, 0xffffffff):
            for size in (0, 20, 1190):
                sender.sendto(long_header(0xc0, version, bytes(n), bytes(n), bytes(size)), server)
    for first in range(256):
        sender.sendto(bytes([first]) + draw.randbytes(draw.randrange(1400)), server)
        broken = bytearray(initial(draw, token=draw.randbytes(draw.randrange(64))))
        broken[draw.randrange(40)] = first
        sender.sendto(broken[:draw.randrange(1, len(broken) + 1)], server)
        sender.sendto(bytes([first]), server)
        sender.sendto(initial(draw, token=b"\xb6" + draw.randbytes(60)), server)


def flood(server, n):
    draw = random.Random(2)
    senders = [udp() for _ in range(n)]
    n_sent = n_received = 0
    for sender in senders:
        n_sent += sender.sendto(initial(draw), server)
    while ready := select.select(senders, [], [], 1)[0]:
        for sender in ready:
            n_received += len(sender.recv(65536))
    print(f"{n_sent} bytes sent, {n_received} received")
    return n_received < n_sent


def relay(server, command):
    front, back = udp(), udp()
    client = subprocess.Popen(command[:-1] + [f"127.0.0.1:{front.getsockname()[1]}", command[-1]])
    n_sent = n_received = 0
    try:
        if not select.select([front], [], [], 60)[0]:
            return False
        n_sent = back.sendto(front.recv(65536), server)
        while select.select([back], [], [], 2)[0]:
            n_received += len(back.recv(65536))
    finally:
        client.kill()
        client.wait()
    print(f"{n_sent} bytes sent, {n_received} received")
    return 0 < n_received <= 3 * n_sent


def give(command):
    passed = udp()
    os.dup2(passed.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
    os.execv(command[0], command)


def main(what, *arguments):
    if what == "give":
        give(list(arguments))
    host, port = arguments[0].rsplit(":", 1)
    server = (host, int(port))
    if what == "noise":
        noise(server)
    elif what == "flood":
        return 0 if flood(server, int(arguments[1])) else 1
    else:
        return 0 if relay(server, list(arguments[1:])) else 1
    return 0


sys.exit(main(*sys.argv[1:]))

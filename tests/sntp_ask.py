#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks an SNTP server byte by byte: sntp_ask.py ADDRESS PORT QUESTION. Exits with 1 if an answer is not as it must be."""

import os
import random
import socket
import struct
import sys
import time

EPOCH = 2208988800  # seconds from 1900 to 1970
address, port, question = sys.argv[1], int(sys.argv[2]), sys.argv[3]
client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(60)
client.connect((address, port))


def request(head=4 << 3 | 3, nonce=1, poll=6):
    return bytes([head, 9, poll]) + bytes(37) + struct.pack(">Q", nonce)


def answer():
    packet = client.recv(65536)
    assert len(packet) == 48, f"an answer of {len(packet)} bytes"
    return packet


def nonce_of(packet):
    return struct.unpack(">Q", packet[24:32])[0]


def ask(packet=request()):
    client.send(packet)
    return answer()


def versions():
    """Each version has the same answer, of that version, with the settings' words about the clock, and good times."""
    for version, mode in (1, 0), (1, 3), (2, 3), (3, 3), (4, 3):
        before = time.time()
        client.send(request(version << 3 | mode, version))
        packet = answer()
        after = time.time()
        assert packet[:16].hex() == f"{version << 3 | 4:02x}0206e80001800000028000" + "c0000201", packet[:16].hex()
        assert nonce_of(packet) == version
        reference, received, sent = (struct.unpack(">Q", packet[i : i + 8])[0] / 2**32 - EPOCH for i in (16, 32, 40))
        # The numbers are as exact as a double is: a microsecond or so.
        assert before - 1e-5 <= received <= sent + 1e-5 and sent <= after + 1e-5, (before, received, sent, after)
        assert reference <= received


def ignored():
    """What is no request gets no answer: the first that comes is that of the request at the end."""
    for version in range(8):
        for mode in range(8):
            if (mode != 3 or version not in (1, 2, 3, 4)) and (mode, version) != (0, 1):
                client.send(request(version << 3 | mode, 2))
    for size in range(48):
        client.send(request(nonce=2)[:size])
    client.send(request(nonce=3))
    assert nonce_of(answer()) == 3


def lengths():
    """What follows the packet is ignored, and the answer is no longer than without it."""
    for size in 1, 4, 20, 24, 100, 1400, 60000:
        client.send(request(nonce=size) + os.urandom(size))
        assert nonce_of(answer()) == size


def at_once():
    """More requests than a batch has, with junk between them: each has its own answer."""
    for i in range(150):
        client.send(b"junk" if i % 3 == 0 else request(nonce=i))
    found = [nonce_of(answer()) for i in range(150) if i % 3]
    assert found == [i for i in range(150) if i % 3], found


def noise():
    draw = random.Random(1)
    for _ in range(500):
        client.send(draw.randbytes(draw.choice((0, 1, 47, 48, 49, 68, 1000))))


def limited():
    """Three are answered, the fourth is refused, and then there is silence, whatever the port."""
    global client
    for _ in range(3):
        assert ask()[1] == 2
    packet = ask(request(nonce=7, poll=3))
    assert packet[0] == 3 << 6 | 4 << 3 | 4 and packet[1] == 0 and packet[12:16] == b"RATE", packet.hex()
    assert packet[2] == 12, "3600 s are no more than 2 to the power of 12"
    assert nonce_of(packet) == 7
    for _ in range(5):
        client.send(request())
    client = socket.socket(client.family, socket.SOCK_DGRAM)
    client.connect((address, port))
    client.send(request())


def stratum():
    print(ask()[1])


globals()[question]()

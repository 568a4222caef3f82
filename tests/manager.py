#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays a service manager: manager.py NAME, a path or, with "@", an abstract name. Prints each datagram that comes to
that Unix socket, with commas between its lines and N for the digits of a time."""

import re
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1].replace("@", "\0", 1) if sys.argv[1].startswith("@") else sys.argv[1])
print("manager listens", sys.argv[1], flush=True)
while True:
    text = listener.recv(4096).decode().strip().replace("\n", ",")
    print(re.sub("(MONOTONIC_USEC=)[1-9][0-9]*", r"\1N", text), flush=True)

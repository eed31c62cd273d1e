"""Ports for what tests start: outgoing connections are given none of them, and no other run takes one meanwhile."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator

PORTS = range(10_000, 32_000)  # the kernel gives outgoing connections those from 32768 on
_register = os.open(f"{tempfile.gettempdir()}/shop-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT, 0o600)


def _unused() -> Iterator[int]:
    """Each port once, locked in a file that all runs share until this process ends."""
    for port in random.Random().sample(PORTS, len(PORTS)):
        try:
            fcntl.lockf(_register, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        yield port


_ports = _unused()


def free_port() -> int:
    """A port that nobody listens on, and that is this process's own from now on."""
    return next(_ports)


def free_ports(count: int) -> list[int]:
    """So many of them."""
    return [free_port() for _ in range(count)]

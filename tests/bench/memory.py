"""What the gateway's memory does over very many requests, and over very large bodies."""

import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import repeat
from pathlib import Path

from tests.bench import cores, nginx, shop
from tests.bench.figures import Figure
from tests.bench.load import load
from tests.bench.processes import Running
from tests.bench.rounds import Effort

FLAT = 1.10
PIECE = 1024 * 1024
LARGEST_UPLOAD = 10 * 1024 * 1024
MEBI = 1024**2


def requests(directory: Path, effort: Effort) -> Iterator[Figure]:
    """Resident memory from the first tenth of a million requests to the last."""
    with nginx.service(directory) as service, shop.gateway(directory, service) as ours:
        served = _load(ours, effort.requests / 10)
        before = ours.memory
        while served < effort.requests:
            served += _load(ours, effort.requests / 10)
        grown = ours.memory / before
    note = f"{before / MEBI:.0f} MiB after a tenth of {served:,.0f} requests"
    yield Figure("memory after all requests ÷ after a tenth", grown, wanted=FLAT, at_most=True, note=note)


def streams(directory: Path, effort: Effort) -> Iterator[Figure]:
    """Resident memory while bodies are streamed down and up."""
    with (directory / "large").open("wb") as large:
        large.truncate(effort.stream_bytes)
    with nginx.service(directory) as service, shop.gateway(directory, service) as ours:
        _load(ours, 2000)
        for way, stream in (("down", _download), ("up", _upload)):
            before = ours.memory
            most = max(stream(ours, effort.stream_bytes))
            note = f"{before / MEBI:.0f} MiB before; {effort.stream_bytes / MEBI:,.0f} MiB streamed"
            yield Figure(f"memory while streaming {way} ÷ before", most / before, wanted=FLAT, at_most=True, note=note)


def _load(ours: Running, wanted: float) -> float:
    served = 0.0
    while served < wanted:
        sample = load(ours, nginx.FAST, 2)
        served += sample.rate * 2
    return served


def _download(ours: Running, size: int) -> Iterator[int]:
    """The memory seen while one large body comes down."""
    with cores.on(cores.LOAD), socket.create_connection(("127.0.0.1", ours.port), timeout=60) as client:
        client.sendall(f"GET {nginx.LARGE} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n".encode())
        room, received, looked = bytearray(PIECE), 0, 0
        while count := client.recv_into(room):
            received += count
            if received - looked > 16 * PIECE:
                looked = received
                yield ours.memory
    assert received > size, f"{received} of {size} bytes came down"
    yield ours.memory


def _upload(ours: Running, size: int) -> Iterator[int]:
    """The memory seen while bodies go up, one after the other, each as large as the gateway takes."""
    piece = bytes(PIECE)
    with cores.on(cores.LOAD):
        client = HTTPConnection("127.0.0.1", ours.port, timeout=60)
        for _ in range(0, size, LARGEST_UPLOAD):
            body = repeat(piece, LARGEST_UPLOAD // PIECE)
            client.request("POST", nginx.UPLOAD, body, {"Content-Length": str(LARGEST_UPLOAD)})
            answer = client.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
            yield ours.memory
        client.close()

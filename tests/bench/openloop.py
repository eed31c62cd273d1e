"""An open loop of clients: they come at their own pace, whether the ones before have been answered or not."""

import errno
import re
import select
import socket
import time
from collections import Counter, deque
from dataclasses import dataclass
from statistics import quantiles

from tests.bench import cores
from tests.bench.processes import Running

PATIENCE_SECONDS = 1.0
REFUSED = 503
MOST_CONNECTIONS = 1000
# Before anything counts: until then the first clients have been answered or have gone.
LEAD_SECONDS = 1.0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Outcome:
    """What became of the clients: good answers a second, and the milliseconds from wanting one to having it.

    `refused` are the milliseconds after which all but one in a hundred of those who were refused knew it, `late` those
    by which all but one in a hundred came later than they wanted to, for want of a processor: both are within `p99`.
    """

    offered: float
    good: float
    p50: float
    p99: float
    refused: float
    late: float
    answers: Counter[str]
    load_busy: float


class Caller:
    """One connection, which serves one client at a time."""

    def __init__(self, place: tuple[str, int]) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.wanted_at = 0.0
        self.waits = False
        self._received = b""
        self._unsent = b""
        if self.socket.connect_ex(place) not in (0, errno.EINPROGRESS):
            raise ConnectionError("no connection could be begun")

    def ask(self, request: bytes, wanted_at: float) -> None:
        """Send the request of a client who wanted it at this time, now or when the connection is there."""
        self.wanted_at, self.waits, self._received, self._unsent = wanted_at, True, b"", request
        self.go_on()

    def go_on(self) -> None:
        """Send what could not be sent before."""
        if self._unsent:
            try:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
            except BlockingIOError:
                return

    def hear(self) -> int | None:
        """The status of an answer that has come in whole, 0 for a connection that ended, or None for not yet."""
        data = self.socket.recv(65536)
        if not data:
            return 0
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return None
        length = LENGTH.search(head)
        return int(head[9:12]) if len(body) >= int(length[1] if length else 0) else None


class OpenLoop:
    """So many clients a second for so many seconds, each of whom goes away when it has waited too long."""

    def __init__(self, target: Running, path: str, rate: float, seconds: float) -> None:
        self._place = ("127.0.0.1", target.port)
        self._request = f"GET {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n".encode()
        self._rate, self._seconds = rate, seconds
        self._poll = select.epoll()
        self._callers: dict[int, Caller] = {}
        self._free: list[Caller] = []
        self._waiting: deque[tuple[float, Caller]] = deque()
        self._answers: Counter[str] = Counter()
        self._times: list[float] = []
        self._refusals: list[float] = []
        self._lateness: list[float] = []
        self._counts_from = 0.0

    def run(self) -> Outcome:
        """Let them come, and say what became of them."""
        with cores.on(cores.LOAD):
            meter, began, come = cores.Meter(cores.LOAD), time.perf_counter(), 0
            self._counts_from = began + LEAD_SECONDS
            while (now := time.perf_counter()) < self._counts_from + self._seconds:
                for wanted_at in due(come, now - began, self._rate):
                    self._arrive(began + wanted_at)
                    come += 1
                self._listen()
                self._leave()
            busy = meter.share()
        for caller in list(self._callers.values()):
            self._forget(caller)
        self._poll.close()
        p50, p99 = _middle_and_end(self._times)
        _, refused = _middle_and_end(self._refusals)
        _, late = _middle_and_end(self._lateness)
        return Outcome(self._rate, len(self._times) / self._seconds, p50, p99, refused, late, self._answers, busy)

    def _arrive(self, wanted_at: float) -> None:
        if wanted_at >= self._counts_from:
            self._lateness.append((time.perf_counter() - wanted_at) * 1000)
        caller = self._free.pop() if self._free else self._connected()
        if caller is None:
            self._answers["no connection"] += 1
            return
        self._waiting.append((wanted_at, caller))
        try:
            caller.ask(self._request, wanted_at)
        except OSError:
            self._end(caller, "connection lost")

    def _connected(self) -> Caller | None:
        if len(self._callers) >= MOST_CONNECTIONS:
            return None
        caller = Caller(self._place)
        self._callers[caller.socket.fileno()] = caller
        self._poll.register(caller.socket, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        return caller

    def _listen(self) -> None:
        for number, events in self._poll.poll(0.001):
            caller = self._callers.get(number)
            if caller is not None:
                self._attend(caller, events)

    def _attend(self, caller: Caller, events: int) -> None:
        try:
            if events & select.EPOLLOUT and caller.waits:
                caller.go_on()
            if events & ~select.EPOLLOUT:
                self._answered(caller, caller.hear())
        except BlockingIOError:
            return
        except OSError:
            self._end(caller, "connection lost")

    def _answered(self, caller: Caller, status: int | None) -> None:
        if status is None:
            return
        if not status:
            self._end(caller, "connection lost")
            return
        if caller.waits:
            self._note(status, time.perf_counter() - caller.wanted_at)
        caller.waits = False
        self._free.append(caller)

    def _note(self, status: int, took: float) -> None:
        if time.perf_counter() < self._counts_from:
            return
        self._answers[str(status) if took <= PATIENCE_SECONDS else "too late"] += 1
        if 200 <= status < 300 and took <= PATIENCE_SECONDS:
            self._times.append(took * 1000)
        elif status == REFUSED:
            self._refusals.append(took * 1000)

    def _leave(self) -> None:
        too_long = time.perf_counter() - PATIENCE_SECONDS
        while self._waiting and self._waiting[0][0] < too_long:
            wanted_at, caller = self._waiting.popleft()
            if caller.waits and caller.wanted_at == wanted_at:
                self._end(caller, "too late")

    def _end(self, caller: Caller, why: str) -> None:
        if caller.waits:
            self._answers[why] += 1
        elif caller in self._free:
            self._free.remove(caller)
        self._forget(caller)

    def _forget(self, caller: Caller) -> None:
        caller.waits = False
        self._callers.pop(caller.socket.fileno(), None)
        caller.socket.close()


def due(come: int, elapsed: float, rate: float) -> list[float]:
    """When each of the next wanted to come whose time it is by now, in seconds from the beginning."""
    return [number / rate for number in range(come + 1, int(elapsed * rate) + 1)]


def _middle_and_end(times: list[float]) -> tuple[float, float]:
    if len(times) < 2:
        return 0.0, 0.0
    cut = quantiles(times, n=100)
    return cut[49], cut[98]

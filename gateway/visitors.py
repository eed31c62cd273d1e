"""A client's connection: its requests are read and answered one after the other, and a slow client holds up nobody."""

import math
import socket
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from chassis import health
from chassis.headers import ALWAYS
from chassis.problems import Problem
from gateway.bodies import ONE_PIECE
from gateway.forwarded import Peer
from gateway.heads import LARGEST_HEAD, LARGEST_LINE, Reader, Refused, Request
from gateway.streams import PLENTY, Stream

if TYPE_CHECKING:
    from gateway.errands import Errand
    from gateway.proxy import Proxy

HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 10.0
LEAST_PACE: Final = 16 * 1024
KEEP_ALIVE_SECONDS: Final = 65.0
STALLED_SECONDS: Final = 10.0
LINGER_SECONDS: Final = 1.0
HALF_CLOSED_SECONDS: Final = 0.5
LAST_CALL_SECONDS: Final = 0.5
HEAD_END: Final = b"\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
SERVER: Final = f"Server: {ALWAYS['Server']}\r\n".encode()
STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Visitor(Stream):
    """One client's connection to the gateway."""

    is_client = True

    def __init__(self, proxy: "Proxy", connected: socket.socket, peer: Peer) -> None:
        super().__init__(proxy.loop, connected)
        self.peer = peer
        self.request: Request | None = None
        self.errand: Errand | None = None
        self.reader = Reader()
        self.due = self.loop.now + HEAD_SECONDS
        self._proxy = proxy
        self._buffer = b""
        self._is_reading = False
        self._is_chunked = False
        self._is_leaving = False
        self._is_turned_away = False
        self._body_due = math.inf
        proxy.visitors.add(self)
        proxy.idle[self] = None

    # What the network says.

    def on_data(self, data: bytes) -> None:
        if self._is_leaving:
            return
        if self.request is None:
            self._buffer = self._buffer + data if self._buffer else data
            self._read_on()
        elif not self.reader.complete:
            self._take_body(data)
        else:
            self._buffer += data
            if len(self._buffer) > LARGEST_HEAD:
                self.hold()

    def on_end(self) -> None:
        self.hold()
        if self.request is None or self._is_leaving or (self.errand is not None and not self.reader.complete):
            self.close()
        elif not self.unsent:
            # It may only have said all that it had to say. Nobody waits long for that.
            self.due = self.loop.now + (HALF_CLOSED_SECONDS if self.errand is not None else STALLED_SECONDS)

    def send_now(self) -> None:
        super().send_now()
        if self.unsent:
            self._proxy.idle.pop(self, None)
            self.due = min(self.due, self.loop.now + STALLED_SECONDS)

    def on_drained(self) -> None:
        if self._is_leaving:
            self._shut()
        elif self.unsent:
            self.due = self.loop.now + STALLED_SECONDS
        elif self.errand is not None:
            self.due = math.inf
        elif self.request is None:
            self._proxy.idle[self] = None
        if self.unsent < PLENTY // 2:
            if self.errand is not None:
                self.errand.taken()
            elif self.request is None and not self._is_leaving:
                self.go_on()
                self._read_on()

    def on_broken(self) -> None:
        # Its end may have been read before, or not be read at all. Not at once: somebody is just sending.
        self.loop.ask(self.close)

    def on_due(self) -> None:
        if self._waits_for_desk:
            self.due = math.inf
        elif self.errand is not None and not self.reader.complete and not self.unsent:
            self.refuse(Problem(408, "too-slow", "The body did not come in time."))
        else:
            self.close()

    def close(self) -> None:
        self.send_now()
        super().close()
        self._proxy.visitors.discard(self)
        self._proxy.idle.pop(self, None)
        errand, self.errand = self.errand, None
        if errand is not None:
            errand.abandon()

    # What is said to the client.

    def answer(self, status: int, lines: list[bytes], body: list[bytes]) -> None:
        """Send a whole answer; `lines` are the lines of its head without those that are for this connection alone."""
        keeps = self._keeps
        head = [STATUS_LINES.get(status) or _status_line(status), *lines, self._last_lines(keeps)]
        if sum(map(len, body)) <= ONE_PIECE:
            whole = b"".join(head + body)
            if keeps:
                self.send_soon(whole)
            else:
                self.send(whole)
        else:
            self.send(b"".join(head))
            for piece in body:
                self.send(memoryview(piece))
        self._go_on(keeps)

    def begin(self, status: int, lines: list[bytes], *, has_length: bool) -> None:
        """Send the head of an answer whose body follows in pieces."""
        assert self.request is not None
        self._is_chunked = not has_length and self.request.version == "1.1"
        if self._is_chunked:
            lines.append(b"Transfer-Encoding: chunked\r\n")
        elif not has_length:
            self.request.keep_alive = False
        self.send(b"".join((STATUS_LINES.get(status) or _status_line(status), *lines, self._last_lines(self._keeps))))

    def pass_on(self, pieces: list[bytes]) -> bool:
        """Send more of the body; is the client still able to follow?"""
        if pieces:
            data = b"".join(pieces)
            self.send(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
        if self.unsent:
            self.due = min(self.due, self.loop.now + STALLED_SECONDS)
        return self.unsent <= PLENTY

    def finish(self) -> None:
        """The answer has been sent; go on with the next request, or hang up."""
        if self._is_chunked:
            self.send(b"0\r\n\r\n")
            self._is_chunked = False
        self._go_on(self._keeps)

    def _go_on(self, keeps: bool) -> None:
        self.errand = None
        if not keeps:
            self._hang_up()
            return
        self.request = None
        if self.unsent:
            self.due = self.loop.now + STALLED_SECONDS
        else:
            self.due = self.loop.now + KEEP_ALIVE_SECONDS
            self._proxy.idle[self] = None
        self.go_on()
        if self._buffer:
            self._read_on()

    def refuse(self, problem: Problem) -> None:
        """Say no to what is under way."""
        errand, self.errand = self.errand, None
        if errand is not None:
            errand.drop()
        self._proxy.say_no(self, problem, errand)

    @property
    def has_spoken(self) -> bool:
        """Has it sent something that has not been read yet?"""
        try:
            return bool(self._recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def leave_if_idle(self) -> None:
        """The gateway is about to stop: hang up soon, unless an answer is due."""
        if self.request is None:
            self.due = min(self.due, self.loop.now + LAST_CALL_SECONDS)

    def turn_away(self) -> None:
        """What is under way was no good request: read nothing more."""
        errand, self.errand = self.errand, None
        if errand is not None:
            errand.drop()
        self._is_turned_away = True

    def hold_body(self) -> None:
        """The service takes the body more slowly than it comes."""
        self.hold()
        self.due = math.inf

    def take_more_body(self) -> None:
        """The service takes more."""
        self.due = self._body_due = self.loop.now + BODY_SECONDS
        self.go_on()

    @property
    def _waits_for_desk(self) -> bool:
        """Is a page of the gateway's own on its way?"""
        return self.request is not None and self.errand is None and not self._is_leaving and not self.unsent

    @property
    def _keeps(self) -> bool:
        request, reader = self.request, self.reader
        return (
            request is not None
            and request.keep_alive
            and reader.complete
            and not reader.overran
            and not self._is_turned_away
            and not health.leaving.is_set()
        )

    def _last_lines(self, keeps: bool) -> bytes:
        """The lines of a head that are for this connection alone."""
        if not keeps:
            return SERVER + b"Connection: close\r\n\r\n"
        if self.request is not None and self.request.version == "1.0":
            return SERVER + b"Connection: keep-alive\r\n\r\n"
        return SERVER + b"\r\n"

    def _hang_up(self) -> None:
        """Close so that a client which is still sending can read our last answer (RFC 9112, 9.6)."""
        self._is_leaving = True
        self._buffer = b""
        self.due = self.loop.now + STALLED_SECONDS
        self.go_on()
        self._shut()

    def _shut(self) -> None:
        if self.unsent:
            return
        self._proxy.idle[self] = None
        self.due = self.loop.now + LINGER_SECONDS
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()

    # What the client says.

    def _read_on(self) -> None:
        """Read the requests that have come."""
        if self._is_reading:
            return
        self._is_reading = True
        while self._buffer and self.request is None and self.is_open and not self._is_leaving:
            if self.unsent > PLENTY:
                self.hold()
                break
            end = self._head_end()
            if end < 0:
                self.due = min(self.due, self.loop.now + HEAD_SECONDS)
                break
            head, self._buffer = self._buffer[:end], self._buffer[end:]
            try:
                self._begin(head)
            except Refused as refused:
                self._proxy.turn_away(self, refused)
        self._is_reading = False

    def _head_end(self) -> int:
        """Where the head ends; also one that will be refused, for having no good end or none in sight."""
        data = self._buffer
        end = data.find(HEAD_END)
        if end >= 0:
            return end + 4
        is_too_long = len(data) > LARGEST_HEAD or (len(data) > LARGEST_LINE + 2 and b"\r\n" not in data)
        return len(data) if is_too_long or b"\n\n" in data or b"\n\r\n" in data else -1

    def _begin(self, head: bytes) -> None:
        self.due = math.inf
        self._proxy.idle.pop(self, None)
        self.request = request = self.reader.begin(head)
        goes_on = request.wants_to_go_on
        self._proxy.take(self, request)
        if request.has_body:
            self.due = self._body_due = self.loop.now + BODY_SECONDS
            data, self._buffer = self._buffer, b""
            if data:
                self._take_body(data)
            elif goes_on and self.errand is not None:
                self.send(CONTINUE)
        elif self.errand is not None:
            self.errand.body_came()

    def _take_body(self, data: bytes) -> None:
        request, reader = self.request, self.reader
        assert request is not None
        if request.length is not None:
            missing = request.length - reader.received
            data, self._buffer = data[:missing], data[missing:]
        try:
            reader.feed(data)
            # Who sends drop by drop is not waited for either, however much of it came at once before.
            self._body_due = min(self._body_due + len(data) / LEAST_PACE, self.loop.now + BODY_SECONDS)
            self.due = math.inf if reader.complete else self._body_due
            if self.errand is not None:
                self.errand.body_came()
            else:
                reader.taken()
        except Refused as refused:
            if self.errand is not None:
                self._proxy.turn_away(self, refused)
        except Problem as problem:
            self.refuse(problem)


@lru_cache(maxsize=600)
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} Unknown\r\n".encode()

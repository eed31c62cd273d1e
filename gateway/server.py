"""Serving the gateway on gunicorn's threads, which hand on the request target as it came.

A thread is given a connection only when the head of a request has come in whole, so slow clients hold none.
"""

import math
import select
import socket
import struct
import threading
import time
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from typing import Any

import gunicorn.http.wsgi
import structlog
from flask import Flask
from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn, ThreadWorker

from chassis import health, logs, wire
from chassis.headers import ALWAYS
from chassis.problems import Problem, is_first_api
from chassis.requestlog import request_id
from gateway.app import create_app
from gateway.settings import GatewaySettings

log = structlog.get_logger()

HEAD_SECONDS = 10.0
LINGER_SECONDS = 1.0
MOMENT_MILLISECONDS = 5
STALLED_CLIENT = struct.pack("ll", 10, 0)
LARGEST_HEAD = 64 * 1024
GRACE_SECONDS = 3
LAST_CALL_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 65
CONNECTIONS = 4096
STATUSES = {LimitRequestLine: 414, LimitRequestHeaders: 431, ExpectationFailed: 417}
WORDS = {
    400: ("bad-request", "The request is malformed."),
    414: ("uri-too-long", "The address is too long."),
    417: ("expectation-failed", "The only expectation that is met here is 100-continue."),
    431: ("headers-too-large", "There are too many headers, or one of them is too long."),
    500: ("internal-error", "Something went wrong on our side; it has been logged under the request id."),
}

gunicorn.http.wsgi.SERVER = ALWAYS["Server"]


def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first."""
    logs.configure("gateway", settings.log_level)
    Server(settings).run()


class Server(BaseApplication):
    """gunicorn, configured by the gateway's settings alone."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        told = {
            "bind": f"{host}:{self.settings.port}",
            "worker_class": Worker,
            "workers": 1,
            "threads": self.settings.threads,
            "worker_connections": CONNECTIONS,
            "keepalive": KEEP_ALIVE_SECONDS,
            "graceful_timeout": math.ceil(self.settings.drain_seconds + GRACE_SECONDS),
            "limit_request_line": 8190,
            "limit_request_fields": 100,
            "limit_request_field_size": 8190,
            "forwarded_allow_ips": "",
            "header_map": "drop",
            "control_socket_disable": True,
            "logger_class": Lines,
            "errorlog": None,
            "accesslog": None,
            "loglevel": self.settings.log_level,
        }
        for name, value in told.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self.settings)


class Lines(Logger):
    """gunicorn's own lines, among the process's."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True


class Parser(RequestParser):
    """Requests of one connection; a client that stalls in the middle of a head is not waited for."""

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except BlockingIOError as error:
            raise StopIteration from error


class Connection(TConn):
    """A client's connection, and what has come of its next request."""

    def __init__(self, cfg: Any, client: socket.socket, address: Any, server: Any) -> None:
        super().__init__(cfg, client, address, server)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, STALLED_CLIENT)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, STALLED_CLIENT)
        self.parser = Parser(cfg, client, address)
        self.data_ready = True

    def read(self) -> bool:
        """Take in what has come; False when the client has gone."""
        try:
            data = self.sock.recv(LARGEST_HEAD)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._buffer.seek(0, 2)
        self._buffer.write(data)
        return bool(data)

    @property
    def has_whole_head(self) -> bool:
        """Is there enough for a thread to begin, if only to refuse it?"""
        data = self._buffer.getvalue()
        return b"\n\r\n" in data or b"\n\n" in data or len(data) > LARGEST_HEAD

    def close(self, graceful: bool = False) -> None:
        # Lingering has been done by the thread that had the connection: here it would hold up everybody.
        util.close(self.sock)

    @property
    def _buffer(self) -> Any:
        return self.parser.unreader.buf


class Worker(ThreadWorker):
    """gunicorn's threads, behind a loop that waits for whole heads and refuses as the shop does."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Go on serving for a while as one that is not ready, so that whoever sends it work stops; then end."""
        health.leaving.set()
        threading.Timer(self.app.settings.drain_seconds, super().handle_exit, (sig, frame)).start()

    def accept(self, listener: Any) -> None:
        try:
            client, address = listener.accept()
        except BlockingIOError:
            return
        self.nr_conns += 1
        client.setblocking(False)
        conn = Connection(self.cfg, client, address, listener.getsockname())
        self.go_on(conn, conn.read())

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.go_on(conn, conn.read())

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        is_there = conn.read()
        if not is_there or conn.has_whole_head:
            self.poller.unregister(client)
            self.pending_conns.remove(conn)
            self.go_on(conn, is_there)

    def go_on(self, conn: Connection, is_there: bool) -> None:
        """Let a thread have the connection, wait for more of its head, or forget it when the client has gone."""
        if is_there:
            self.enqueue_req(conn)
        else:
            self.nr_conns -= 1
            conn.close()

    def enqueue_req(self, conn: Any) -> None:
        if conn.has_whole_head:
            super().enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + HEAD_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _cap_keepalive(self, deadline: float) -> None:
        last_call = min(deadline, time.monotonic() + LAST_CALL_SECONDS)
        super()._cap_keepalive(last_call)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, last_call)

    def handle(self, conn: Any) -> Any:
        while (keep := super().handle(conn)) and self._asks_again(conn):
            pass
        if keep is False:
            hang_up(conn.sock)
        return keep

    def _asks_again(self, conn: Connection) -> bool:
        """Has the client sent its next request already, or does it within a moment in which nobody needs the thread?

        Staying with a busy client spares the way through the loop, which costs more than passing a request on.
        """
        if conn.has_whole_head:
            return True
        if not self.alive or self.tpool._work_queue.qsize():
            return False
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(MOMENT_MILLISECONDS)) and conn.read() and conn.has_whole_head

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except (ParseException, OSError):
            # What is wrong with a body that nobody wanted is no request, and gets no answer of its own.
            return False

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        status = next((status for kind, status in STATUSES.items() if isinstance(exc, kind)), 400)
        if not isinstance(exc, ParseException) or isinstance(exc, InvalidResponseHeader | InvalidResponseHeaderName):
            status = 500
            log.error("unhandled exception", exc_info=exc)
        known = request_id(None)
        log.info("request refused", request_id=known, status=status, reason=type(exc).__name__, address=addr[0])
        refused = refusal(self.wsgi, status, getattr(req, "path", None) or "/", known)
        try:
            util.write_nonblock(client, refused)
        except OSError as error:
            log.debug("refusal not sent", request_id=known, reason=repr(error))


def refusal(app: Flask, status: int, path: str, known: str) -> bytes:
    """The whole answer to a request that is not well-formed; nothing follows on its connection."""
    slug, detail = WORDS[status]
    with app.app_context():
        document = Problem(status, slug, detail).document(path, known)
    body = wire.dump({"message": detail} if is_first_api(path) else document)
    headers = {
        "Date": formatdate(usegmt=True),
        "Connection": "close",
        "Content-Type": wire.JSON if is_first_api(path) else "application/problem+json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Request-ID": known,
        **ALWAYS,
    }
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def hang_up(client: socket.socket) -> None:
    """Close so that a client which is still sending can read our last answer (RFC 9112, 9.6)."""
    try:
        unread = client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return
    if unread:
        util.close_graceful(client, timeout=LINGER_SECONDS)

"""Serving the gateway: one loop for all connections, which hands on the request target as it came."""

import gc
import math
import resource
import signal
import socket
import sys
from typing import Any

import structlog

from chassis import health, logs
from chassis.server import claim_port, family, place
from gateway.app import create_app
from gateway.loop import Loop
from gateway.pollers import READ
from gateway.proxy import Proxy
from gateway.settings import GatewaySettings

log = structlog.get_logger()

BACKLOG = 1024
AT_ONCE = 64
CONNECTIONS = 4096
FILES = 2 * CONNECTIONS
GRACE_SECONDS = 10.0
SWITCH_SECONDS = 0.0005
COLLECTED = (20_000, 20, 20)  # what a request leaves behind is gone by itself: cycles are rare, and looking takes time


def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first. SIGHUP has the routes read again."""
    logs.configure("gateway", settings.log_level)
    claim_port(settings)
    most = connections_allowed()
    proxy: Proxy = create_app(settings).extensions["proxy"]
    proxy.start()
    door = Door(proxy, settings, most)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, door.begin_to_leave)
    # By way of the loop: a handler that is itself interrupted must not meet a lock.
    signal.signal(signal.SIGHUP, lambda *_: proxy.loop.ask(proxy.read_routes_again))
    # The loop must not wait long for a thread that is busy with a page, nor for a look at what start-up has made.
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED)
    log.info("serving", address=f"http://{place(settings)}", threads=settings.threads)
    proxy.loop.run()
    proxy.close()


class Door:
    """Where clients come in, until it is closed for good."""

    def __init__(self, proxy: Proxy, settings: GatewaySettings, most: int) -> None:
        self.due = math.inf
        self.is_client = False
        self._proxy = proxy
        self._most = most
        self._drain_seconds = settings.drain_seconds
        self._loop: Loop = proxy.loop
        self._last_call = math.inf
        where = settings.host, settings.port
        self._listener = socket.create_server(where, family=family(settings), backlog=BACKLOG)
        self._listener.setblocking(False)
        self._loop.watch(self, READ)

    def fileno(self) -> int:
        return self._listener.fileno()

    def on_event(self, mask: int) -> None:
        """Let in who has come."""
        for _ in range(AT_ONCE):
            try:
                client, address = self._listener.accept()
            except OSError:
                return
            if len(self._proxy.visitors) >= self._most and not self._proxy.make_room():
                client.close()
                continue
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._proxy.welcome(client, (address[0], "http"))

    def begin_to_leave(self, number: int, frame: Any) -> None:
        """Go on serving for a while as one that is not ready, so that whoever sends it work stops; then end."""
        health.leaving.set()
        self.due = self._loop.now + self._drain_seconds

    def on_due(self) -> None:
        """Let nobody in any more, and end when those that are in have been answered."""
        self.close()
        self._last_call = self._loop.now + GRACE_SECONDS
        self._loop.after_turns(self._end_when_empty)
        for visitor in self._proxy.visitors:
            visitor.leave_if_idle()

    def close(self) -> None:
        """Let nobody in any more."""
        if self._listener.fileno() >= 0:
            self._loop.forget(self)
            self._listener.close()

    def _end_when_empty(self) -> None:
        if not self._proxy.visitors or self._loop.now > self._last_call:
            self._loop.end()


def connections_allowed() -> int:
    """How many clients this process may hold: with a socket to a service for each, no more than it may have files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files // 2

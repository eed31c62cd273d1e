"""Serving an application over HTTP: one process, many threads, and no orphan when the process that started it dies."""

import ctypes
import logging
import os
import signal
import socket
import sys
import time
from typing import Any

import structlog
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from chassis import logs
from chassis.health import LEAVE
from chassis.settings import Settings, SettingsError

log = structlog.get_logger()

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 10


class Server(MPServer):
    """granian, which goes on serving for a while as one that is not ready, so that whoever sends it work stops."""

    def __init__(self, *arguments: Any, drain_seconds: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._drain_seconds = drain_seconds

    def _stop_workers(self) -> None:
        if self._drain_seconds:
            for worker in self.wrks:
                os.kill(worker.inner.pid, LEAVE)
            time.sleep(self._drain_seconds)
        super()._stop_workers()  # type: ignore[no-untyped-call]


def serve(service: str, settings: Settings) -> None:
    """Serve `service:create_app` until SIGTERM or SIGINT; requests under way are finished first."""
    logs.configure(service, settings.log_level)
    claim_port(settings)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # readiness asks it every few seconds
    log.info("serving", address=f"http://{place(settings)}", threads=settings.threads)
    Server(
        f"{service}:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        blocking_threads=settings.threads,
        workers=1,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        drain_seconds=settings.drain_seconds,
        log_level=LogLevels.error,
        log_dictconfig={"formatters": {}, "handlers": {}, "loggers": {"_granian": {"propagate": True}}},
    ).serve()


def claim_port(settings: Settings) -> None:
    """Refuse to start where another program listens: the server itself would share the port with it in silence."""
    with socket.socket(family(settings)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(f"PORT: {place(settings)} cannot be had: {error.strerror}") from error


def family(settings: Settings) -> socket.AddressFamily:
    """Which of the two internets `HOST` belongs to."""
    return socket.AF_INET6 if ":" in settings.host else socket.AF_INET


def place(settings: Settings) -> str:
    """`HOST:PORT` as it stands in an address."""
    host = f"[{settings.host}]" if family(settings) is socket.AF_INET6 else settings.host
    return f"{host}:{settings.port}"


def die_with_parent() -> None:
    """Have the kernel end this process when its parent dies, so that a killed server leaves no worker on its port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

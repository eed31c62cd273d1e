"""A client that speaks HTTP byte by byte, and the gateway process that it speaks to."""

import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from gateway import routefile
from tests.builders import Client, eventually
from tests.ports import free_port
from tests.services import SECRET_KEY, SERVICE_TOKEN
from tests.unit.gateway.upstreams import Received, Upstream

ROOT = Path(__file__).resolve().parents[3]
TREE = Path(os.environ.get("GATEWAY_TEST_TREE", ROOT))  # where the gateway is that is tested, if not here
PATIENCE = 60.0
SHIPPED = ROOT / "gateway/routes.toml"
ADDRESSES = dict.fromkeys(("AUTH_URL", "PRODUCT_URL", "ORDER_URL"), "http://service.test")
TABLE = routefile.read(SHIPPED, ADDRESSES).table


@dataclass
class Answered:
    """One answer of the gateway."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        return next(iter(self.values(name)), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Reader(io.BufferedReader):
    """What comes over a connection; the answer before does not end it for the next one."""

    def close(self) -> None:
        pass


class Wire:
    """One connection to the gateway."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._reader = Reader(socket.SocketIO(self.socket, "r"))

    def makefile(self, mode: str) -> Reader:
        """What the standard library reads an answer from."""
        return self._reader

    def send(self, data: bytes) -> "Wire":
        self.socket.sendall(data)
        return self

    def answer(self, method: str = "GET") -> Answered:
        """The next answer, as an answer to this method."""
        response = HTTPResponse(self, method=method)  # type: ignore[arg-type]
        response.begin()
        return Answered(response.status, response.getheaders(), response.read())

    def is_closed(self) -> bool:
        """Has the gateway hung up, without another word?"""
        return self.rest() == b""

    def rest(self) -> bytes:
        """Everything until the gateway hangs up."""
        data = b""
        try:
            while piece := self._reader.read1(65536):
                data += piece
        except ConnectionResetError:
            pass
        return data

    def close(self) -> None:
        self.socket.close()


class Gateway:
    """A gateway of the tests' own, in front of three upstreams of theirs."""

    def __init__(
        self, port: int, upstreams: dict[str, Upstream], log: Path, process: "subprocess.Popen[bytes]"
    ) -> None:
        self._process = process
        self.port = port
        self.upstreams = upstreams
        self._log = log

    @property
    def accounts(self) -> Upstream:
        return self.upstreams["AUTH"]

    @property
    def catalogue(self) -> Upstream:
        return self.upstreams["PRODUCT"]

    @property
    def orders(self) -> Upstream:
        return self.upstreams["ORDER"]

    def anew(self) -> "Gateway":
        """The same, its upstreams answering `200 ok` and remembering nothing from before."""
        for upstream in self.upstreams.values():
            upstream.reset()
        return self

    @property
    def passed_on(self) -> list[Received]:
        """What reached any service through it; what it asks them for its own pages does not count."""
        return [
            request for upstream in self.upstreams.values() for request in upstream.received if request.header("Via")
        ]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        wire = Wire(self.port)
        try:
            yield wire
        finally:
            wire.close()

    def ask(self, target: str = "/", *headers: str, method: str = "GET", body: bytes = b"") -> Answered:
        """One request over a connection of its own; headers as they stand on the wire, `"Accept: text/html"`."""
        lines = [f"{method} {target} HTTP/1.1", "Host: shop.test", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        with self.wire() as wire:
            return wire.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body).answer(method)

    def peak_memory(self) -> int:
        """The most memory, in bytes, that one of its processes has had."""
        family = [self._process.pid, *_children(self._process.pid)]
        states = [Path(f"/proc/{pid}/status").read_text() for pid in family]
        return max(int(re.findall(r"VmHWM:\s+(\d+) kB", state)[0]) for state in states) * 1024

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def stop(self) -> int:
        """End it; how did it go?"""
        self._process.terminate()
        return self._process.wait(PATIENCE)

    def log_text(self) -> str:
        return self._log.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged so far."""
        whole, _, _ = self._log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def logged(self, request_id: str, event: str) -> dict[str, Any]:
        """The line that it logs, soon, about this request."""
        return eventually(
            lambda: [x for x in self.lines() if x.get("request_id") == request_id and x["event"] == event]
        )[0]


SERVED = ("-m", "gateway")
ON_GUNICORN = ("-m", "gunicorn", "--worker-class=gthread", "--threads=4", "--no-control-socket", "gateway:create_app()")


@contextmanager
def running_gateway(directory: Path, served: Sequence[str] = SERVED, **settings: str) -> Iterator[Gateway]:
    """A gateway process with these settings, ended afterwards."""
    upstreams = {name: Upstream() for name in ("AUTH", "PRODUCT", "ORDER")}
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
        **{f"{name}_URL": upstream.url for name, upstream in upstreams.items()},
        "PORT": str(port),
        "DATA_DIR": str(directory),
        "SECRET_KEY": SECRET_KEY,
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "RATELIMIT_REQUESTS": "off",
        "LOOK_SECONDS": "3600",
        "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{port}",
        **settings,
    }
    log = directory / "gateway.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *served], cwd=TREE, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    gateway = Gateway(port, upstreams, log, process)
    try:
        eventually(lambda: process.poll() is not None or _is_alive(gateway), within=100)
        assert process.poll() is None, log.read_text()
        yield gateway
    finally:
        process.terminate()
        process.wait(PATIENCE)
        for upstream in upstreams.values():
            upstream.close()


def _is_alive(gateway: Gateway) -> bool:
    try:
        return Client(gateway.url).get("/livez").status_code == 200
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

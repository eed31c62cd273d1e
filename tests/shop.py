"""The whole shop, started the way that everybody starts it: by `./scripts/server`, on ports and data of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.builders import Client, Person, eventually, sign_in
from tests.databases import Databases, quick_directory
from tests.ports import free_ports
from tests.services import QUICK_HASHING, without_limits

ROOT = Path(__file__).resolve().parent.parent
PORTS = ("AUTH", "PRODUCT", "ORDER", "GATEWAY", "SANDBOX")
MODULES = {
    "auth": "auth_service",
    "product": "product_service",
    "order": "order_service",
    "gateway": "gateway",
    "sandbox": "order_service.sandbox",
}
PACKAGES = ("auth_service", "product_service", "order_service", "gateway")
STARTING_SECONDS = 240.0
ENDING_SECONDS = 60.0
# The kernel ends the shop with the test run, also when the run is killed.
TIED = (
    "import os, sys; from chassis.server import die_with_parent; die_with_parent(); os.execv(sys.argv[1], sys.argv[1:])"
)


class Shop:
    """A running shop: where its processes listen, what they said, and how to do away with one."""

    def __init__(self, data: Path, ports: dict[str, int], settings: dict[str, str]) -> None:
        self.data = data
        self.ports = ports
        self.auth, self.product, self.order, self.gateway, self.sandbox = (
            f"http://127.0.0.1:{ports[name]}" for name in PORTS
        )
        self.admin = Person("admin", "admin@example.com", "the keys to the whole shop")
        self._log = data / "output.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
            **{f"{name}_PORT": str(port) for name, port in ports.items()},
            "DATA_DIR": str(data),
            "ADMIN_USERNAME": self.admin.username,
            "ADMIN_PASSWORD": self.admin.password,
            **settings,
        }

    @property
    def service_token(self) -> str:
        """What services show each other."""
        return (self.data / "secrets" / "SERVICE_TOKEN").read_text()

    @property
    def output(self) -> str:
        """All the lines that all processes have said so far."""
        return self._log.read_text("utf-8", "replace").rpartition("\n")[0]

    @contextmanager
    def open(self) -> Iterator[None]:
        """Start the shop, and end it with all its processes."""
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-c", TIED, sys.executable, "scripts/server", "--empty"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            eventually(self._is_ready, within=STARTING_SECONDS)
            yield
        finally:
            self._server.terminate()
            try:
                self._server.wait(ENDING_SECONDS)
            finally:
                self._server.kill()

    def kill(self, name: str) -> None:
        """End one process (`auth`, `gateway` …) as a crash would; its supervisor will start it again."""
        os.killpg(self.pid(name), signal.SIGKILL)

    def pid(self, name: str) -> int:
        """The process that serves under this name."""
        listed = subprocess.run(["ps", "-axo", "pid,ppid,command"], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines()[1:]:
            pid, parent, command = line.split(None, 2)
            if int(parent) == self._server.pid and command.endswith(f" -m {MODULES[name]}"):
                return int(pid)
        raise LookupError(f"{name} does not run")

    def is_alive(self, name: str) -> bool:
        """Does this process answer?"""
        try:
            return Client(getattr(self, name)).get("/livez", timeout=2).status_code == 200
        except OSError:
            return False

    def _is_ready(self) -> bool:
        assert self._server.poll() is None, f"the shop did not start:\n{self.output[-4000:]}"
        return "Ready in" in self.output


@contextmanager
def shop_on(databases: Databases, **settings: str) -> Iterator[Shop]:
    """A shop on new databases, without rate limits, its admin signed in; `settings` go into its environment."""
    with ExitStack() as stack:
        data = stack.enter_context(quick_directory())
        told = _unlimited() | {name.upper(): str(value) for name, value in QUICK_HASHING.items()} | settings
        if databases.kind == "mysql":
            for name in ("auth", "product", "order"):
                told[f"{name.upper()}_DATABASE_URL"] = databases.empty(name).render_as_string(hide_password=False)
        shop = Shop(data, dict(zip(PORTS, free_ports(len(PORTS)), strict=True)), told)
        stack.enter_context(shop.open())
        sign_in(Client(shop.auth), shop.admin)
        yield shop


def _unlimited() -> dict[str, str]:
    return {name.upper(): "off" for package in PACKAGES for name in without_limits(package)}

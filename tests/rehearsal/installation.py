"""A shop in production of its own to rehearse on, put up and changed by the scripts that an operator has."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from tests.builders import Person, eventually
from tests.faults.evidence import Books
from tests.shop import ROOT, Shop

NAME = "shop-rehearsal"
FRONT_PORT = 18090
GATEWAY_PORTS = "18080-18081"
SANDBOX_IMAGE = "shop/rehearsal-sandbox"
STATELESS = (
    "gateway",
    "auth-service",
    "product-service",
    "order-service",
    "auth-worker",
    "product-worker",
    "order-worker",
)
GIVEN = {"STRIPE_API_KEY": "sk_test_rehearsal_only", "PAYMENT_WEBHOOK_SECRET": "whsec_rehearsal_only_0123456789abcdef"}
PROXY = re.compile(r"```nginx\n(.*?)```", re.DOTALL)
DATABASES = {"user": "user-db", "product": "product-db", "order": "order-db"}


class Installation(Shop):
    """A shop as customers meet it, behind the documented proxy, and as the checker looks into it."""

    front_options: tuple[str, ...] = ("--network", "host")

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "nothing-local"
        self.gateway = f"http://127.0.0.1:{FRONT_PORT}"
        self.admin = Person("admin", "admin@example.com", "the keys to the whole shop")
        self.environment = {
            **os.environ,
            "DEPLOY_DIR": str(home),
            "COMPOSE_PROJECT_NAME": NAME,
            "SHOP_NETWORK": NAME,
            "GATEWAY_PORTS": GATEWAY_PORTS,
            "GATEWAY_TRUSTED_PROXIES": "127.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
            "STRIPE_API_BASE": "http://sandbox:5004",
            "SHOP_OVERLAYS": "tests/e2e/deploy-sandbox.yml,tests/rehearsal/overlay.yml",
            "REHEARSAL_SANDBOX": SANDBOX_IMAGE,
        }

    @property
    def auth(self) -> str:  # type: ignore[override]
        """The accounts, behind the front."""
        return self._inside("auth-service", 5000)

    @property
    def order(self) -> str:  # type: ignore[override]
        """The orders, behind the front."""
        return self._inside("order-service", 5003)

    @property
    def product(self) -> str:  # type: ignore[override]
        """The catalogue, behind the front."""
        return self._inside("product-service", 5002)

    @property
    def sandbox(self) -> str:  # type: ignore[override]
        """The provider's books."""
        return self._inside("sandbox", 5004)

    def deploy(self, *options: str, tree: Path = ROOT) -> int:
        """Run `scripts/deploy` of a source tree; returns how it ended."""
        return subprocess.run([tree / "scripts/deploy", *options], env=self.environment, check=False).returncode

    def script(self, name: str, *arguments: str) -> int:
        """Run another script of the operator's; returns how it ended."""
        return subprocess.run([ROOT / "scripts" / name, *arguments], env=self.environment, check=False).returncode

    def compose(self, *words: str) -> str:
        """What a Compose command over the shop prints."""
        line = [str(ROOT / "scripts/compose"), *words]
        return subprocess.run(line, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    @property
    def release(self) -> str:
        """The release that runs."""
        return (self.home / "release").read_text().strip()

    def containers(self, service: str) -> list[dict[str, Any]]:
        """A service's containers, as the engine describes them."""
        labels = [word for label in self._labels(service) for word in ("--filter", f"label={label}")]
        listed = printed("docker", "ps", "--quiet", *labels).split()
        found: list[dict[str, Any]] = json.loads(printed("docker", "inspect", *listed)) if listed else []
        return found

    @contextmanager
    def books(self) -> Iterator[Books]:
        """Its databases, read at their containers' own addresses."""
        urls: list[URL | str] = [*(self._database(name) for name in DATABASES), f"sqlite:///{self.data}"]
        engines = [sa.create_engine(url, poolclass=sa.NullPool) for url in urls]
        try:
            yield Books(*engines)
        finally:
            for engine in engines:
                engine.dispose()

    def put_up(self) -> None:
        """Deploy this checkout, unless a release of it runs already, with an administrator and the documented proxy."""
        secrets = self.home / "secrets"
        secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, value in GIVEN.items():
            (secrets / name).write_text(value)
            (secrets / name).chmod(0o444)
        if not self.containers("gateway"):
            build_sandbox()
            assert self.deploy("--tag", "rehearsal-1") == 0
            administrator = ("flask", "users", "create-admin", "--username", "admin", "--email", self.admin.email)
            password = f"ADMIN_PASSWORD={self.admin.password}"
            printed("docker", "exec", "--env", password, self.containers("auth-service")[0]["Id"], *administrator)
        self._put_front()
        eventually(lambda: self.is_alive("gateway"), within=60)

    def take_down(self) -> None:
        """Leave nothing of it."""
        subprocess.run(["docker", "rm", "--force", f"{NAME}-front"], check=False, capture_output=True)
        self.destroy()
        subprocess.run(["docker", "volume", "rm", f"{NAME}_sandbox-data"], check=False, capture_output=True)
        subprocess.run(["docker", "network", "rm", NAME], check=False, capture_output=True)
        shutil.rmtree(self.home)

    def destroy(self) -> None:
        """Lose every container and every volume, but for the provider's books, which are elsewhere."""
        line = [str(ROOT / "scripts/compose"), "down", "--volumes", "--remove-orphans", "--timeout", "1"]
        # It takes the volumes of the files that it is shown, and the books' is in one that is laid over.
        subprocess.run(line, env=self.environment | {"SHOP_OVERLAYS": ""}, check=False)

    def _put_front(self) -> None:
        configuration = self.home / "front.conf"
        configuration.write_text(self._front((ROOT / "docs/deploy.md").read_text("utf-8")))
        subprocess.run(["docker", "rm", "--force", f"{NAME}-front"], check=False, capture_output=True)
        mounted = f"{configuration}:/etc/nginx/conf.d/default.conf:ro"
        options = ("--detach", "--name", f"{NAME}-front", *self.front_options, "--volume", mounted)
        printed("docker", "run", *options, "nginx:1")

    def _front(self, document: str) -> str:
        """The proxy's configuration as it is documented, on this machine's ports and without a certificate."""
        found = PROXY.search(document)
        assert found is not None
        configuration = found[1].replace("listen 443 ssl; server_name shop.example;", f"listen 127.0.0.1:{FRONT_PORT};")
        for documented, mine in zip(("8080", "8081"), GATEWAY_PORTS.split("-"), strict=True):
            configuration = configuration.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{mine}")
        return configuration

    def _labels(self, service: str) -> tuple[str, ...]:
        return f"com.docker.compose.project={NAME}", f"com.docker.compose.service={service}"

    def _inside(self, service: str, port: int) -> str:
        return f"http://{self._address(service)}:{port}"

    def _address(self, service: str) -> str:
        address: str = self.containers(service)[0]["NetworkSettings"]["Networks"][NAME]["IPAddress"]
        return address

    def _database(self, name: str) -> URL:
        password = (self.home / "secrets" / f"{name.upper()}_DATABASE_PASSWORD").read_text().strip()
        return URL.create("mysql+pymysql", "shop", password, self._address(DATABASES[name]), 3306, name)


def build_sandbox() -> None:
    """Build the provider's image, which stays as it is through all releases."""
    arguments = ("--build-arg", "SERVICE=order_service", "--build-arg", "PORT=5003")
    printed("docker", "build", "--quiet", *arguments, "--tag", SANDBOX_IMAGE, str(ROOT))


@contextmanager
def changed(tree: Path, *edits: Callable[[Path], None]) -> Iterator[Path]:
    """A copy of this checkout's files with a release's changes in it."""
    shutil.rmtree(tree, ignore_errors=True)
    for name in printed("git", "-C", str(ROOT), "ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    for edit in edits:
        edit(tree)
    yield tree
    shutil.rmtree(tree)


def printed(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def say(words: str) -> None:
    """Tell the person at the terminal something."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()

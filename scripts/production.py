"""The shop in production as the scripts see it: its Compose project, its settings, its secrets, its containers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import secretfiles
from project import ROOT, say

FILE = ROOT / "docker-compose.deploy.yml"
HOME = Path(os.environ.get("DEPLOY_DIR") or ROOT / ".deploy").resolve()
SETTINGS = HOME / "settings.env"
RELEASE = HOME / "release"
READABLE = 0o444  # within a directory that only its owner enters; the services in their containers are other users
MADE = (
    "SECRET_KEY",
    "SERVICE_TOKEN",
    "METRICS_TOKEN",
    "USER_DATABASE_PASSWORD",
    "PRODUCT_DATABASE_PASSWORD",
    "ORDER_DATABASE_PASSWORD",
    "DATABASE_ROOT_PASSWORD",
)
# One password, as each side of a connection wants it.
SHARED = (
    {"EVENTS_URL": "amqp://shop:{}@events:5672//", "EVENTS_CONFIG": "default_user = shop\ndefault_pass = {}\n"},
    {"REDIS_URL": "redis://:{}@redis:6379/0", "REDIS_CONFIG": "requirepass {}\n"},
)
GIVEN = {
    "STRIPE_API_KEY": "the secret key of your account at Stripe (sk_live_…, or sk_test_… to try)",
    "PAYMENT_WEBHOOK_SECRET": "the signing secret (whsec_…) of the webhook that you made at Stripe for this shop",
}
OPTIONAL = {"SMTP_URL": "letters to customers wait until there is a mail server (smtps://USER:PASSWORD@HOST:465)"}


class Failed(Exception):
    """A step of the deployment did not succeed; the text says which, and what helps."""


def settings() -> dict[str, str]:
    """The environment with what `.deploy/settings.env` adds to it."""
    lines = SETTINGS.read_text().splitlines() if SETTINGS.is_file() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    kept = {name.strip(): unquoted(value.strip()) for name, _, value in pairs}
    return {"COMPOSE_PROJECT_NAME": "shop-live", "SHOP_SECRETS": str(secrets_directory())} | kept | dict(os.environ)


def unquoted(value: str) -> str:
    """A value as a shell and Compose would read it: without the quotes around it."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def secrets_directory() -> Path:
    """Where the secrets of this installation lie."""
    return Path(os.environ.get("SHOP_SECRETS") or HOME / "secrets").resolve()


def make_secrets() -> list[str]:
    """Make the secrets that are missing; returns the names of those that only you can give."""
    directory = secrets_directory()
    secretfiles.make(directory, MADE, READABLE)
    for together in SHARED:
        if not all((directory / name).exists() for name in together):
            password = secretfiles.random()
            for name, form in together.items():
                secretfiles.write(directory / name, form.format(password), READABLE)
            say(f"made the secrets {' and '.join(together)}")
    for name in OPTIONAL:
        if not (directory / name).exists():
            secretfiles.write(directory / name, "\n", READABLE)  # a Swarm takes no secret without a byte
    return [name for name in GIVEN if not (directory / name).is_file() or not (directory / name).read_text().strip()]


class Shop:
    """One installation at one release: `docker compose` over its file and what its settings lay over that."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.environment = settings() | {"SHOP_TAG": tag}
        overlays = self.environment.get("SHOP_OVERLAYS", "").split(",")
        self.files = [str(FILE), *(str(ROOT / name.strip()) for name in overlays if name.strip())]

    def line(self, *words: str) -> list[str]:
        """The words of a Compose command."""
        return ["docker", "compose", *self._files("-f"), *words]

    def compose(self, *words: str) -> None:
        """Run a Compose command and show what it says; raises Failed."""
        status = subprocess.run(self.line(*words), cwd=ROOT, env=self.environment, check=False)
        if status.returncode:
            raise Failed(f"docker compose {' '.join(words)} ended with {status.returncode}; its words are above")

    def ask(self, *words: str) -> str:
        """Run a Compose command without showing it; returns what it prints, raises Failed with its words."""
        return asked(self.line(*words), self.environment)

    def stack(self) -> None:
        """Hand the file to the Swarm; raises Failed."""
        line = ["docker", "stack", "deploy", "--detach=true", "--resolve-image=never", *self._files("-c"), self.name]
        if subprocess.run(line, cwd=ROOT, env=self.environment, check=False).returncode:
            raise Failed("docker stack deploy failed; its words are above")

    @property
    def name(self) -> str:
        """The project's, or the stack's."""
        return self.environment["COMPOSE_PROJECT_NAME"]

    def containers(self, service: str) -> list[str]:
        """The ids of a service's containers, oldest first, whether they run or not: as Compose counts them."""
        return self._listed(service, "--all")

    def running(self, service: str) -> list[str]:
        """Those of them that run, or will again by themselves: one that was stopped has neither port nor memory."""
        return self._listed(service)

    def model(self) -> dict[str, Any]:
        """The Compose file as Compose understands it."""
        model: dict[str, Any] = json.loads(self.ask("config", "--format", "json"))
        return model

    def _listed(self, service: str, *options: str) -> list[str]:
        line = ["docker", "ps", "--quiet", "--no-trunc", *options]
        for label in (f"project={self.name}", f"service={service}", "oneoff=False"):
            line += ["--filter", f"label=com.docker.compose.{label}"]
        return asked(line).split()[::-1]

    def _files(self, option: str) -> list[str]:
        return [word for name in self.files for word in (option, name)]


def asked(line: list[str], environment: dict[str, str] | None = None) -> str:
    """What a command prints; raises Failed with its words."""
    try:
        ended = subprocess.run(line, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    except OSError as error:
        raise Failed(f"{line[0]}: {error.strerror}") from error
    if ended.returncode:
        raise Failed(f"{' '.join(line[:4])} …: {ended.stderr.strip() or ended.stdout.strip()}")
    return ended.stdout


def released() -> str:
    """The release that runs, as the last deployment noted it; ends when there is none."""
    if not RELEASE.is_file():
        sys.exit("no release has been deployed from here: ./scripts/deploy does it")
    return RELEASE.read_text().strip()

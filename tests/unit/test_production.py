"""The scripts of production, where Docker is away or a stand-in for it says what the real one says on a bad day."""

import gzip
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine import REPLICAS, STATELESS
from tests.shop import ROOT

GIVEN = ("STRIPE_API_KEY", "PAYMENT_WEBHOOK_SECRET")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """Where a shop is deployed to, with what only its operator can give, and without Docker."""
    for directory in ("bin", "containers", "secrets"):
        (tmp_path / directory).mkdir()
    for name in GIVEN:
        (tmp_path / "secrets" / name).write_text("given")
    return tmp_path


@pytest.fixture
def run(deployed: Path) -> Run:
    """Runs a script of production to its end: `run("deploy", "--check", NAME="value")`."""

    def ended(script: str, *words: str, **told: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": f"{deployed / 'bin'}:{os.defpath}", "DEPLOY_DIR": str(deployed)} | told
        line = [sys.executable, str(ROOT / "scripts" / script), *words]
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)

    return ended


def docker(deployed: Path, script: str) -> None:
    """From now on `docker` is this shell script."""
    (deployed / "bin/docker").write_text(f"#!/bin/sh\n{script}\n")
    (deployed / "bin/docker").chmod(0o755)


def test_what_is_missing_is_told_where_docker_is_missing_too(deployed: Path, run: Run) -> None:
    (deployed / "secrets/STRIPE_API_KEY").unlink()
    checked = run("deploy", "--check", PATH=str(deployed / "bin"))
    assert checked.returncode == 1
    assert "Docker does not answer" in checked.stderr
    assert "STRIPE_API_KEY is missing" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_an_engine_that_does_not_run_is_told_with_its_remedy(deployed: Path, run: Run) -> None:
    docker(deployed, "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    checked = run("deploy", "--check")
    assert checked.returncode == 1
    assert "Cannot connect to the Docker daemon" in checked.stderr
    assert "start it" in checked.stderr
    assert "Traceback" not in checked.stderr


ENGINE = f'exec {sys.executable} -IS {ROOT}/tests/engine.py "$@"'


class Engine:
    """A machine with Docker on which release 1 runs."""

    def __init__(self, deployed: Path) -> None:
        docker(deployed, ENGINE)
        self._containers = deployed / "containers"
        for service in STATELESS * REPLICAS:
            self.add(service, "1 healthy")

    def add(self, service: str, told: str) -> Path:
        """One more container, of a release and in a state."""
        container = self._containers / f"{len(list(self._containers.iterdir())):03}"
        container.write_text(f"{service} {told}")
        return container

    def turn(self, state: str) -> None:
        """From now on all containers are in this state."""
        for container in self._containers.iterdir():
            container.write_text(f"{container.read_text().rpartition(' ')[0]} {state}")

    def containers(self, service: str) -> list[str]:
        """Of which release a service's containers are, and how they are."""
        told = [path.read_text().partition(" ") for path in sorted(self._containers.iterdir())]
        return [how for name, _, how in told if name == service]


@pytest.fixture
def engine(deployed: Path) -> Engine:
    return Engine(deployed)


@pytest.mark.parametrize("state", ["restarting", "exited", "unhealthy"])
def test_a_release_that_dies_at_once_takes_nobodys_place(engine: Engine, run: Run, state: str) -> None:
    rolled = run("deploy", "--no-build", "--tag", "2", STARTED=state)
    assert rolled.returncode == 1, rolled.stderr
    assert "auth-service does not become healthy:\nits last words" in rolled.stderr
    for service in STATELESS:
        assert engine.containers(service) == ["1 healthy"] * REPLICAS


def test_a_gateway_that_ends_again_is_told_and_gone_back_from(engine: Engine, deployed: Path, run: Run) -> None:
    (deployed / "release").write_text("1")
    rolled = run("deploy", "--no-build", "--tag", "2", STARTED="brief")
    assert "2 failed: a gateway does not stay up:\nits last words\ngoing back to 1" in rolled.stderr
    assert "Traceback" not in rolled.stderr


@pytest.mark.parametrize(("state", "told"), [("healthy", ""), ("restarting", ""), ("exited", "port {} is taken")])
def test_only_a_stopped_shop_needs_its_ports_anew(
    engine: Engine, deployed: Path, run: Run, state: str, told: str
) -> None:
    engine.turn(state)
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        checked = run("deploy", "--check", GATEWAY_PORTS=str(port))
    assert checked.returncode == (1 if told else 0), checked.stderr
    assert told.format(port) in checked.stderr


def test_a_migration_that_fails_is_told_in_its_own_words(engine: Engine, deployed: Path, run: Run) -> None:
    docker(deployed, f'case "$*" in *" run "*) echo "no room for a column" >&2; exit 1 ;; esac; {ENGINE}')
    refused = run("deploy", "--no-build", "--tag", "2")
    assert refused.returncode == 1
    assert "no room for a column" in refused.stderr
    assert engine.containers("auth-service") == ["1 healthy"] * REPLICAS


ROLL = "import sys; from production import Shop; from rollout import roll; roll(Shop(sys.argv[1]), force=False)"


def roll(deployed: Path, tag: str) -> None:
    """What a deployment does between its migrations and its smoke test."""
    told = {
        "PATH": f"{deployed / 'bin'}:{os.defpath}",
        "DEPLOY_DIR": str(deployed),
        "PYTHONPATH": str(ROOT / "scripts"),
    }
    subprocess.run([sys.executable, "-c", ROLL, tag], env=told, check=True)


def test_what_has_died_is_replaced_and_not_counted_on(engine: Engine, deployed: Path) -> None:
    for service in ("product-service", "gateway"):
        engine.add(service, "1 restarting")
    roll(deployed, "1")
    for service in STATELESS:
        assert engine.containers(service) == ["1 healthy"] * REPLICAS


def test_an_import_under_way_is_left_alone(engine: Engine, deployed: Path) -> None:
    engine.add("product-service-run", "1 healthy")
    roll(deployed, "2")
    assert engine.containers("product-service-run") == ["1 healthy"]
    assert engine.containers("product-service") == ["2 healthy"] * REPLICAS


def test_by_hand_compose_uses_the_release_and_the_settings_that_were_deployed(deployed: Path, run: Run) -> None:
    docker(deployed, 'echo "$*: $SHOP_TAG $PUBLIC_URL $COMPOSE_PROJECT_NAME $SHOP_SECRETS"')
    (deployed / "release").write_text("7")
    (deployed / "settings.env").write_text("# ours\nPUBLIC_URL='https://shop.example'\n")
    told = run("compose", "ps", "--all", "gateway").stdout
    assert "docker-compose.deploy.yml ps --all gateway: 7 https://shop.example shop-live" in told
    assert str(deployed / "secrets") in told


def test_what_is_laid_over_the_file_is_a_setting_that_deploys_and_is_there_by_hand(
    engine: Engine, deployed: Path, run: Run
) -> None:
    docker(deployed, f'echo "$*" >> {deployed / "asked"}; case "$*" in *" build "*) exit 1 ;; esac; {ENGINE}')
    (deployed / "settings.env").write_text("SHOP_OVERLAYS=tests/e2e/deploy-sandbox.yml, /srv/ours.yml\n")
    files = f"-f {ROOT}/docker-compose.deploy.yml -f {ROOT}/tests/e2e/deploy-sandbox.yml -f /srv/ours.yml"
    assert run("deploy", "--tag", "2").returncode == 1
    (deployed / "release").write_text("1")
    run("compose", "ps")
    asked = (deployed / "asked").read_text().splitlines()
    assert f"compose {files} build --quiet" in asked
    assert f"compose {files} ps" in asked


def test_there_is_nothing_to_speak_to_before_a_deployment(run: Run) -> None:
    refused = run("compose", "ps")
    assert refused.returncode == 1
    assert "./scripts/deploy" in refused.stderr


@pytest.mark.parametrize("document", ["docs/operations.md", "docs/scaling.md"])
def test_the_runbooks_speak_to_the_shop_as_it_was_deployed(document: str) -> None:
    assert not re.search(r"docker compose (-|…)(?!-profile)", (ROOT / document).read_text("utf-8"))


DUMPS = """case "$*" in
  ps*) echo 0123 ;;
  inspect*) echo user-db product-db order-db ;;
  exec*) echo "-- asked $* with $MYSQL_PWD"; echo "-- Dump completed" ;;
esac"""


@pytest.fixture
def backup(deployed: Path) -> Path:
    """A whole backup, and a shop that it can be restored to."""
    directory = deployed / "backup"
    directory.mkdir()
    (deployed / "release").write_text("7")
    for name in ("user", "product", "order"):
        (deployed / f"secrets/{name.upper()}_DATABASE_PASSWORD").write_text(f"word of {name}")
        with gzip.open(directory / f"{name}.sql.gz", "wt") as dump:
            dump.write("DO 0;\n" * 100_000 + "-- Dump completed on a day\n")
    return directory


def test_a_backup_shows_the_password_that_holds_since_it_was_changed(backup: Path, deployed: Path, run: Run) -> None:
    docker(deployed, DUMPS)
    (deployed / "secrets/USER_DATABASE_PASSWORD").write_text("the new word")
    assert run("backup", str(backup)).returncode == 0
    written = gzip.decompress((backup / "user.sql.gz").read_bytes()).decode()
    assert " --env MYSQL_PWD 0123 mysqldump " in written
    assert written.count("the new word") == 1
    assert "with the new word" in written


def test_a_full_disk_leaves_no_half_a_dump(backup: Path, deployed: Path, run: Run) -> None:
    docker(deployed, DUMPS)
    (backup / "product.sql.half").symlink_to("/dev/full")
    refused = run("backup", str(backup))
    assert refused.returncode == 1
    assert "no backup: " in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list(backup.glob("*.half"))


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[:-20], lambda whole: whole[:200] + whole[300:], lambda whole: b""],
    ids=["cut off", "damaged", "empty"],
)
def test_nothing_is_touched_for_a_dump_that_is_not_whole(
    damage: Callable[[bytes], bytes], backup: Path, deployed: Path, run: Run
) -> None:
    docker(deployed, f"echo $* >> {deployed / 'asked'}")
    dump = backup / "order.sql.gz"
    dump.write_bytes(damage(dump.read_bytes()))
    refused = run("restore", "--yes", str(backup))
    assert refused.returncode == 1
    assert "no whole backup: order" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (deployed / "asked").exists()


def test_a_server_that_hangs_up_is_told(backup: Path, deployed: Path, run: Run) -> None:
    docker(deployed, DUMPS.replace("exec*)", "exec*) exit 1; "))
    refused = run("restore", "--yes", str(backup))
    assert refused.returncode == 1
    assert "not restored: user could not be loaded" in refused.stderr
    assert "Traceback" not in refused.stderr

"""Catalogues of given sizes on given databases, built once by the shop's own import and kept for the next run."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from tests.bench import goods, shop
from tests.bench.results import PLACE
from tests.shop import ROOT

MIGRATIONS = ROOT / "product_service" / "migrations" / "versions"


@dataclass(frozen=True)
class Server:
    """A kind of database: SQLite, or the MySQL server at this URL."""

    kind: str
    url: URL | None = None

    def database(self, name: str) -> URL:
        """The address of one database there."""
        return (
            self.url.set(database=f"shop_bench_{name}") if self.url else make_url(f"sqlite:///{PLACE}/{name}.sqlite3")
        )

    def create(self, name: str) -> URL:
        """A new database without any table, in the place of an old one."""
        self.drop(name)
        if self.url:
            self._execute(f"CREATE DATABASE `shop_bench_{name}`")
        PLACE.mkdir(parents=True, exist_ok=True)
        return self.database(name)

    def drop(self, name: str) -> None:
        """Do away with a database."""
        if self.url:
            self._execute(f"DROP DATABASE IF EXISTS `shop_bench_{name}`")
            return
        for rest in ("", "-wal", "-shm", ".migration"):
            Path(f"{self.database(name).database}{rest}").unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        """Is there such a database?"""
        if self.url is None:
            return Path(str(self.database(name).database)).exists()
        return self._execute(f"SHOW DATABASES LIKE 'shop_bench_{name}'") > 0

    def _execute(self, statement: str) -> int:
        assert self.url is not None
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            return int(connection.execute(sa.text(statement)).rowcount)


@dataclass(frozen=True)
class Store:
    """A stocked catalogue."""

    size: int
    url: URL
    imported: shop.Ran | None

    @property
    def settings(self) -> dict[str, str]:
        """What a catalogue service is told to serve it."""
        return settings(self.url)


def settings(url: URL) -> dict[str, str]:
    """What a service is told to use this database."""
    return {"DATABASE_URL": url.render_as_string(hide_password=False)}


def migrated(server: Server, name: str, directory: Path) -> URL:
    """A new catalogue without products."""
    url = server.create(name)
    shop.flask("product_service", directory, "db", "upgrade", **settings(url))
    return url


def stocked(server: Server, size: int, directory: Path) -> Store:
    """A catalogue of this size: the one of an earlier run, if the tables are still the same."""
    name, state = f"catalogue_{size}", PLACE / f"{server.kind}-{size}.built"
    if state.exists() and state.read_text() == _fingerprint() and server.has(name):
        return Store(size, server.database(name), None)
    state.unlink(missing_ok=True)
    url = migrated(server, name, directory)
    ran = imported(url, size, directory)
    _settle(url)
    state.write_text(_fingerprint())
    return Store(size, url, ran)


def imported(url: URL, size: int, directory: Path) -> shop.Ran:
    """Import so many products."""
    file = goods.write(PLACE / f"goods-{size}.csv", size)
    return shop.flask("product_service", directory, "catalog", "import", str(file), **settings(url))


def _settle(url: URL) -> None:
    """Let MySQL know its own size, as it would after a while; SQLite never does."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    if engine.dialect.name == "mysql":
        with engine.connect() as connection:
            connection.execute(sa.text("ANALYZE TABLE products"))


def _fingerprint() -> str:
    texts = [*sorted(MIGRATIONS.glob("*.py")), Path(goods.__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in texts)).hexdigest()

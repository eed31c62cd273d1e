"""Typed, frozen settings, read once from the environment, from `NAME_FILE` or from a directory of secrets."""

import os
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

PROJECT = Path(__file__).resolve().parent.parent
MYSQL = ("mysql+pymysql://", "mysql+mysqldb://")


class SettingsError(SystemExit):
    """The process cannot start as it is configured; the message names the variable and the remedy."""


def _is_on_the_web(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0


def _of_the_web(address: str) -> str:
    if not _is_on_the_web(address):
        raise ValueError("must be http://HOST or https://HOST")
    return address.rstrip("/")


def reached_by(*schemes: str) -> AfterValidator:
    """What lets only addresses pass that have one of these schemes and name a host."""

    def reached(address: SecretStr) -> SecretStr:
        parts = urlsplit(address.get_secret_value())
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"must be {' or '.join(f'{scheme}://…' for scheme in schemes)}")
        return address

    return AfterValidator(reached)


Port = Annotated[int, Field(ge=1, le=65535)]
AtLeastOne = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
WebAddress = Annotated[str, AfterValidator(_of_the_web)]
"""Where something answers by HTTP, without a slash at the end."""


class FileSource(PydanticBaseSettingsSource):
    """Values that lie in files: the one that `NAME_FILE` names, else `$SECRETS_DIR/NAME`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = field_name.upper()
        named = os.environ.get(f"{name}_FILE")
        path = Path(named) if named else _secrets_dir() / name
        if not named and not path.is_file():
            return None, field_name, False
        try:
            return path.read_text("utf-8").strip() or None, field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}_FILE: cannot read {path}: {error}") from error

    def __call__(self) -> dict[str, Any]:
        found = ((name, self.get_field_value(field, name)[0]) for name, field in self.settings_cls.model_fields.items())
        return {name: value for name, value in found if value is not None}


class Settings(BaseSettings):
    """What every process reads from its environment; a service adds its own."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: Port
    threads: AtLeastOne = 16
    drain_seconds: Seconds = 0.0
    data_dir: Path = PROJECT / ".data"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    public_url: WebAddress = "http://localhost:8080"
    auth_url: str = "http://127.0.0.1:5000"
    product_url: str = "http://127.0.0.1:5002"
    order_url: str = "http://127.0.0.1:5003"
    trusted_proxies: str = "127.0.0.1,::1"
    redis_url: str | None = None
    events_url: Annotated[SecretStr, reached_by("amqp", "amqps")] | None = None
    otel_exporter_otlp_endpoint: WebAddress | None = None
    secret_key: SecretStr
    service_token: SecretStr
    metrics_token: SecretStr | None = None

    @field_validator("auth_url", "product_url", "order_url")
    @classmethod
    def _without_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("auth_url", "product_url", "order_url")
    @classmethod
    def _of_a_peer(cls, value: str) -> str:
        if "," in value or not _is_on_the_web(value):
            raise ValueError("must be one http://HOST:PORT; several, and SRV records, only the gateway can choose from")
        return value

    @field_validator("redis_url")
    @classmethod
    def _of_redis(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("redis"):
            raise ValueError("must be redis://… or rediss://…")
        return value

    @field_validator("secret_key", "service_token")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        networks(value)
        return value

    @property
    def production(self) -> bool:
        """Is this the real shop, where nothing of the sandbox may run?"""
        return self.environment == "production"

    @cached_property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks whose `X-Forwarded-*` headers count."""
        return networks(self.trusted_proxies)

    @classmethod
    def load(cls, **values: Any) -> Self:
        """The settings of this process; refuses to start, naming each variable at fault."""
        try:
            return cls(**values)
        except ValidationError as error:
            _refuse(error)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, FileSource(settings_cls)


class DatabaseSettings(Settings):
    """Settings of a service that owns a database; `database_name` names the embedded one."""

    database_name: str
    database_url: str | None = Field(None, validate_default=True)
    database_password: SecretStr | None = None
    database_pool: AtLeastOne = 20

    @field_validator("database_url")
    @classmethod
    def _of_a_known_kind(cls, value: str | None, others: ValidationInfo) -> str | None:
        if others.data.get("environment") == "production" and not (value or "").startswith(MYSQL):
            raise ValueError("production needs mysql+pymysql://USER@HOST/DATABASE")
        if value is not None and not (value.startswith(("sqlite:///", *MYSQL)) and _names_a_database(value)):
            raise ValueError("must be sqlite:///FILE or mysql+pymysql://USER@HOST/DATABASE")
        return value

    @cached_property
    def database(self) -> URL:
        """Where this service keeps its tables."""
        if self.database_url is None:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            return make_url(f"sqlite:///{self.data_dir / self.database_name}.sqlite3")
        url = make_url(self.database_url)
        if self.database_password is not None:
            url = url.set(password=self.database_password.get_secret_value())
        return url


def networks(listed: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks that a comma-separated list of addresses and networks names; raises ValueError."""
    return tuple(ip_network(part.strip(), strict=False) for part in listed.split(",") if part.strip())


def _names_a_database(url: str) -> bool:
    try:
        return bool(make_url(url).database)
    except (ArgumentError, ValueError):
        return False


def _secrets_dir() -> Path:
    data_dir = Path(os.environ.get("DATA_DIR") or PROJECT / ".data")
    return Path(os.environ.get("SECRETS_DIR") or data_dir / "secrets")


def _refuse(error: ValidationError) -> NoReturn:
    lines = []
    for fault in error.errors(include_input=False, include_url=False):
        name = str(fault["loc"][0]).upper() if fault["loc"] else "settings"
        if fault["type"] == "missing":
            lines.append(f"{name} is missing: set {name} or {name}_FILE (./scripts/setup makes the local ones)")
        else:
            lines.append(f"{name}: {fault['msg'].removeprefix('Value error, ')}")
    raise SettingsError("cannot start\n  " + "\n  ".join(lines))

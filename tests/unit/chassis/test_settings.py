"""Settings come from the environment or from files, and a process that lacks one says which and what to do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from auth_service.settings import AuthSettings
from chassis.settings import Settings, SettingsError
from gateway.settings import GatewaySettings
from order_service.sandbox.settings import SandboxSettings
from order_service.settings import OrderSettings
from product_service.settings import ProductSettings
from tests.noticeboard.settings import NoticeboardSettings
from tests.services import SECRET_KEY, SERVICE_TOKEN

EVERYBODYS: list[type[Settings]] = [AuthSettings, ProductSettings, OrderSettings, GatewaySettings, SandboxSettings]


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("SERVICE_TOKEN", SERVICE_TOKEN)


def test_a_missing_secret_refuses_to_start_and_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    with pytest.raises(SettingsError) as refused:
        NoticeboardSettings.load()
    assert "SERVICE_TOKEN is missing" in str(refused.value)
    assert "SERVICE_TOKEN_FILE" in str(refused.value)
    assert "scripts/setup" in str(refused.value)
    assert "SECRET_KEY is missing" not in str(refused.value)


@pytest.mark.usefixtures("secrets")
def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert NoticeboardSettings.load().port == 5999
    monkeypatch.setenv("SECRET_KEY", "")
    with pytest.raises(SettingsError, match="SECRET_KEY is missing"):
        NoticeboardSettings.load()


def test_a_secret_can_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SECRET_KEY", "SERVICE_TOKEN"):
        (tmp_path / name.lower()).write_text(f"{name} from a file, long enough to be one\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name.lower()))
    settings = NoticeboardSettings.load()
    assert settings.secret_key.get_secret_value() == "SECRET_KEY from a file, long enough to be one"


def test_any_setting_can_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, secrets: None) -> None:
    (tmp_path / "port").write_text("6123\n")
    monkeypatch.setenv("PORT_FILE", str(tmp_path / "port"))
    assert NoticeboardSettings.load().port == 6123
    monkeypatch.setenv("PORT", "6124")
    assert NoticeboardSettings.load().port == 6124


def test_a_directory_of_secrets_is_looked_at_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SECRET_KEY", "SERVICE_TOKEN"):
        (tmp_path / name).write_text(f"{name} from the directory of secrets")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("SERVICE_TOKEN", SERVICE_TOKEN)
    settings = NoticeboardSettings.load()
    assert settings.secret_key.get_secret_value() == "SECRET_KEY from the directory of secrets"
    assert settings.service_token.get_secret_value() == SERVICE_TOKEN


@pytest.mark.usefixtures("secrets")
def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match=r"DATABASE_PASSWORD_FILE.*nowhere"):
        NoticeboardSettings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("ENVIRONMENT", "staging"),
        ("LOG_LEVEL", "loud"),
        ("SECRET_KEY", "short"),
        ("SERVICE_TOKEN", "short"),
        ("TRUSTED_PROXIES", "somewhere"),
        ("AUTH_URL", "http+srv://_accounts._tcp.service.consul"),
        ("PRODUCT_URL", "http://one:5002,http://other:5002"),
        ("ORDER_URL", "order-service:5003"),
        ("ORDER_URL", "http://order-service:port"),
        ("DATABASE_URL", "not an address"),
        ("DATABASE_URL", "nonsense://x"),
        ("DATABASE_URL", "mysql+pymysql://user:pa:ss@host:word/name"),
        ("DATABASE_URL", "mysql+pymysql://user@host"),
        ("DATABASE_POOL", "-5"),
        ("DRAIN_SECONDS", "-1"),
        ("DRAIN_SECONDS", "inf"),
        ("PUBLIC_URL", "nonsense"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "jaeger:4318"),
        ("EVENTS_URL", "nonsense"),
        ("EVENTS_URL", "amqp:guest@somewhere"),
    ],
)
@pytest.mark.usefixtures("secrets")
def test_a_wrong_value_is_named_and_never_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        NoticeboardSettings.load()
    assert name in str(refused.value)
    if name in ("SECRET_KEY", "SERVICE_TOKEN", "DATABASE_URL", "EVENTS_URL"):
        assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        *((settings, "PORT", port) for settings in EVERYBODYS for port in ("0", "70000")),
        *((settings, "THREADS", "0") for settings in EVERYBODYS),
        (AuthSettings, "DATABASE_URL", "sqlite:///"),
        (AuthSettings, "REDIS_URL", "nonsense"),
        (AuthSettings, "SMTP_URL", "mail.example.com:25"),
        (GatewaySettings, "LOOK_SECONDS", "0"),
        (GatewaySettings, "UPSTREAM_SECONDS", "-1"),
        (GatewaySettings, "REQUESTS_AT_ONCE", "-1"),
        (OrderSettings, "STRIPE_API_BASE", "api.stripe.com"),
    ],
)
@pytest.mark.usefixtures("secrets")
def test_every_process_refuses_what_cannot_be(
    monkeypatch: pytest.MonkeyPatch, settings: type[Settings], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        settings.load()


@pytest.mark.usefixtures("secrets")
def test_the_catalogue_is_not_open_to_all_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALOG_WRITES", "open")
    monkeypatch.setenv("DATABASE_URL", "mysql+pymysql://product@db/product")
    assert ProductSettings.load().catalog_writes == "open"
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SettingsError, match="CATALOG_WRITES"):
        ProductSettings.load()


@pytest.mark.usefixtures("secrets")
def test_settings_are_frozen_and_keep_their_secrets() -> None:
    settings = NoticeboardSettings.load()
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
    assert SECRET_KEY not in repr(settings)
    assert SECRET_KEY not in str(settings.model_dump())


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("driver", ["pymysql", "mysqldb"])
def test_the_password_goes_into_the_databases_address(monkeypatch: pytest.MonkeyPatch, driver: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"mysql+{driver}://cloudacademy@db:3306/user")
    monkeypatch.setenv("DATABASE_PASSWORD", "p@ss/word")
    url = NoticeboardSettings.load().database
    assert url.password == "p@ss/word"
    assert "p@ss" not in str(url)
    assert "p%40ss%2Fword" in url.render_as_string(hide_password=False)


@pytest.mark.parametrize("url", [None, "sqlite:////tmp/notices.sqlite3"])
@pytest.mark.usefixtures("secrets")
def test_production_does_not_run_on_sqlite(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    if url:
        monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        assert NoticeboardSettings.load().database

"""What the gateway reads from its environment."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from chassis.limits import Limit, Rule
from chassis.settings import AtLeastOne, Port, Seconds, Settings


class GatewaySettings(Settings):
    """The gateway's settings; its threads make its own pages, what it passes on needs none."""

    port: Port = 8080
    threads: AtLeastOne = 8
    routes_file: Path = Path(__file__).with_name("routes.toml")
    nameserver: str | None = None
    requests_at_once: int = Field(256, ge=0)
    trusted_proxies: str = ""
    ratelimit_requests: Rule = "6000/minute"
    ratelimit_reads: Rule = "off"
    ratelimit_writes: Rule = "off"
    ratelimit_sign_in_attempts: Rule = "off"
    ratelimit_account_reads: Rule = "off"
    ratelimit_account_writes: Rule = "off"
    look_seconds: Seconds = Field(2.0, gt=0)
    connect_seconds: Seconds = Field(1.0, gt=0)
    upstream_seconds: Seconds = Field(30.0, gt=0)
    cache_bytes: int = Field(64 * 1024 * 1024, ge=0)
    cache_seconds: Seconds = 0.0

    @field_validator("auth_url", "product_url", "order_url")
    @classmethod
    def _of_a_peer(cls, value: str) -> str:
        # The routing file says what may stand here, wherever it names them.
        return value

    @field_validator("nameserver")
    @classmethod
    def _a_place(cls, written: str | None) -> str | None:
        place = urlsplit(f"//{written}")
        if written is not None and not (place.hostname and place.port != 0 and place.netloc == written):
            raise ValueError("must be HOST or HOST:PORT")
        return written

    @property
    def urls(self) -> dict[str, str]:
        """The settings that the routing file may name as a service's address."""
        return {"AUTH_URL": self.auth_url, "PRODUCT_URL": self.product_url, "ORDER_URL": self.order_url}

    def limit(self, name: str) -> Limit:
        """What `RATELIMIT_…` says of these."""
        return Limit(name, getattr(self, f"ratelimit_{name}"), self.redis_url)

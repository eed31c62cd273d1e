"""The settings of the payment sandbox."""

import secrets
from typing import Self

from pydantic import Field, SecretStr, model_validator

from chassis.settings import AtLeastOne, Port, Seconds, Settings, WebAddress


def _of_its_own() -> SecretStr:
    return SecretStr(secrets.token_urlsafe(48))


class SandboxSettings(Settings):
    """What every process reads; `webhook_url` is where signed events go, each `webhook_copies` times and so late."""

    port: Port = 5004
    threads: AtLeastOne = 256
    secret_key: SecretStr = Field(default_factory=_of_its_own)
    service_token: SecretStr = Field(default_factory=_of_its_own)
    webhook_url: WebAddress | None = None
    payment_webhook_secret: SecretStr | None = None
    webhook_copies: int = Field(default=1, ge=0, le=10)
    webhook_delay: Seconds = 0.0

    @model_validator(mode="after")
    def _fit_to_run(self) -> Self:
        if self.production:
            raise ValueError("ENVIRONMENT is production, where payments are real: the sandbox does not run here")
        if self.webhook_url and self.payment_webhook_secret is None:
            raise ValueError("PAYMENT_WEBHOOK_SECRET is missing: webhooks to WEBHOOK_URL are signed with it")
        return self

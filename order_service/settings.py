"""The settings of the orders."""

from typing import Self

from pydantic import SecretStr, model_validator

from chassis.settings import DatabaseSettings, Port, WebAddress


class OrderSettings(DatabaseSettings):
    """What every service reads, and what the orders need besides.

    `stripe_api_base` is the payment provider's address: by default the sandbox, in production Stripe's own.
    """

    port: Port = 5003
    database_name: str = "order"
    sandbox_url: WebAddress = "http://127.0.0.1:5004"
    stripe_api_key: SecretStr = SecretStr("sk_test_sandbox")
    stripe_api_base: WebAddress | None = None
    payment_webhook_secret: SecretStr
    failpoint: str | None = None

    @model_validator(mode="after")
    def _no_failpoint_in_production(self) -> Self:
        if self.production and self.failpoint:
            raise ValueError("FAILPOINT is for tests: unset it in production")
        return self

    @property
    def takes_sandbox_cards(self) -> bool:
        """Does this shop take the sandbox's cards, which cost nobody anything?"""
        return not self.production and self.stripe_api_base is None

"""What the catalogue reads from its environment."""

from typing import Literal

from pydantic import ValidationInfo, field_validator

from chassis.settings import DatabaseSettings, Port


class ProductSettings(DatabaseSettings):
    """The catalogue's settings; `CATALOG_WRITES=open` lets the tutorial's curl lines add products without a token."""

    port: Port = 5002
    database_name: str = "product"
    catalog_writes: Literal["staff", "open"] = "staff"

    @field_validator("catalog_writes")
    @classmethod
    def _not_open_in_production(cls, value: str, others: ValidationInfo) -> str:
        if value == "open" and others.data.get("environment") == "production":
            raise ValueError("open is for the tutorial: in production catalogue writes are the staff's")
        return value

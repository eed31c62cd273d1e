"""What the catalogue reads from its environment."""

from typing import Literal

from chassis.settings import DatabaseSettings


class ProductSettings(DatabaseSettings):
    """The catalogue's settings; `CATALOG_WRITES=open` lets the tutorial's curl lines add products without a token."""

    port: int = 5002
    database_name: str = "product"
    catalog_writes: Literal["staff", "open"] = "staff"

"""Slugs: the names by which products go in addresses."""

import secrets
from typing import Annotated

import sqlalchemy as sa
from pydantic import AfterValidator, Field, StringConstraints
from slugify import slugify

from chassis.database import db
from product_service.models import SLUG_LENGTH, Product

Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=SLUG_LENGTH)]
"""Letters of the English alphabet, digits, `-` and `_`; at most 120 of them."""

RESERVED = frozenset({"facets", "suggest"})
"""What stands for itself in the API's addresses of products."""


def _free(slug: str) -> str:
    if slug in RESERVED:
        raise ValueError("is reserved by the shop")
    return slug


NewSlug = Annotated[Slug, AfterValidator(_free), Field(json_schema_extra={"not": {"enum": sorted(RESERVED)}})]
"""A slug that a product may be given."""

NAMELESS = "product"
MADE_LENGTH = 100
NUMBERED = 20


def made_from(name: str) -> str:
    """The slug that a name suggests; empty when the name has nothing that can be spelt so."""
    return slugify(name, max_length=MADE_LENGTH, word_boundary=True)


def free_for(name: str) -> str:
    """A slug for this name that no product on sale has: `mug`, else `mug-2`, `mug-3` and so on."""
    base = made_from(name) or NAMELESS
    offered = [base, *(f"{base}-{number}" for number in range(2, NUMBERED + 1))]
    on_sale = sa.select(Product.slug).where(Product.slug.in_(offered), Product.retired == 0)
    taken = RESERVED.union(db.session.scalars(on_sale))
    return next((slug for slug in offered if slug not in taken), f"{base}-{secrets.token_hex(4)}")

"""The catalogue: what is on sale, under which name, at which price."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import sqlalchemy as sa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from sqlalchemy.exc import IntegrityError

from chassis import outbox
from chassis.database import db, now, reader
from chassis.driver import Prepared
from chassis.money import money
from chassis.paging import PageQuery, Slice, Sort, page
from chassis.problems import Refusal
from chassis.schemas import Amount, OneLine, Printable
from product_service.domain import indexes, search, slugs, stock
from product_service.models import Product

ATTEMPTS = 5
MOST_CATEGORIES = 1000
LONGEST_QUERY = 1000
FILTERS = ("category", "in_stock")
LINE_END = re.compile("\r\n?")

goods = Product.__table__.c
COLUMNS = (
    goods.id,
    goods.slug,
    goods.name,
    goods.description,
    goods.price,
    goods.image,
    goods.category,
    goods.available,
    goods.created_at,
    goods.updated_at,
)
BY_SLUG = Prepared(sa.select(*COLUMNS).where(goods.slug == sa.bindparam("slug"), goods.retired == 0))
ProductRow: TypeAlias = Any
OLDEST = Sort("oldest", (goods.id,))
NEWEST = Sort("newest", (goods.id,), descending=True)
SORTS = {
    "newest": NEWEST,
    "price": Sort("price", (goods.price, goods.id)),
    "-price": Sort("-price", (goods.price, goods.id), descending=True),
    "name": Sort("name", (goods.name, goods.id)),
}


def _with_line_feeds(text: Any) -> Any:
    return LINE_END.sub("\n", text) if isinstance(text, str) else text


Description = Annotated[str, BeforeValidator(_with_line_feeds), StringConstraints(max_length=10_000), Printable]
"""A text of lines, each of which ends with a line feed however it was sent: browsers do not keep how."""

_WORD = StringConstraints(strip_whitespace=True, min_length=1, max_length=100)
Category = Annotated[str, _WORD, OneLine]
_ADDRESS = StringConstraints(strip_whitespace=True, min_length=1, max_length=500)
Image = Annotated[str, _ADDRESS, OneLine]
"""A picture's address, `https://…` or a path of this shop, or its plain name."""


class ProductUnknown(Refusal):
    """No product on sale goes by this slug."""

    detail = "Cannot find product"


class SlugTaken(Refusal):
    """Another product on sale has this slug."""

    def __init__(self, slug: str) -> None:
        message = "is taken by another product"
        super().__init__(f"The slug {slug} {message}.", errors=[{"field": "slug", "message": message}])


class Filters(BaseModel):
    """What narrows the shelves down, prices in minor units."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: str | None = Field(None, max_length=LONGEST_QUERY)
    category: str | None = Field(None, max_length=100)
    min_price: Amount | None = None
    max_price: Amount | None = None
    in_stock: bool | None = None


class Wanted(Filters, PageQuery):
    """What a visitor looks for; the best match comes first unless `sort` is given."""

    sort: Literal["newest", "price", "-price", "name"] | None = None


def browse(wanted: Wanted) -> Slice:
    """The page of products on sale that a visitor asks for."""
    filters = {name: getattr(wanted, name) for name in FILTERS if getattr(wanted, name) is not None}
    statement = sa.select(*COLUMNS).where(*(goods[name] == value for name, value in filters.items()))
    prices = wanted.min_price, wanted.max_price
    sort = SORTS[wanted.sort or "newest"]
    if wanted.q:
        statement = statement.where(*indexes.between(goods.price, *prices))
        statement, best_first = search.matching(statement, wanted.q)
        sort = sort if wanted.sort else best_first or sort
    else:
        statement = statement.where(goods.retired == 0)
        statement = indexes.in_order(statement, list(filters), str(sort.columns[0].key), *prices)
    return page(reader, statement, sort, wanted)


def every(query: PageQuery) -> Slice:
    """A page of all products on sale, the oldest first."""
    return page(reader, sa.select(*COLUMNS).where(goods.retired == 0), OLDEST, query)


def is_empty() -> bool:
    """Has there never been a product?"""
    return db.session.scalar(sa.select(goods.id).limit(1)) is None


def find(slug: str) -> ProductRow:
    """The product on sale under this slug."""
    rows = reader.execute(BY_SLUG, {"slug": slug})
    if not rows or rows[0].slug != slug:  # as MySQL passes over blanks at the end
        raise ProductUnknown
    return rows[0]


def find_deleted_too(slug: str) -> ProductRow:
    """The product on sale under this slug, else the last that was."""
    found = named([slug], [])
    if not found:
        raise ProductUnknown
    return found[0]


def named(wanted_slugs: Sequence[str], ids: Sequence[int]) -> list[ProductRow]:
    """The products by these slugs or ids, deleted ones too; of several with one slug the one on sale, else the last."""
    chosen = sa.or_(goods.slug.in_(wanted_slugs), goods.id.in_(ids))
    oldest_first = sa.select(*COLUMNS, goods.retired).where(chosen).order_by(goods.retired == 0, goods.id)
    rows = reader.execute(oldest_first)
    by_slug = {row.slug: row for row in rows if row.slug in wanted_slugs}
    by_id = {row.id: row for row in rows if row.id in ids}
    return list(({row.id: row for row in by_slug.values()} | by_id).values())


def categories() -> list[dict[str, Any]]:
    """Every category with the number of products on sale in it, by name."""
    count = sa.func.count().label("count")
    statement = (
        sa.select(goods.category.label("name"), count)
        .where(goods.retired == 0, goods.category.is_not(None))
        .group_by(goods.category)
        .order_by(goods.category)
        .limit(MOST_CATEGORIES)
    )
    return [row._asdict() for row in reader.execute(statement)]


def category_names(most: int = MOST_CATEGORIES) -> list[str]:
    """The first categories of products on sale, by name; an index leads from one to the next."""
    first = sa.select(sa.func.min(goods.category).label("name"), sa.literal(1).label("place")).where(goods.retired == 0)
    walk = first.cte("walk", recursive=True)
    following = sa.select(sa.func.min(goods.category)).where(goods.retired == 0, goods.category > walk.c.name)
    goes_on = sa.and_(walk.c.name.is_not(None), walk.c.place < most)
    walk = walk.union_all(sa.select(following.scalar_subquery(), walk.c.place + 1).where(goes_on))
    statement = sa.select(walk.c.name).where(walk.c.name.is_not(None)).order_by(walk.c.place)
    return [name for (name,) in reader.execute(statement)]


def add(values: Mapping[str, Any], stocked: int, by: str | None) -> Product:
    """Put a new product on sale; without a slug it gets one made from its name."""
    given = values.get("slug")
    for _ in range(ATTEMPTS):
        slug = given or slugs.free_for(values["name"])
        product = Product(**{**values, "slug": slug}, available=stocked, reserved=0, sold=0, stocked=stocked)
        try:
            with db.session.begin_nested():
                db.session.add(product)
        except IntegrityError as error:
            if given:
                raise SlugTaken(given) from error
            continue
        stock.record_opening(product, by)
        return product
    raise SlugTaken(slugs.made_from(values["name"]))


def to_change(slug: str) -> Product:
    """The product on sale under this slug, kept from others' changes until the transaction ends."""
    on_sale = sa.select(Product).where(Product.slug == slug, Product.retired == 0)
    product = db.session.scalar(on_sale.with_for_update())
    if product is None or product.slug != slug:
        raise ProductUnknown
    return product


def change(product: Product, values: Mapping[str, Any]) -> None:
    """Give the product these values; its stock is not among them."""
    for name, value in values.items():
        setattr(product, name, value)
    if not db.session.is_modified(product):
        return
    product.updated_at = now()
    slug = product.slug
    try:
        with db.session.begin_nested():
            db.session.flush()
    except IntegrityError as error:
        raise SlugTaken(slug) from error
    tell_changed(product)


def retire(product: Product) -> None:
    """Take the product off sale for good; what is reserved of it may still be sold."""
    product.retired = product.id
    product.updated_at = now()
    db.session.flush()
    tell_changed(product)


def tell_changed(*products: Product | ProductRow) -> None:
    """Tell whoever keeps copies what products are now, and whether they are still on sale."""
    outbox.record_many("product.changed", ((product.slug, _state(product)) for product in products))


def _state(product: Product | ProductRow) -> dict[str, Any]:
    state = {"id": product.id, "slug": product.slug, "name": product.name, "price": money(product.price)}
    return {**state, "on_sale": product.retired == 0}

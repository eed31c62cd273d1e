"""What the catalogue's API takes and shows."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from chassis.money import Money, major_units, money
from chassis.paging import PageQuery
from chassis.schemas import Body, Line, Moment, View, Whole
from product_service.domain import stock
from product_service.domain.catalogue import LONGEST_QUERY, Category, Description, Image
from product_service.domain.prices import MajorUnits
from product_service.domain.slugs import NewSlug, Slug
from product_service.domain.stock import Count
from product_service.domain.wishes import Held
from product_service.models import Reservation, StockMovement

FIRST_STOCK = 100
MOST_LINES = 100
HOLD_SECONDS = 900
LONGEST_HOLD_SECONDS = 24 * 3600


def _some(delta: int) -> int:
    if delta == 0:
        raise ValueError("must not be 0")
    return delta


def _parts(text: Any) -> Any:
    return text.split(",") if isinstance(text, str) else text


def _unchanged() -> Any:
    return None


_DELTA_SCHEMA = {"type": "integer", "minimum": -stock.MOST, "maximum": stock.MOST, "not": {"const": 0}}
Delta = Annotated[int, Field(ge=-stock.MOST, le=stock.MOST), AfterValidator(_some), WithJsonSchema(_DELTA_SCHEMA)]
Slugs = Annotated[list[Slug], BeforeValidator(_parts), Field(max_length=MOST_LINES)]
Ids = Annotated[list[Annotated[Whole, Field(ge=1, lt=2**63)]], BeforeValidator(_parts), Field(max_length=MOST_LINES)]


class ProductBody(Body):
    """A whole product as staff write it; `price` in minor units."""

    name: Line
    slug: NewSlug | None = None
    description: Description = ""
    price: Money
    image: Image | None = None
    category: Category | None = None

    def values(self) -> dict[str, Any]:
        """The product's values; a slug that was left out stays as it is, or is made."""
        without = {"price", "stock"} | (set() if self.slug else {"slug"})
        return {**self.model_dump(exclude=without), "price": self.price.amount}


class NewProduct(ProductBody):
    """A new product, and how many there are of it."""

    stock: Count = 0


class ProductChanges(Body):
    """The values of a product that are to change."""

    name: Line = Field(default_factory=_unchanged)
    slug: NewSlug = Field(default_factory=_unchanged)
    description: Description = Field(default_factory=_unchanged)
    price: Money = Field(default_factory=_unchanged)
    image: Image | None = None
    category: Category | None = None

    def values(self) -> dict[str, Any]:
        """The values that were sent."""
        values = self.model_dump(exclude_unset=True, exclude={"price"})
        return values | ({"price": self.price.amount} if "price" in self.model_fields_set else {})


class ProductView(View):
    """A product; `available` can be bought now."""

    id: int
    slug: str
    name: str
    description: str
    price: Money
    image: str | None
    category: str | None
    available: int
    created_at: Moment
    updated_at: Moment


class Typed(BaseModel):
    """What a visitor has typed so far."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: str = Field("", max_length=LONGEST_QUERY)


class SuggestionView(View):
    """A product that may be meant."""

    slug: str
    name: str


class Suggestions(View):
    """At most eight products that may be meant, those first whose names begin with what was typed.

    Where there are none, `did_you_mean` may be a question that finds some.
    """

    items: list[SuggestionView]
    did_you_mean: str | None


class CategoryView(View):
    """A category and the number of products on sale in it."""

    name: str
    count: int


class Categories(View):
    """Every category."""

    items: list[CategoryView]


class CategoryFacetView(View):
    """A category, and how many products it would leave; with `more` there are more than `count`."""

    name: str
    count: int
    more: bool


class PriceFacetView(View):
    """Prices from `min_price` to `max_price` in minor units, or any above, and how many products they would leave."""

    min_price: int
    max_price: int | None
    count: int
    more: bool


class FacetsView(View):
    """What there is to choose from: the categories by name and the ranges of prices that would leave anything."""

    categories: list[CategoryFacetView]
    prices: list[PriceFacetView]


class StockAdjustment(Body):
    """Goods counted in or out, and why."""

    delta: Delta
    reason: Line


class MovementView(View):
    """Goods that came or went: `opening`, `adjustment`, `sale`, `return`, or `balance`, the sum of what is archived.

    `by` is the member of staff.
    """

    id: int
    kind: str
    delta: int
    reason: str
    by: str | None
    created_at: Moment


class AdjustedView(MovementView):
    """An adjustment, and how many can be bought after it."""

    available: int


class WantedLine(Body):
    """So many of one product."""

    slug: Slug
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class NewReservation(Body):
    """Goods to hold under the buyer's reference, for 15 minutes unless told otherwise."""

    items: Annotated[list[WantedLine], Field(min_length=1, max_length=MOST_LINES)]
    reference: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,100}$")]
    ttl_seconds: Annotated[int, Field(ge=1, le=LONGEST_HOLD_SECONDS)] = HOLD_SECONDS


class ReservedLine(View):
    """So many of one product, at the price when they were reserved."""

    slug: str
    name: str
    quantity: int
    unit_price: Money


class ReservationView(View):
    """A reservation: `held`, `committed`, `released`, `expired` or `returned`."""

    id: str
    reference: str
    status: str
    expires_at: Moment
    items: list[ReservedLine]


class Batch(BaseModel):
    """Products by slug or id, each list divided by commas."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slugs: Slugs = []
    ids: Ids = []


class ReservationsAfter(BaseModel):
    """A stretch of all reservations, ordered by id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str = Field("", max_length=36)
    limit: Whole = Field(500, ge=1, le=500)


class FirstProduct(BaseModel):
    """A product as the tutorial's client writes it; `price` in major units."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    name: Line
    slug: NewSlug
    image: Image
    price: MajorUnits
    stock: Count = FIRST_STOCK

    def values(self) -> dict[str, Any]:
        """The product's values."""
        return self.model_dump(exclude={"stock"})


class FirstPage(PageQuery):
    """Which page of the tutorial's list, which knew no pages: a thousand products each."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    limit: Whole = Field(1000, ge=1, le=1000)


class FirstProductView(View):
    """A product as the tutorial's API shows it."""

    id: int
    name: str
    slug: str
    price: float
    image: str | None


class FirstAdded(View):
    """What the tutorial's API says of a new product."""

    message: str
    product: FirstProductView


class FirstFound(View):
    """What the tutorial's API says of one product."""

    result: FirstProductView


class FirstList(View):
    """What the tutorial's API says of all products."""

    results: list[FirstProductView]


def product_document(product: Any) -> dict[str, Any]:
    """A product, row or object, as it stands on the wire."""
    return {
        "id": product.id,
        "slug": product.slug,
        "name": product.name,
        "description": product.description,
        "price": money(product.price),
        "image": product.image,
        "category": product.category,
        "available": product.available,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }


def first_document(product: Any) -> dict[str, Any]:
    """A product as the tutorial's API shows it, with its price in major units."""
    price = major_units(product.price)
    return {"id": product.id, "name": product.name, "slug": product.slug, "price": price, "image": product.image}


def brief_document(product: Any) -> dict[str, Any]:
    """A product as a cart needs it; of a deleted one nothing is available."""
    deleted = product.retired != 0
    return {
        "id": product.id,
        "slug": product.slug,
        "name": product.name,
        "price": money(product.price),
        "image": product.image,
        "available": 0 if deleted else product.available,
        "deleted": deleted,
    }


def movement_document(movement: StockMovement | Any) -> dict[str, Any]:
    """A movement of goods as it stands on the wire."""
    return {
        "id": movement.id,
        "kind": movement.kind,
        "delta": movement.delta,
        "reason": movement.reason,
        "by": movement.made_by,
        "created_at": movement.created_at,
    }


def reservation_document(reservation: Reservation | Held) -> Mapping[str, Any]:
    """A reservation as it stands on the wire."""
    items = [
        {"slug": line.slug, "name": line.name, "quantity": line.quantity, "unit_price": money(line.unit_price)}
        for line in reservation.lines
    ]
    return {
        "id": reservation.id,
        "reference": reservation.reference,
        "status": reservation.status,
        "expires_at": reservation.expires_at,
        "items": items,
    }

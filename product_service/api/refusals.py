"""What the catalogue's refusals are to a client: status and slug."""

from chassis.problems import Refusals
from product_service.domain.catalogue import ProductUnknown, SlugTaken
from product_service.domain.importer import NotImportable
from product_service.domain.pictures import NotAPicture
from product_service.domain.reservations import ReservationExpired, ReservationReleased, ReservationUnknown
from product_service.domain.stock import StockOutOfBounds
from product_service.domain.wishes import OutOfStock, ReferenceReused

REFUSALS: Refusals = {
    ProductUnknown: (404, "product-unknown"),
    SlugTaken: (409, "slug-taken"),
    NotImportable: (422, "not-importable"),
    NotAPicture: (422, "not-a-picture"),
    StockOutOfBounds: (409, "stock-out-of-bounds"),
    OutOfStock: (409, "out-of-stock"),
    ReferenceReused: (409, "reference-reused"),
    ReservationUnknown: (404, "reservation-unknown"),
    ReservationExpired: (410, "reservation-expired"),
    ReservationReleased: (410, "reservation-released"),
}

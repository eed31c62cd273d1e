"""Reservations: for the shop's own services, which hold goods here while they are paid for."""

from flask import Response, current_app

from chassis import wire
from chassis.answers import committed
from chassis.database import db
from chassis.idempotency import claimed, idempotent
from chassis.identity import Who
from chassis.routes import Routes
from product_service.api.schemas import NewReservation, ReservationView, reservation_document
from product_service.domain import reservations as holds
from product_service.domain import wishes

reservations = Routes("reservations", __name__)
ONE = "/api/v2/reservations/<reservation_id>"


@reservations.post("/api/v2/reservations", who=Who.SERVICE, body=NewReservation, answers={201: ReservationView})
@idempotent
def reserve(body: NewReservation) -> Response:
    """Hold goods, all or none; the same reference again shows the same reservation, whatever became of it."""
    wish = wishes.wish(((line.slug, line.quantity) for line in body.items), body.reference, body.ttl_seconds)
    # What has claimed a key is one transaction with its claim, and serves nobody else.
    reservation = wishes.reserve(wish) if claimed() else current_app.extensions["rush"].serve(wish)
    return committed(reservation_document(reservation), 201, location=f"/api/v2/reservations/{reservation.id}")


@reservations.get(ONE, who=Who.SERVICE, answers={200: ReservationView})
def show_reservation(reservation_id: str) -> Response:
    """One reservation as it stands."""
    return wire.json_response(reservation_document(holds.find(reservation_id)))


@reservations.post(f"{ONE}/commit", who=Who.SERVICE, answers={200: ReservationView})
def commit_reservation(reservation_id: str) -> Response:
    """Sell what is held; again, the same answer. Expired: 410, and the goods are back on sale."""
    try:
        return committed(reservation_document(holds.commit(reservation_id)))
    except holds.ReservationExpired:
        db.session.commit()
        raise


@reservations.delete(ONE, who=Who.SERVICE, answers={204: None})
def withdraw_reservation(reservation_id: str) -> Response:
    """Put goods back on sale: held ones are released, sold ones taken back as for a cancelled order.

    Goods taken back leave a movement in the ledger. Again, or after expiry, nothing more happens.
    """
    holds.withdraw(reservation_id)
    return committed(status=204)

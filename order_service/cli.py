"""The operator's commands: `orders timeline ID`, `orders reconcile`."""

from datetime import timedelta

import click
from flask.cli import AppGroup

from chassis.database import now
from chassis.peers import PeerUnavailable
from chassis.wire import rfc3339
from order_service.adapters.lines import catalogue, payments
from order_service.domain import reconciliation
from order_service.domain import timeline as timelines
from order_service.domain.orders import OrderNotFound
from order_service.domain.payment import OutcomeUnknown
from order_service.domain.reconciliation import Discrepancy

orders = AppGroup("orders", help="What became of orders, and whether the books agree.")


@orders.command("timeline")
@click.argument("name", metavar="ID")
def timeline(name: str) -> None:
    """Tell the story of one order, by its id or number: steps, retries, compensations, events."""
    try:
        order = timelines.find(name)
    except OrderNotFound as error:
        raise click.ClickException(f"there is no order {name}") from error
    click.echo(f"order {order.number} ({order.id}) of user {order.user_id}: {order.status}, next step {order.step}")
    for moment in timelines.of(order):
        click.echo(f"{rfc3339(moment.at)}  {moment.event:24}  {moment.detail}  {_request(moment.request_id)}".rstrip())


@orders.command("reconcile")
@click.option("--repair", is_flag=True, help="Mend what can be mended without asking anybody.")
@click.option("--days", default=30, show_default=True, help="How far back to look.")
def reconcile(repair: bool, days: int) -> None:
    """Compare orders, the provider's ledger and the stock; name each discrepancy."""
    try:
        since = now() - timedelta(days=days)
        left = sum(_told(found, repair) for found in reconciliation.compare(catalogue(), payments(), since))
    except (PeerUnavailable, OutcomeUnknown) as error:
        raise click.ClickException(str(error)) from error
    click.echo("the books agree" if not left else f"{left} discrepancies")
    if left:
        raise SystemExit(1)


def _told(found: Discrepancy, repair: bool) -> bool:
    """Say it, mend it if asked and possible; is it still there?"""
    mended = repair and found.repair is not None
    if mended:
        assert found.repair is not None
        found.repair()
    click.echo(f"{found.about}: {found.problem}{' (repaired)' if mended else ''}")
    return not mended


def _request(request_id: str | None) -> str:
    return f"request {request_id}" if request_id else ""

"""What the shop writes to its customers."""

from typing import Any

from auth_service.models import User
from chassis import mail
from chassis.database import db
from chassis.money import shown

ORDER_CONFIRMED = """Hello {name},

thank you for your order {number}.

{lines}

Total: {total}

Follow it at {address}
"""


def confirm_order(order: dict[str, Any], *, address: str, reference: str) -> None:
    """Write to the customer that an order, as its event describes it, is confirmed."""
    user = db.session.get(User, order["user_id"])
    if user is None:
        return
    lines = [f"{line['quantity']} x {line['name']}  {shown(line['line_total']['amount'])}" for line in order["items"]]
    text = ORDER_CONFIRMED.format(
        name=user.first_name or user.username,
        number=order["number"],
        lines="\n".join(lines),
        total=shown(order["total"]["amount"]),
        address=address,
    )
    mail.write(user.email, f"Your order {order['number']} is confirmed", text, reference=reference)

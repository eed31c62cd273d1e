"""The broker without a server, apart from what every broker does."""

from pathlib import Path

import pytest

from chassis.broker import BrokerAway
from chassis.database import now
from chassis.envelope import Event
from chassis.postbox import Postbox


def test_a_postbox_that_could_not_be_opened_is_opened_anew(tmp_path: Path) -> None:
    file, postbox = tmp_path / "postbox.sqlite3", Postbox(tmp_path)
    letters = [Event("1", "product.changed", "product_service", "lamp", now(), {})]
    file.write_text("no postbox, but a text that is somewhat longer than the head of a file of SQLite would be" * 2)
    with pytest.raises(BrokerAway):
        postbox.publish(letters)

    file.unlink()
    postbox.publish(letters)

    assert postbox.deliver("order_service", lambda _: None) == 1
    postbox.close()

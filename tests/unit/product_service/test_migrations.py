"""What the catalogue's migrations do with the goods that were there before."""

import sqlalchemy as sa
from flask_migrate import upgrade

from chassis.database import db
from tests.databases import Databases
from tests.services import made


def test_search_knows_what_was_there_before_it(databases: Databases) -> None:
    with made("product_service", databases.empty("migrations")) as app, app.app_context():
        upgrade(revision="0001")
        db.session.execute(
            sa.text(
                "INSERT INTO products (slug, retired, name, description, price, available, reserved, sold, stocked, "
                "created_at, updated_at) VALUES ('mug', 0, 'Tea mug', '', 1, 0, 0, 0, 0, '2026-01-01 00:00:00.000000', "
                "'2026-01-01 00:00:00.000000')"
            )
        )
        db.session.commit()
        upgrade()
        found = app.test_client().get("/api/v2/products?q=mug").get_json()["items"]
        assert [item["slug"] for item in found] == ["mug"]

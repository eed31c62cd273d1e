"""The orders' migrations go up, down and up again, and make what the models say."""

import sqlalchemy as sa
from flask_migrate import check, downgrade, upgrade

from chassis.database import db
from tests.databases import Databases
from tests.services import made


def test_up_down_and_up_again(databases: Databases) -> None:
    with made("order_service", databases.empty("migrations")) as app, app.app_context():
        upgrade()
        check()
        downgrade(revision="base")
        assert set(sa.inspect(db.engine).get_table_names()) == {"alembic_version"}
        upgrade()
        check()

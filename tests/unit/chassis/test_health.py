"""A probe says whether the process lives, and whether what it needs is there."""

import sqlalchemy as sa
from flask import Flask

from chassis import health, outbox
from chassis.app import VERSION
from chassis.database import db
from tests.conftest import MakeApp


def test_a_service_on_an_old_database_is_not_ready(noticeboard: Flask) -> None:
    client = noticeboard.test_client()
    assert client.get("/readyz").status_code == 200
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.get_json()["status"] == "failing"
    assert "run db upgrade" in answer.get_json()["checks"]["database"]["detail"]
    assert client.get("/livez").status_code == 200
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    db.session.commit()


def test_a_service_on_the_tables_of_a_later_release_is_ready(noticeboard: Flask) -> None:
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))
    try:
        answer = noticeboard.test_client().get("/readyz")
        assert answer.status_code == 200
        assert answer.get_json()["checks"]["database"]["detail"] == "at migration 0002"
    finally:
        db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
        db.session.commit()


def test_a_ready_service_tells_its_release_and_how_long_its_queues_are(product_app: Flask) -> None:
    client = product_app.test_client()
    assert client.get("/readyz").get_json()["checks"]["outbox"] == {"status": "ok", "detail": "0 waiting"}
    outbox.record("product.changed", {"name": "Mug"}, subject="mug")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["checks"]["outbox"]["detail"].startswith("1 waiting, the oldest for ")
    assert answer.get_json()["checks"]["release"] == {"status": "ok", "detail": VERSION}


def test_a_queue_that_cannot_be_counted_makes_nobody_unready(product_app: Flask) -> None:
    health.tell_queue(product_app, "torn", lambda: str(db.session.scalar(sa.text("SELECT 1 FROM nowhere"))))
    answer = product_app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["checks"]["torn"] == {"status": "ok", "detail": "unknown"}


def test_metrics_can_be_shown_to_holders_of_a_token_only(make_app: MakeApp) -> None:
    app = make_app("tests.noticeboard", metrics_token="the token of the metrics")
    assert app.test_client().get("/metrics").status_code == 401
    assert app.test_client(token="another token").get("/metrics").status_code == 401
    shown = app.test_client(token="the token of the metrics").get("/metrics")
    assert shown.status_code == 200
    assert shown.mimetype == "text/plain"


def test_a_made_up_method_makes_no_label(noticeboard: Flask) -> None:
    client = noticeboard.test_client()
    client.open("/livez", method="CANARY")
    assert "CANARY" not in client.get("/metrics").get_data(as_text=True)


def test_a_process_told_to_stop_is_not_ready_and_stays_with_nobody(product_app: Flask) -> None:
    client = product_app.test_client()
    assert client.get("/readyz").status_code == 200
    health.leaving.set()
    try:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.headers["Connection"] == "close"
        assert client.get("/livez").status_code == 200
    finally:
        health.leaving.clear()

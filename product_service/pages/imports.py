"""Importing a file of products: looked through first, with every bad line named, and then stored whole."""

from io import StringIO
from typing import Any

from flask import Response, flash, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from chassis.database import db
from chassis.identity import Who
from chassis.pages import page, shown_again
from chassis.routes import Routes
from product_service.domain import importer
from product_service.domain.importer import NotImportable
from product_service.pages.goods import NO_PRODUCT, TABLE

imports = Routes("imports", __name__, template_folder="templates")

IMPORT = f"{NO_PRODUCT}/import"
UPLOAD = 10 * 1024 * 1024
BATCH = 500
SHOWN = 50


@imports.get(IMPORT, who=Who.STAFF, hidden=True)
def show_import() -> Response:
    """The form that takes the file."""
    return page("import.html")


@imports.post(IMPORT, who=Who.STAFF, hidden=True, largest_body=UPLOAD)
def preview() -> Response:
    """What the file holds: how much is good, and what is wrong with the rest; nothing is stored yet."""
    upload = request.files.get("file")
    text = upload.read().decode("utf-8-sig", "replace") if upload else ""
    return _looked_through(text)


@imports.post(f"{IMPORT}/confirmation", who=Who.STAFF, hidden=True, largest_body=UPLOAD)
def store() -> BaseResponse:
    """Store what was good of the file, all or nothing."""
    goods, _ = importer.sorted_out(StringIO(request.form.get("text", ""), newline=""))
    stored = [importer.store(goods[start : start + BATCH]) for start in range(0, len(goods), BATCH)]
    db.session.commit()
    flash(f"{sum(one.added for one in stored)} added, {sum(one.changed for one in stored)} changed.")
    return redirect(TABLE, 303)


def _looked_through(text: str) -> Response:
    try:
        goods, bad = importer.sorted_out(StringIO(text, newline=""))
    except NotImportable as reason:
        return shown_again("import.html", [{"field": "file", "message": f"This is no such file: {reason}."}])
    found: dict[str, Any] = {"goods": goods, "bad": bad, "most": SHOWN, "text": text}
    return page("import.html", 200, **found)

"""Importing a file of products: looked through first, with every bad line named, and then stored."""

import re
from io import StringIO

from flask import Response, flash, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from chassis.identity import Who
from chassis.pages import page, shown_again
from chassis.routes import Routes
from product_service.domain import importer
from product_service.domain.importer import NotImportable
from product_service.pages.goods import NO_PRODUCT, TABLE

imports = Routes("imports", __name__, template_folder="templates")

IMPORT = f"{NO_PRODUCT}/import"
UPLOAD = 10 * 1024 * 1024
LARGEST_MB = 2  # the page holds the whole file until it is confirmed; far more of it and browsers stand still
TOO_LARGE = (
    f"is larger than the {LARGEST_MB} MB that this page takes. Any size is imported at the server: "
    "flask --app product_service catalog import FILE"
)
BATCH = 500
SHOWN = 50
NOT_TEXT = re.compile("[\0\udc80-\udcff]")  # what is no UTF-8, and NUL, which a browser does not send back as it is
SUBSTITUTE = "\x1a"  # ASCII's own; no product may have it, so that these lines are bad, as on the command line


@imports.get(IMPORT, who=Who.STAFF, hidden=True)
def show_import() -> Response:
    """The form that takes the file."""
    return page("import.html")


@imports.post(IMPORT, who=Who.STAFF, hidden=True, largest_body=UPLOAD)
def preview() -> Response:
    """What the file holds: how much is good, and what is wrong with the rest; nothing is stored yet."""
    upload = request.files.get("file")
    file = upload.read() if upload else b""
    if len(file) > LARGEST_MB * 1024 * 1024:
        return _refused(TOO_LARGE)
    return _looked_through(NOT_TEXT.sub(SUBSTITUTE, file.decode("utf-8-sig", "surrogateescape")))


@imports.post(f"{IMPORT}/confirmation", who=Who.STAFF, hidden=True, largest_body=UPLOAD)
def store() -> BaseResponse:
    """Store what was good of the file, batch by batch; one that was cut off is simply sent again."""
    lines = importer.read(_lines(request.form.get("text", "")), None)
    stored = [importer.store_for_good(goods) for goods, _ in importer.batches(lines, BATCH)]
    flash(f"{sum(one.added for one in stored)} added, {sum(one.changed for one in stored)} changed.")
    return redirect(TABLE, 303)


def _looked_through(text: str) -> Response:
    try:
        look = importer.looked_through(_lines(text), SHOWN)
    except NotImportable as reason:
        return _refused(f"This is no CSV or JSON-lines file of products: {reason}.")
    return page("import.html", look=look, text=text)


def _refused(why: str) -> Response:
    return shown_again("import.html", [{"field": "file", "message": why}])


def _lines(text: str) -> StringIO:
    return StringIO(text, newline="")

"""Stylesheets, scripts and pictures that all pages share: compressed once, and kept by browsers until they change."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Flask, Response, abort, request

from chassis.routes import open_to_all

ROOT = Path(__file__).parent / "static"
FILES = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*") if path.is_file()}
FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, max-age=0, must-revalidate"


@dataclass(frozen=True)
class Asset:
    """A file as it is sent, plain or to a browser that takes gzip."""

    body: bytes
    gzipped: bytes
    mimetype: str
    version: str


def install(app: Flask) -> None:
    """Serve them under `/assets`."""
    app.add_url_rule("/assets/<path:name>", "static", open_to_all(serve))


@cache
def read(name: str) -> Asset:
    """The asset of this name."""
    body = FILES[name].read_bytes()
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(body, gzip.compress(body, 9, mtime=0), mimetype, hashlib.sha256(body).hexdigest()[:12])


def address(name: str) -> str:
    """Where a browser finds an asset; the address changes whenever the content does."""
    return f"/assets/{name}?v={read(name).version}"


def serve(name: str) -> Response:
    """One asset."""
    if name not in FILES:
        abort(404)
    asset = read(name)
    takes_gzip = request.accept_encodings.quality("gzip") > 0
    response = Response(asset.gzipped if takes_gzip else asset.body, mimetype=asset.mimetype)
    if takes_gzip:
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = FOR_GOOD if request.args.get("v") == asset.version else ASK_AGAIN
    response.set_etag(f"{asset.version}-{'gzip' if takes_gzip else 'plain'}")
    response.make_conditional(request)
    return response

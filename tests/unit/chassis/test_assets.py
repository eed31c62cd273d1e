"""What all pages share is sent small, and kept until it changes."""

import gzip

from flask.testing import FlaskClient

from chassis.assets import FILES, address, read


def test_an_asset_is_compressed_for_who_takes_that(anybody: FlaskClient) -> None:
    plain = anybody.get(address("shop.css"))
    small = anybody.get(address("shop.css"), headers={"Accept-Encoding": "gzip"})

    assert gzip.decompress(small.data) == plain.data == FILES["shop.css"].read_bytes()
    assert len(small.data) < len(plain.data) / 3
    assert (small.mimetype, small.vary.as_set()) == ("text/css", {"accept-encoding"})
    assert small.headers["ETag"] != plain.headers["ETag"]


def test_an_asset_is_kept_for_good_under_its_version_alone(anybody: FlaskClient) -> None:
    versioned, bare = anybody.get(address("shop.js")), anybody.get("/assets/shop.js?v=old")

    assert "immutable" in versioned.headers["Cache-Control"]
    assert "max-age=0" in bare.headers["Cache-Control"]
    again = anybody.get("/assets/shop.js", headers={"If-None-Match": bare.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_nothing_but_assets_is_sent(anybody: FlaskClient) -> None:
    for path in ("/assets/nothing.css", "/assets/../assets.py", "/assets/%2e%2e/assets.py", "/assets/"):
        assert anybody.get(path).status_code == 404


def test_no_asset_is_fetched_from_elsewhere() -> None:
    for name in ("shop.css", "shop.js"):
        assert b"//" not in read(name).body.replace(b"// ", b"")

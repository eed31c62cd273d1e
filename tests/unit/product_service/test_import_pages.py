"""The pages on which staff import a file, as a browser without scripts uses them."""

import re
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db
from chassis.pages import LARGEST_SHOWN
from product_service.cli import catalog
from product_service.pages import imports
from tests.databases import listening
from tests.unit.product_service.forms import TABLE, send


def test_a_file_is_looked_through_and_then_imported(clerk: FlaskClient) -> None:
    lines = "name,price\nPlate,12.00\nBad,twelve\n"
    looked = send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import", file=(BytesIO(lines.encode()), "a.csv"))
    assert "1 good, 1 bad" in looked.text
    assert clerk.get("/api/v2/products").get_json()["items"] == []

    stored = send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import/confirmation", text=lines)
    assert stored.location == TABLE
    assert clerk.get("/api/v2/products/plate").status_code == 200
    useless = send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import", file=(BytesIO(b"colour\nred\n"), "a.csv"))
    assert (useless.status_code, 'id="file-error"' in useless.text) == (422, True)
    assert send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import/confirmation", text="colour\nred").status_code == 422


@pytest.mark.parametrize(("accept", "status"), [("text/html", 303), ("application/json", 401)])
def test_a_file_is_not_read_before_it_is_known_who_sends_it(anybody: FlaskClient, accept: str, status: int) -> None:
    from_page = {"Accept": accept, "Referer": f"http://localhost{TABLE}/-/import"}
    file = {"text": '"' * LARGEST_SHOWN}
    sent = anybody.post(f"{TABLE}/-/import/confirmation", data=file, headers=from_page)

    assert sent.status_code == status


def test_a_line_of_an_imported_file_ends_where_the_command_line_ends_it(clerk: FlaskClient) -> None:
    line = '{"name": "Plate", "price": "12.00", "description": "one\u2028two"}'
    looked = send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import", file=(BytesIO(line.encode()), "a.jsonl"))
    assert "1 good" in looked.text
    send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import/confirmation", text=line)
    assert clerk.get("/api/v2/products/plate").get_json()["description"] == "one\u2028two"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_is_imported_is_the_same_by_the_page_and_on_the_command_line(
    clerk: FlaskClient, product_app: Flask, tmp_path: Path, end: str
) -> None:
    file = tmp_path / "goods.csv"
    file.write_bytes(f'name,price,description\nPlate,12.00,"one{end}two"\n'.encode())
    as_browsers_send_it = file.read_text().replace("\n", "\r\n")

    send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import/confirmation", text=as_browsers_send_it)
    assert clerk.get("/api/v2/products/plate").get_json()["description"] == "one\ntwo"
    db.session.remove()
    again = product_app.test_cli_runner().invoke(catalog, ["import", str(file)])
    assert again.stdout == "0 added, 0 changed, 0 bad lines skipped\n"


@pytest.mark.parametrize("bad", [b"Caf\xe9,2", b"Caf\0,2", b'Cup,2,"with caf\xe9"', b"Cup,2\xe9"])
def test_a_line_that_is_no_text_is_left_out_as_on_the_command_line(clerk: FlaskClient, bad: bytes) -> None:
    file = b"name,price,description\nPlate,12.00\n" + bad + b"\n"
    looked = send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import", file=(BytesIO(file), "a.csv"))
    assert "1 good, 1 bad" in looked.text
    kept = re.search(r'name="text"[^>]*>\n(.*)</textarea>', looked.text, re.DOTALL)
    assert kept is not None
    assert not {"\0", "\ufffd"} & set(kept[1])  # a browser would send the first back as the second

    send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import/confirmation", text=unescape(kept[1]))
    assert [item["name"] for item in clerk.get("/api/v2/products").get_json()["items"]] == ["Plate"]


def test_a_file_too_large_for_the_page_is_told_how_it_is_imported(
    clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LARGEST_MB", 0)
    file = BytesIO(b"name,price\nPlate,1\n")
    told = send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import", file=(file, "a.csv"))

    assert (told.status_code, 'id="file-error"' in told.text) == (422, True)
    assert "flask --app product_service catalog import FILE" in told.text


def test_a_file_that_is_of_no_use_leads_to_another(clerk: FlaskClient) -> None:
    bad = send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import", file=(BytesIO(b"name,price\nCup,dear\n"), "a.csv"))
    assert "0 good, 1 bad" in bad.text
    assert "Choose another file" in bad.text
    parted = send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import", file=(BytesIO(b"name;price\nCup;1\n"), "a.csv"))
    assert "columns are parted by commas" in parted.text


def test_columns_that_are_no_text_are_told(clerk: FlaskClient) -> None:
    file = BytesIO(b"name,price,cat\xe9gorie\n")

    assert send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import", file=(file, "a.csv")).status_code == 422


def test_a_file_is_stored_batch_by_batch_so_that_buyers_wait_for_no_more_than_one(
    clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    done: list[str] = []
    lines = "name,price\n" + "".join(f"Plate {number},1\n" for number in range(5))

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT INTO products"):
            done.append("stored")

    with listening("before_cursor_execute", note), listening("commit", lambda connection: done.append("committed")):
        send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import/confirmation", text=lines)

    assert done[-6:] == ["stored", "committed"] * 3


def test_of_a_long_file_only_the_first_lines_are_shown(clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "SHOWN", 2)
    lines = "name,price\n" + "".join(f"Plate {number},1\nBad,one\n" for number in range(3))
    looked = send(clerk, f"{TABLE}/-/import", f"{TABLE}/-/import", file=(BytesIO(lines.encode()), "a.csv"))

    assert "3 good, 3 bad" in looked.text
    assert "Import 3, leave out 3" in looked.text
    assert looked.text.count("the first 2") == 2
    assert looked.text.count('<th scope="row"') == 4

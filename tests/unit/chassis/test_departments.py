"""The departments in the head of every page, asked for seldom and missed by nobody."""

from collections.abc import Sequence

import pytest

from chassis import departments
from chassis.departments import MOST, Departments
from chassis.peers import PeerUnavailable


class Catalogue:
    """What there is, how often it was asked, and whether it can be."""

    def __init__(self) -> None:
        self.names: list[str] = ["Desk", "Kitchen"]
        self.asked = 0
        self.away = False

    def __call__(self) -> Sequence[str]:
        self.asked += 1
        if self.away:
            raise PeerUnavailable("catalogue")
        return self.names


def test_they_are_remembered() -> None:
    catalogue = Catalogue()
    known = Departments(catalogue)

    assert [known.names() for _ in range(5)] == [["Desk", "Kitchen"]] * 5
    assert catalogue.asked == 1


def test_the_last_ones_stay_while_the_catalogue_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departments, "REMEMBERED_SECONDS", 0.0)
    monkeypatch.setattr(departments, "RETRY_SECONDS", 0.0)
    catalogue = Catalogue()
    known = Departments(catalogue)
    known.names()

    catalogue.away = True
    assert known.names() == ["Desk", "Kitchen"]
    catalogue.away, catalogue.names = False, ["Games"] * 20
    assert known.names() == ["Games"] * MOST


def test_a_page_without_them_is_a_page() -> None:
    catalogue = Catalogue()
    catalogue.away = True

    assert list(Departments(catalogue).names()) == []

"""Whatever process dies when, and however often: the books balance (the full form is `./scripts/chaos`)."""

import os

import pytest

from tests.faults import chaos
from tests.shop import Shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

SEED = int(os.environ.get("CHAOS_SEED", "20261121"))


def test_no_kill_unbalances_the_books(battered_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        chaos.say(f"\nseed {SEED}: CHAOS_SEED={SEED} repeats this run")
        report = chaos.run(battered_shop, checkouts=500, kills=20, seed=SEED, say=chaos.say)
        chaos.say(str(report))
    assert report.kills.total() == 20
    assert report.violations == []

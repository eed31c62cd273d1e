"""Customers share the gateway's connections and nothing else; `./scripts/bench gateway/customers` asks more often."""

from pathlib import Path

from tests.bench.customers import CUSTOMERS, echo, mixed_up
from tests.unit.gateway.wires import running_gateway

EACH = 4


def test_no_customer_ever_sees_what_is_anothers(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as gateway:
        for upstream in gateway.upstreams.values():
            upstream.answering = echo
        assert mixed_up(gateway.port, EACH * CUSTOMERS) == []
        assert len(gateway.passed_on) == EACH * CUSTOMERS

"""Instances go while customers ask, and nobody notices; `./scripts/bench gateway/instances` does it under more load."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.builders import eventually
from tests.unit.gateway.upstreams import Upstream
from tests.unit.gateway.wires import Gateway, running_gateway

CUSTOMERS, AT_LEAST = 4, 50
Asked = Callable[[], int]


@contextmanager
def customers(gateway: Gateway, statuses: list[int]) -> Iterator[Asked]:
    """Customers who ask until the end of the block, on connections that they keep; what they got is noted."""
    over: list[bool] = []

    def ask() -> None:
        connection = HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        while not over:
            connection.request("GET", "/api/v2/products")
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()

    with ThreadPoolExecutor(CUSTOMERS) as threads:
        asking: list[Future[None]] = [threads.submit(ask) for _ in range(CUSTOMERS)]
        try:
            yield lambda: len(statuses)
        finally:
            over.append(True)
    for each in asking:
        each.result()


def test_an_instance_that_is_killed_costs_nobody_an_answer(tmp_path: Path) -> None:
    one, other, statuses = Upstream(), Upstream(), list[int]()
    with running_gateway(tmp_path, PRODUCT_URL=f"{one.url},{other.url}") as gateway:
        with customers(gateway, statuses) as asked:
            eventually(lambda: len(one.received) > AT_LEAST, within=30)
            one.close()
            before = asked()
            eventually(lambda: asked() > before + AT_LEAST, within=30)
        other.close()
    assert set(statuses) == {200}

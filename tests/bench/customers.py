"""Many customers at one gateway, interleaved on its connections: does anybody ever see what is another's?"""

import json
import random
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from tests.bench import cores
from tests.bench.figures import Figure
from tests.bench.rounds import Effort
from tests.unit.gateway.upstreams import Received, Reply, reply
from tests.unit.gateway.wires import running_gateway

CUSTOMERS, AT_ONCE = 200, 16
ADDRESSES = ("/api/v2/users/me", "/api/v2/products/lamp", "/api/v2/cart")


def customers(directory: Path, effort: Effort) -> Iterator[Figure]:
    """Nobody's cookie, header or body reaches another one, however many there are."""
    wanted = effort.requests // 10
    with cores.on(cores.SERVER), running_gateway(directory) as gateway, cores.on(cores.LOAD):
        for upstream in gateway.upstreams.values():
            upstream.answering = echo
        seen = mixed_up(gateway.port, wanted)
    note = f"{CUSTOMERS} customers, {wanted:,} requests{'; ' if seen else ''}{'; '.join(seen[:3])}"
    yield Figure("answers with something of another customer's", len(seen), "", wanted=0, at_most=True, note=note)


def echo(request: Received) -> Reply:
    """An answer that tells a customer, in a header, a cookie and the body, what has come of hers."""
    came = {name: request.values(name) for name in ("X-Customer", "Cookie", "Authorization")}
    own = request.header("X-Customer") or "nobody"
    told = json.dumps(came | {"sent": request.body.decode()}).encode()
    return reply(told, set_cookie=f"session={own}", x_customer=own, cache_control="private, no-store")


def mixed_up(port: int, requests: int) -> list[str]:
    """What customers saw that was not theirs, in so many requests on a few connections that all of them share."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = threads.map(lambda seed: _visits(port, seed, requests // AT_ONCE), range(AT_ONCE))
        return [words for each in found for words in each]


def _visits(port: int, seed: int, count: int) -> list[str]:
    dice = random.Random(seed)
    seen: list[str] = []
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(count):
        name = f"customer-{dice.randrange(CUSTOMERS)}"
        sent = secrets.token_hex(dice.randrange(1, 400))
        own = {"X-Customer": name, "Cookie": f"session={name}", "Authorization": f"Bearer of-{name}"}
        connection.request(dice.choice(("POST", "PUT")), dice.choice(ADDRESSES), sent, own)
        answer = connection.getresponse()
        expected = {**{key: [value] for key, value in own.items()}, "sent": sent}
        seen += _foreign(name, answer, expected)
    connection.close()
    return seen


def _foreign(name: str, answer: HTTPResponse, expected: Mapping[str, object]) -> Iterator[str]:
    body = answer.read()
    got = (answer.status, answer.headers.get_all("Set-Cookie"), answer.headers.get_all("X-Customer"))
    if got != (200, [f"session={name}"], [name]):
        yield f"{name} got {got}"
    elif json.loads(body) != expected:
        yield f"{name} got {body[:200]!r}"

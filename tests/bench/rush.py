"""A rush without any HTTP: buyers in one process hold one piece of a product after the other, as the view does.

`python -m tests.bench.rush URL SECONDS SLUG BUYERS` prints the reservations a second.
"""

import sys
import threading
import time
import uuid

from flask import Flask
from sqlalchemy.engine import make_url

from product_service.domain.rush import Rush
from product_service.domain.wishes import Wish
from tests.services import made

HELD_SECONDS = 600


def main() -> None:
    seconds, crowd = float(sys.argv[2]), int(sys.argv[4])
    served, all_there = [0] * crowd, threading.Barrier(crowd)
    with made("product_service", make_url(sys.argv[1])) as app:
        told = ((app, sys.argv[3], number, seconds, served, all_there) for number in range(crowd))
        buyers = [threading.Thread(target=buy, args=each) for each in told]
        for buyer in buyers:
            buyer.start()
        for buyer in buyers:
            buyer.join()
    sys.stdout.write(f"{sum(served) / seconds}\n")


def buy(app: Flask, slug: str, number: int, seconds: float, served: list[int], all_there: threading.Barrier) -> None:
    """Hold pieces for so many seconds, each in an application context of its own."""
    rush: Rush = app.extensions["rush"]
    run = uuid.uuid4().hex
    all_there.wait()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with app.app_context():
            rush.serve(Wish({slug: 1}, f"{run}-{served[number]}", HELD_SECONDS))
        served[number] += 1


if __name__ == "__main__":
    main()

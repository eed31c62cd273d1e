"""Made-up goods in any number, always the same ones; `python -m product_service.sample.goods 1000` writes them as CSV.

They have prices, stock and words as real ones have: some sold out, few departments, names that resemble each other.
"""

import csv
import random
import sys
from collections.abc import Iterator
from typing import Any

SEED = 1
COLUMNS = ("slug", "name", "description", "price", "category", "stock")
STOCKS = (0, 3, 25, 400)
# fmt: off
DEPARTMENTS = {
    "Bath": ("sponge", "towel", "soap dish", "bath mat", "nail brush"),
    "Desk": ("notebook", "pencil case", "letter tray", "ruler", "desk lamp", "paperweight"),
    "Games": ("chess set", "spinning top", "domino set", "kite", "jigsaw"),
    "Garden": ("watering can", "plant pot", "trowel", "bird box", "twine reel"),
    "Home": ("cushion", "blanket", "wall clock", "candle", "picture frame", "coat hook"),
    "Kitchen": ("mug", "teapot", "bread knife", "chopping board", "mixing bowl", "pan", "storage jar"),
    "Outdoors": ("lantern", "rucksack", "tent", "compass", "water bottle", "camp stool"),
    "Travel": ("wallet", "washbag", "luggage tag", "travel pillow", "umbrella"),
}
LOOKS = ("amber", "broad", "coarse", "deep", "faded", "narrow", "plain", "quiet", "ribbed", "round", "smoked", "tall")
MATERIALS = ("ash", "brass", "cork", "cotton", "felt", "glass", "iron", "leather", "linen", "maple", "oak", "wool")
TELLS = (
    "made by hand", "made for long mornings", "fit for a small room", "easy to mend", "packed in paper",
    "cut from one piece", "with a soft edge", "enough for two people", "washed once before it leaves us",
    "sold in numbered lots", "better with every year",
)
# fmt: on


def goods(count: int) -> Iterator[tuple[Any, ...]]:
    """So many products, as an import takes them."""
    dice = random.Random(SEED)  # noqa: S311 - the same goods every time are what is wanted
    departments = list(DEPARTMENTS)
    for number in range(1, count + 1):
        department = dice.choice(departments)
        thing = f"{dice.choice(LOOKS)} {dice.choice(MATERIALS)} {dice.choice(DEPARTMENTS[department])}"
        name = f"{thing.capitalize()} No. {number}"
        tells = ", ".join(dice.sample(TELLS, 3))
        price = f"{dice.randrange(3, 400)}.{dice.choice(('00', '50', '90', '95'))}"
        yield (
            f"{thing}-{number}".replace(" ", "-"),
            name,
            f"A {thing}: {tells}.",
            price,
            department,
            dice.choice(STOCKS),
        )


def write(count: int) -> None:
    """Write so many products to standard output."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(goods(count))


if __name__ == "__main__":
    write(int(sys.argv[1]))

"""Plausible goods in any number, always the same ones, as a file that can be imported."""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

RARE_TERM = "zyxomatic"
RARE = 5
CATEGORIES = (
    "Bags", "Bath", "Bedding", "Books", "Ceramics", "Cycling", "Decor", "Garden", "Games", "Glass",
    "Kitchen", "Lighting", "Music", "Office", "Outdoor", "Pets", "Rugs", "Tools", "Toys", "Travel",
)  # fmt: skip
MADE_OF = (
    "ash",
    "brass",
    "cork",
    "cotton",
    "felt",
    "glass",
    "iron",
    "leather",
    "linen",
    "maple",
    "oak",
    "slate",
    "wool",
)
LOOKS = ("amber", "broad", "coarse", "faded", "narrow", "plain", "quiet", "ribbed", "round", "smoked", "tall", "woven")
THINGS = (
    "basket",
    "bench",
    "bowl",
    "box",
    "clock",
    "hook",
    "jar",
    "lamp",
    "mug",
    "pan",
    "shelf",
    "stool",
    "tray",
    "vase",
)
TELLS = (
    "made by hand", "for long mornings", "fit for a small room", "lasts a lifetime", "easy to mend", "packed in paper",
    "from one piece", "with a soft edge", "for two people", "washed once before it leaves", "in numbered lots",
)  # fmt: skip
COLUMNS = ("slug", "name", "description", "price", "category", "stock")


def goods(count: int) -> Iterator[tuple[object, ...]]:
    """So many products, the rare ones evenly among them."""
    dice = random.Random(count)
    for number in range(count):
        name = f"{dice.choice(LOOKS)} {dice.choice(MADE_OF)} {dice.choice(THINGS)}".capitalize()
        tells = "; ".join(dice.sample(TELLS, 3))
        rare = f" {RARE_TERM}" if number % max(1, count // RARE) == 0 else ""
        price = f"{dice.randrange(300, 40_000) / 100:.2f}"
        stock = dice.choice((0, 3, 25, 400))
        yield f"p-{number}", f"{name} {number}{rare}", f"{name}, {tells}.", price, dice.choice(CATEGORIES), stock


def write(path: Path, count: int) -> Path:
    """The goods as CSV, unless the file is there already."""
    if not path.exists():
        half = path.with_suffix(".half")
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("w", newline="", encoding="utf-8") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(goods(count))
        half.rename(path)
    return path

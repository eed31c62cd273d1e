"""Where a browser finds the pictures of products, on whichever service's page they stand."""

import re

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PLACEHOLDER = "/pictures/placeholder.svg"
OURS = re.compile(r"/pictures/([0-9a-f]{64})\.webp")
SMALL = "-small"


def address(image: str | None) -> str:
    """A picture's address; a plain name is one of the catalogue's, and what is no address gets the placeholder."""
    if image and image.startswith(("https://", "/pictures/")):
        return image
    return f"/pictures/{image}" if image and PLAIN_NAME.fullmatch(image) else PLACEHOLDER


def thumbnail(image: str | None) -> str:
    """The address of a picture in the size of a card, where the shop has made one."""
    return OURS.sub(rf"/pictures/\1{SMALL}.webp", address(image))

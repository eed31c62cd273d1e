"""Pictures of products: looked at, not believed; made anew in two sizes, and named after what is in them.

They lie in the database, so that every instance of the catalogue has them and a backup holds them.
"""

import hashlib
import struct
import threading
import warnings
from io import BytesIO

import sqlalchemy as sa
from PIL import Image, ImageOps

from chassis.database import db
from chassis.pictures import SMALL
from chassis.problems import Refusal
from product_service.models import Picture

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
# A pixel takes 6, 10 or 17 bytes at worst: some 170 MB a picture, of the 384 MB that a replica has in production.
MOST_PIXELS = {"JPEG": 25_000_000, "PNG": 16_000_000, "GIF": 16_000_000, "WEBP": 10_000_000}
MOST_PIXELS["MPO"] = MOST_PIXELS["JPEG"]  # what Pillow calls a telephone's JPEG with more than one picture in it
MIXABLE = ("L", "LA", "RGB", "RGBA", "CMYK")
"""The modes in which neighbouring pixels can be mixed."""

ONE_AT_A_TIME = threading.Lock()
LARGEST = 1200
SIZES = {"": (LARGEST, LARGEST), SMALL: (480, 480)}
QUALITY = 82


class NotAPicture(Refusal):
    """The file is no picture that the shop can show."""

    def __init__(self, message: str) -> None:
        super().__init__(message, errors=[{"field": "file", "message": message}])


def keep(content: bytes) -> str:
    """Keep a picture and return its address; the same picture again has the same one. Raises NotAPicture."""
    with ONE_AT_A_TIME:
        picture = _opened(content)
        sized = {suffix: _sized(picture, box) for suffix, box in SIZES.items()}
    digest = hashlib.sha256(sized[""]).hexdigest()
    known = set(db.session.scalars(sa.select(Picture.name).where(Picture.name.startswith(digest))))
    for suffix, made in sized.items():
        name = f"{digest}{suffix}.webp"
        if name not in known:
            db.session.add(Picture(name=name, content=made))
    db.session.flush()
    return f"/pictures/{digest}.webp"


def content_of(name: str) -> bytes | None:
    """A picture's content, if there is one of this name."""
    return db.session.scalar(sa.select(Picture.content).where(Picture.name == name))


def _opened(content: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the check below is the stricter one
            picture = Image.open(BytesIO(content), formats=FORMATS)
        most = MOST_PIXELS[str(picture.format)]
        if picture.width * picture.height > most:
            raise NotAPicture(f"has more than {most // 1_000_000} million pixels")
        return ImageOps.exif_transpose(_shrunk(picture))
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise NotAPicture("is no JPEG, PNG, WebP or GIF picture") from error


def _shrunk(picture: Image.Image) -> Image.Image:
    times = max(1, max(picture.size) // LARGEST)
    picture.draft(None, (max(1, picture.width // times), max(1, picture.height // times)))  # decodes less of a JPEG
    shrunk = picture if picture.mode in MIXABLE else _coloured(picture)
    shrunk.thumbnail(SIZES[""])
    return shrunk


def _sized(picture: Image.Image, box: tuple[int, int]) -> bytes:
    copy = _coloured(picture)
    copy.thumbnail(box)
    written = BytesIO()
    copy.save(written, "WEBP", quality=QUALITY)
    return written.getvalue()


def _coloured(picture: Image.Image) -> Image.Image:
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")

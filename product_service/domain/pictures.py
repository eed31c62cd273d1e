"""Pictures of products: looked at, not believed; made anew in two sizes, and named after what is in them.

They lie in the database, so that every instance of the catalogue has them and a backup holds them.
"""

import hashlib
import warnings
from io import BytesIO

import sqlalchemy as sa
from PIL import Image, ImageOps

from chassis.database import db
from chassis.pictures import SMALL
from chassis.problems import Refusal
from product_service.models import Picture

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS = 40_000_000
SIZES = {"": (1200, 1200), SMALL: (480, 480)}
QUALITY = 82


class NotAPicture(Refusal):
    """The file is no picture that the shop can show."""

    def __init__(self, message: str) -> None:
        super().__init__(message, errors=[{"field": "file", "message": message}])


def keep(content: bytes) -> str:
    """Keep a picture and return its address; the same picture again has the same one. Raises NotAPicture."""
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
        if picture.width * picture.height > MOST_PIXELS:
            raise NotAPicture(f"has more than {MOST_PIXELS // 1_000_000} million pixels")
        picture.load()
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise NotAPicture("is no JPEG, PNG, WebP or GIF picture") from error


def _sized(picture: Image.Image, box: tuple[int, int]) -> bytes:
    copy = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    copy.thumbnail(box)
    written = BytesIO()
    copy.save(written, "WEBP", quality=QUALITY)
    return written.getvalue()

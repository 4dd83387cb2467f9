"""Pictures people upload: drawn anew here, so that nothing but the picture is kept."""

import io
import warnings

from PIL import Image, ImageOps

MAX_BYTES = 1024 * 1024
MAX_PIXELS = 16_000_000
"""A small file can unpack to gigabytes; what is larger is not opened at all."""
KINDS = ("PNG", "JPEG")
BOX = (1200, 600)


class PictureError(ValueError):
    """The file is no PNG or JPEG picture of a size we take."""


def clean(content: bytes) -> bytes:
    """The picture as a PNG of at most 1200 by 600, without what else the file carried."""
    if len(content) > MAX_BYTES:
        raise PictureError
    return _drawn(content, BOX)


def small(content: bytes, box: tuple[int, int]) -> tuple[bytes, int, int]:
    """A PNG of at most this size, and its width and height."""
    drawn = _drawn(content, box)
    with Image.open(io.BytesIO(drawn)) as picture:
        return drawn, picture.width, picture.height


def _drawn(content: bytes, box: tuple[int, int]) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=KINDS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise PictureError
                drawn = ImageOps.exif_transpose(picture).convert("RGBA")
        drawn.thumbnail(box)
        out = io.BytesIO()
        Image.frombytes("RGBA", drawn.size, drawn.tobytes()).save(out, "PNG", optimize=True)
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise PictureError from error
    return out.getvalue()

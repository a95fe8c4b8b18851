"""Images in files and archives become arrays of bytes, by Pillow."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from graphflow.diagnostics import fail

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Bytes = npt.NDArray[np.uint8]
Mode = Literal["RGB", "L"]
Fit = Literal["stretch", "crop"]
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
"""What Pillow reads by itself: for others, such as EPS, it starts a program of the system."""


def decoded(
    source: Path | bytes,
    name: str,
    mode: Mode = "RGB",
    size: tuple[int, int] | None = None,
    fit: Fit = "stretch",
) -> Bytes:
    """An image as (H, W, 3), or (H, W) where ``mode`` is L for grey.

    With ``size`` (height, width) it is resized, bilinear with antialiasing: as it is (``stretch``)
    or its middle (``crop``). It is turned as its camera says, its 16 bits become the upper 8, and
    what is transparent is shown as ``convert`` leaves it. ``name`` is what messages call it. GF073
    for what is damaged, too large, or of a format not in :data:`FORMATS`.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        stream = BytesIO(source) if isinstance(source, bytes) else source
        with Image.open(stream, formats=FORMATS) as image:
            if size is not None:  # JPEG: no finer than twice the size
                image.draft(None, (2 * size[1], 2 * size[0]))
            found = _of_bytes(ImageOps.exif_transpose(image)).convert(mode)
    except Image.DecompressionBombError:
        fail("GF073", f"'{name}' has too many pixels to be an image")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        unknown = isinstance(error, UnidentifiedImageError)
        why = f"it is none of {', '.join(FORMATS)}" if unknown else str(error)
        fail("GF073", f"'{name}' is no image that can be read: {why}",
             help="remove it, or save it anew as PNG or JPEG")  # fmt: skip
    if size is not None and found.size != (size[1], size[0]):
        target = (size[1], size[0])
        if fit == "crop":
            found = ImageOps.fit(found, target, Image.Resampling.BILINEAR)
        else:
            found = found.resize(target, Image.Resampling.BILINEAR)
    return np.asarray(found, dtype=np.uint8)


def _of_bytes(image: Picture) -> Picture:
    """An image of 16 bits a pixel as one of 8: Pillow would cut all that is above 255."""
    from PIL import Image

    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))

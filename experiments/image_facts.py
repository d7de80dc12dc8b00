"""How large an image is, by its head alone. For workers: it loads Pillow."""

from __future__ import annotations

import io

from experiments.file_kinds import IMAGES, Media


def size(media: Media, data: bytes) -> dict[str, int]:
    """Return width and height of an image: a browser is not given one that would fill its memory.

    Empty: it is no image, or a broken one.
    """
    if media not in IMAGES:
        return {}
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=[media.upper()]) as image:
            return {"width": image.width, "height": image.height}
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return {}

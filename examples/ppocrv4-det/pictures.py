"""Pictures as OCR networks were trained on them: uint8 [H, W, 3], blue first. numpy and Pillow are enough."""

import base64
import io

import numpy as np
from PIL import Image

BITS = 11  # of a weight between two pixels
LONGEST = 2000


def decode_image(text):
    """uint8 [H, W, 3], blue first, from a base64 picture. Raises ValueError for what is none or too large."""
    try:
        image = Image.open(io.BytesIO(base64.b64decode(text, validate=True))).convert("RGB")
    except (ValueError, OSError, Image.DecompressionBombError) as error:
        raise ValueError("image: not a base64 picture that Pillow can read") from error
    if max(image.size) > LONGEST:
        raise ValueError(f"image: {image.width}x{image.height} is larger than {LONGEST}; make it smaller")
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


def resize(image, width, height):
    """uint8 [height, width, 3]: linear between the four nearest pixels, in whole numbers.

    No average over the pixels in between, unlike Pillow's: what PP-OCR was trained with.
    """
    left, right, across = neighbours(image.shape[1], width)
    upper, lower, down = neighbours(image.shape[0], height)
    pixels = image.astype(np.int64)
    rows = (pixels[:, left] * across[0][:, None] + pixels[:, right] * across[1][:, None]) >> 4
    mixed = (rows[upper] * down[0][:, None, None] >> 16) + (rows[lower] * down[1][:, None, None] >> 16)
    return ((mixed + 2) >> 2).astype(np.uint8)


def neighbours(source, target):
    """For each pixel of the target: the two of the source that it lies between, and their weights in 1/2048."""
    place = ((np.arange(target) + 0.5) * (1 / (target / source)) - 0.5).astype(np.float32)
    place = np.clip(place, 0, source - 1)
    first = np.floor(place).astype(np.int64)
    weight = place - first.astype(np.float32)
    weights = [np.rint(part * (1 << BITS)).astype(np.int64) for part in (np.float32(1) - weight, weight)]
    return first, np.minimum(first + 1, source - 1), weights

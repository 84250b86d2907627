"""From a picture to the network's input. web_service.py and infer.py share this file unchanged."""

import base64
import binascii
import io
import math

import numpy as np
from PIL import Image

HEIGHT = 48
MIN_WIDTH = 16
# A line of text is rarely longer than 40 times its height; past that one request would hold a worker for seconds.
MAX_WIDTH = 2048


def decode_image(text):
    """The picture in a base64 text. Raises ValueError for anything that Pillow cannot read as one."""
    try:
        image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
        return image.convert("RGB")
    except (binascii.Error, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("image: not a base64 picture that Pillow can read") from error


def resize_and_normalize(image):
    """float32 [1, 3, 48, W] in -1..1, channels blue, green, red as PP-OCR was trained, W after the picture's ratio."""
    width = math.ceil(HEIGHT * image.width / image.height)
    if width > MAX_WIDTH:
        raise ValueError(f"image: {image.width}x{image.height} is too wide for one line of text; cut it into lines")
    resized = image.resize((max(width, MIN_WIDTH), HEIGHT), Image.Resampling.BILINEAR)
    bgr = np.asarray(resized, dtype=np.float32)[:, :, ::-1]
    normalized = (bgr / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    return np.ascontiguousarray(normalized.transpose(2, 0, 1)[np.newaxis])

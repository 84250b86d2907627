"""From a picture to the network's input. web_service.py and infer.py share this file unchanged."""

import base64
import io
import math

import numpy as np
from PIL import Image, ImageOps

HEIGHT = 48
MIN_WIDTH = 16
# A line of text is rarely longer than 40 times its height; past that one request would hold a worker for seconds.
MAX_WIDTH = 2048


def decode_image(text):
    """The picture in a base64 text as people see it: turned as its EXIF says, on white where it is transparent.

    Line breaks in the text, a `data:` URL and the alphabet of URLs are read too. Raises ValueError for anything that
    Pillow cannot read as a picture.
    """
    try:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(decode_base64(text))))
        return on_white(image)
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("image: not a base64 picture that Pillow can read") from error


def decode_base64(text):
    """The bytes. What is neither base64 nor white space raises ValueError, so that a damaged text is not guessed at."""
    _, _, content = text.rpartition(";base64,") if text.startswith("data:") else ("", "", text)
    content = "".join(content.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(content + "=" * (-len(content) % 4), validate=True)


def on_white(image):
    """The picture in RGB. Pillow alone makes black of what is transparent, and white of all that has 16 bits."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def resize_and_normalize(image):
    """float32 [1, 3, 48, W] in -1..1, channels blue, green, red as PP-OCR was trained, W after the picture's ratio."""
    width = math.ceil(HEIGHT * image.width / image.height)
    if width > MAX_WIDTH:
        raise ValueError(f"image: {image.width}x{image.height} is too wide for one line of text; cut it into lines")
    resized = image.resize((max(width, MIN_WIDTH), HEIGHT), Image.Resampling.BILINEAR)
    bgr = np.asarray(resized, dtype=np.float32)[:, :, ::-1]
    normalized = (bgr / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    return np.ascontiguousarray(normalized.transpose(2, 0, 1)[np.newaxis])

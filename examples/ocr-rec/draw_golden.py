"""Draws images/*.png and writes the requests golden/*.json from them: python draw_golden.py LATIN.ttf CHINESE.ttc

The committed pictures: DejaVuSans.ttf of Debian's fonts-dejavu-core and wqy-microhei.ttc of fonts-wqy-microhei.
"""

import base64
import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
MARGIN = 12


def draw(text, font, ink, paper):
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("RGB", (int(right - left) + 2 * MARGIN, int(bottom - top) + 2 * MARGIN), paper)
    ImageDraw.Draw(image).text((MARGIN - left, MARGIN - top), text, font=font, fill=ink)
    return image


def main():
    latin, chinese = (ImageFont.truetype(path, 40) for path in sys.argv[1:3])
    pictures = {
        "hello": draw("Hello Paddle", latin, "black", "white"),
        "number": draw("No. 3141592", latin, "#203060", "#f0e8c8"),
        "chinese": draw("飞桨服务化部署", chinese, "#ffffff", "#2d4f3c"),
    }
    for name, image in pictures.items():
        path = HERE / "images" / f"{name}.png"
        image.save(path, optimize=True)
        body = {"key": ["image"], "value": [base64.b64encode(path.read_bytes()).decode()]}
        (HERE / "golden" / f"{name}.json").write_text(json.dumps(body) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

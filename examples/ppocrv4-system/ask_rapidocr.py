"""What rapidocr-paddle reads in the same pages, as JSON: python3 ask_rapidocr.py > rapidocr.json

Needs `pip install rapidocr-paddle==1.4.5 paddlepaddle==3.3.1`, which bring OpenCV, shapely and pyclipper.
"""

import json
from pathlib import Path

from rapidocr_paddle import RapidOCR

HERE = Path(__file__).resolve().parent


def main():
    engine = RapidOCR(cpu_math_library_num_threads=1)
    pages = {}
    for path in sorted((HERE / "images").iterdir()):
        lines, _ = engine(path, use_cls=False)
        boxes, texts, scores = ([line[part] for line in lines or []] for part in range(3))
        pages[path.stem] = {"text": texts, "score": scores, "boxes": boxes}
    print(json.dumps(pages, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()

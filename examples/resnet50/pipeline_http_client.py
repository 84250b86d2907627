"""Asks the service for the class of one picture, or of every picture of a folder, and prints its answers."""

import argparse
import base64
import json
import sys
from pathlib import Path

import requests

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--url", default="http://127.0.0.1:18080/resnet50/prediction")
parser.add_argument("--img-path", type=Path, default="images")
args = parser.parse_args()

for path in sorted(args.img_path.iterdir()) if args.img_path.is_dir() else [args.img_path]:
    image = base64.b64encode(path.read_bytes()).decode()
    data = {"key": ["image"], "value": [image]}
    answer = requests.post(url=args.url, data=json.dumps(data), timeout=300).json()
    print(answer)
    if answer["err_no"] != 0:
        sys.exit(f"{path}: the service answered an error")

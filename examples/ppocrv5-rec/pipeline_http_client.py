"""Sends pictures to the service and prints its answers; exits 1 as soon as one of them is an error."""

import argparse
import base64
import sys
from pathlib import Path

import requests

SUFFIXES = {".png", ".jpg", ".jpeg"}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:18080/ppocrv5-rec/prediction")
    parser.add_argument("--image_dir", default="images", help="every .png and .jpg of this folder, by name")
    parser.add_argument("--image", help="one picture instead of a folder")
    return parser.parse_args()


def main():
    args = parse_args()
    folder = Path(args.image_dir)
    images = [Path(args.image)] if args.image else sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not images:
        sys.exit(f"{folder}: no .png or .jpg there; name a folder of pictures with --image_dir")
    for image in images:
        body = {"key": ["image"], "value": [base64.b64encode(image.read_bytes()).decode()]}
        response = requests.post(args.url, json=body, timeout=60)
        answer = response.json()
        print(answer)
        if answer.get("err_no") != 0:
            sys.exit(f"{image}: HTTP {response.status_code}, the service answered an error")


if __name__ == "__main__":
    main()

"""Asks the service for the class of every line of a file and prints its answers."""

import argparse
import json
import sys
from pathlib import Path

import requests

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--url", default="http://127.0.0.1:18080/text-classifier/prediction")
parser.add_argument("--text-file", type=Path, default="texts.txt")
args = parser.parse_args()

for text in args.text_file.read_text(encoding="utf-8").splitlines():
    data = {"key": ["text"], "value": [text]}
    answer = requests.post(url=args.url, data=json.dumps(data), timeout=300).json()
    print(answer)
    if answer["err_no"] != 0:
        sys.exit(f"{text}: the service answered an error")

"""Asks the service for the class of one picture and prints its answer."""

import argparse
import base64
import json
from pathlib import Path

import requests

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--img-path", default="images/demo.jpg")
args = parser.parse_args()

image = base64.b64encode(Path(args.img_path).read_bytes()).decode()
data = {"key": ["image"], "value": [image]}
response = requests.post(url="http://127.0.0.1:18080/alexnet/prediction", data=json.dumps(data), timeout=300)
print(response.json())

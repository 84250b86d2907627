"""Asks the service about every customer of a file and prints its answers."""

import argparse
import json
import sys
from pathlib import Path

import requests

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--url", default="http://127.0.0.1:18080/two-tasks/prediction")
parser.add_argument("--customers", type=Path, default="customers.jsonl")
args = parser.parse_args()

for line in args.customers.read_text(encoding="utf-8").splitlines():
    customer = json.loads(line)
    data = {"key": list(customer), "value": list(customer.values())}
    answer = requests.post(url=args.url, data=json.dumps(data), timeout=300).json()
    print(answer)
    if answer["err_no"] != 0:
        sys.exit(f"{line}: the service answered an error")

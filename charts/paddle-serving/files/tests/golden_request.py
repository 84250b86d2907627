"""Posts one request to a model service and judges the answer: `helm test` runs this in a pod. Standard library only."""

from __future__ import annotations

import argparse
import ast
import http.client
import json
import math
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HTTP_OK = 200
SECONDS_BETWEEN_LOOKS = 1.0
REQUEST_SECONDS = 60.0


class BadAnswerError(Exception):
    """The answer is not the one that was expected; the message says what differs."""


def post(url: str, body: bytes) -> tuple[int, bytes]:
    """HTTP status and body of the answer to a POST. Raises URLError where no connection can be made."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"}, method="POST")  # noqa: S310 - http only
    # A Service is inside the cluster: a proxy from the environment would only be in the way.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=REQUEST_SECONDS) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def ask(url: str, body: bytes, deadline: float) -> tuple[int, bytes]:
    """The answer to the request, which is sent once: a Service without a Ready pod takes no connection.

    `deadline` is a time.monotonic(). Raises BadAnswerError when it has passed, or where a connection breaks.
    """
    while True:
        try:
            return post(url, body)
        except urllib.error.URLError as error:
            if time.monotonic() > deadline:
                reason = f"No pod became Ready in time; last seen: {error.reason}."
                raise BadAnswerError(f"{reason} `kubectl describe psvc` says why.") from error
        except (OSError, http.client.HTTPException) as error:
            raise BadAnswerError(f"The connection broke before there was an answer: {error!r}") from error
        time.sleep(SECONDS_BETWEEN_LOOKS)


def values_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that a pipeline answer says, by key or tensor name; tensors as flat lists of numbers or strings."""
    values: dict[str, Any] = dict(zip(answer["key"], answer["value"], strict=True))
    for tensor in answer.get("tensors", ()):
        data = [elements for field, elements in tensor.items() if field.endswith("_data") and elements]
        values[tensor["name"]] = data[0] if data else []
    return values


def literal(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The list or number that a value text stands for; Ops write both JSON and Python. Other text stays text."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError):
            continue
    return text


def same(got: Any, want: Any, tolerance: float) -> bool:  # noqa: ANN401 - any JSON value
    """Whether `got` is what `want` says: text as written, numbers within the relative tolerance, lists by element."""
    if isinstance(want, str):
        return bool(got == want)
    if isinstance(got, str):
        got = literal(got)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same, got, want, [tolerance] * len(want)))
    if isinstance(want, bool) or want is None or isinstance(got, bool) or not isinstance(got, int | float):
        return got is want
    return math.isclose(got, want, rel_tol=tolerance)


def judge(status: int, body: bytes, expect: Mapping[str, Any], tolerance: float) -> str:
    """A sentence about a good answer. Raises BadAnswerError for a bad one."""
    shown = body[:2000].decode(errors="replace")
    try:
        answer = json.loads(body)
        values = values_of(answer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadAnswerError(f"HTTP {status}, but no answer of Paddle Serving ({error!r}): {shown}") from error
    if status != HTTP_OK or answer.get("err_no") != 0:
        raise BadAnswerError(f"HTTP {status}, err_no {answer.get('err_no')}: {answer.get('err_msg')}")
    if not values:
        raise BadAnswerError(f"The answer has neither values nor tensors: {shown}")
    for key, want in expect.items():
        if key not in values:
            raise BadAnswerError(f"The answer has no {key!r}; it has {', '.join(map(repr, values))}.")
        if not same(values[key], want, tolerance):
            raise BadAnswerError(f"{key!r} is {values[key]!r}, expected {want!r}.")
    return f"HTTP {status}; {', '.join(f'{key} = {str(value)[:100]}' for key, value in values.items())}"


def main() -> int:
    """0 for a good answer, 1 with a sentence on stderr for a bad one or none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--request", type=Path, required=True, help="file with the body of the request")
    parser.add_argument("--expect", type=Path, required=True, help="file with a JSON object: expected values by key")
    parser.add_argument("--tolerance", type=float, required=True, help="relative, for numbers")
    parser.add_argument("--timeout", type=float, required=True, help="seconds to wait for a Ready pod")
    arguments = parser.parse_args()
    try:
        status, body = ask(arguments.url, arguments.request.read_bytes(), time.monotonic() + arguments.timeout)
        sentence = judge(status, body, json.loads(arguments.expect.read_text()), arguments.tolerance)
    except BadAnswerError as bad:
        sys.stderr.write(f"{arguments.url}: {bad}\n")
        return 1
    sys.stdout.write(f"{arguments.url}: {sentence}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

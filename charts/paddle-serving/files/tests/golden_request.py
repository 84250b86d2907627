"""Posts one request to a model service and judges the answer: `helm test` runs this in a pod. Standard library only.

First it waits until the revision of the release's own values has all of the traffic; the one before would answer, too.
"""

from __future__ import annotations

import argparse
import ast
import http.client
import json
import math
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

HTTP_OK = 200
SECONDS_BETWEEN_LOOKS = 1.0
REQUEST_SECONDS = 60.0
API_SECONDS = 10.0
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class BadAnswerError(Exception):
    """The answer is not the one that was expected; the message says what differs."""


def read_resource(url: str, account: Path) -> dict[str, Any]:
    """The PaddleService at this URL of the API server, read with the pod's own account (folder with token and ca.crt).

    Raises BadAnswerError where that is refused, URLError or OSError where there is no answer.
    """
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {(account / 'token').read_text()}"})  # noqa: S310 - http only
    context = ssl.create_default_context(cafile=str(account / "ca.crt")) if url.startswith("https:") else None
    handlers = [urllib.request.ProxyHandler({}), *([urllib.request.HTTPSHandler(context=context)] if context else [])]
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=API_SECONDS) as response:
            found: dict[str, Any] = json.loads(response.read())
            return found
    except urllib.error.HTTPError as error:
        raise BadAnswerError(f"The PaddleService cannot be read: HTTP {error.code} {error.read()[:500]!r}") from error


def what_is_missing(resource: Mapping[str, Any], digest: str) -> str:
    """Why the revision of these values does not have all of the traffic yet; "" where it does.

    Raises BadAnswerError where waiting does not help: another digest is asked for, or the rollout failed.
    """
    asked, generation = resource["spec"]["model"]["digest"], resource["metadata"]["generation"]
    if asked != digest:
        text = f"The PaddleService asks for the model {asked}, the values of this release for {digest}."
        raise BadAnswerError(f"{text} It was changed after the last `helm upgrade`; run that again.")
    conditions = {
        item["type"]: item
        for item in resource.get("status", {}).get("conditions", ())
        if item.get("observedGeneration") == generation  # a condition of an earlier spec says nothing about this one
    }
    states = {kind: item["status"] for kind, item in conditions.items()}
    said = conditions.get("Progressing", {}).get("message", "The operator has not seen this change yet.")
    if states.get("Stalled") == "True":
        raise BadAnswerError(f"The rollout failed: {said}")
    return "" if states.get("Healthy") == "True" else said


def wait_for_revision(url: str, account: Path, digest: str, deadline: float) -> None:
    """Returns when the revision of these values has all of the traffic. Raises BadAnswerError at the deadline."""
    while True:
        try:
            missing = what_is_missing(read_resource(url, account), digest)
        except (OSError, http.client.HTTPException, ValueError) as error:
            missing = f"The API server does not answer: {error!r}"
        if not missing:
            return
        if time.monotonic() > deadline:
            raise BadAnswerError(f"The values of this release are not served in time. {missing}")
        time.sleep(SECONDS_BETWEEN_LOOKS)


class Credentials(NamedTuple):
    """The certificate that the service shows, and the file of its API keys; None where it has none."""

    certificate: Path | None = None
    api_keys: Path | None = None

    def headers(self) -> dict[str, str]:
        """What shows a key."""
        keys = self.api_keys.read_text().split() if self.api_keys else []
        return {"Authorization": f"Bearer {keys[0]}"} if keys else {}

    def handlers(self) -> list[urllib.request.BaseHandler]:
        """Trusts that certificate alone, whatever name is in it: that is the one for which users ask."""
        if self.certificate is None:
            return []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        end = "-----END CERTIFICATE-----"
        context.load_verify_locations(cadata=self.certificate.read_text().partition(end)[0] + end)
        return [urllib.request.HTTPSHandler(context=context)]


def post(url: str, body: bytes, credentials: Credentials) -> tuple[int, bytes]:
    """HTTP status and body of the answer to a POST. Raises URLError where no connection can be made."""
    headers = {"Content-Type": "application/json", **credentials.headers()}
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - http and https only
    # A Service is inside the cluster: a proxy from the environment would only be in the way.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *credentials.handlers())
    try:
        with opener.open(request, timeout=REQUEST_SECONDS) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def ask(url: str, body: bytes, deadline: float, credentials: Credentials) -> tuple[int, bytes]:
    """The answer to the request, which is sent once: a Service without a Ready pod takes no connection.

    `deadline` is a time.monotonic(). Raises BadAnswerError when it has passed, or where a connection breaks.
    """
    while True:
        try:
            return post(url, body, credentials)
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
    parser.add_argument("--resource", required=True, help="URL of the PaddleService at the API server")
    parser.add_argument("--account", type=Path, default=ACCOUNT, help="folder with the account's token and ca.crt")
    parser.add_argument("--digest", required=True, help="of the model that must be served")
    parser.add_argument("--request", type=Path, required=True, help="file with the body of the request")
    parser.add_argument("--expect", type=Path, required=True, help="file with a JSON object: expected values by key")
    parser.add_argument("--tolerance", type=float, required=True, help="relative, for numbers")
    parser.add_argument("--timeout", type=float, required=True, help="seconds to wait for the revision")
    parser.add_argument("--certificate", type=Path, help="PEM file that the service shows")
    parser.add_argument("--api-keys", type=Path, help="file whose first line is an API key")
    arguments = parser.parse_args()
    credentials = Credentials(arguments.certificate, arguments.api_keys)
    deadline = time.monotonic() + arguments.timeout
    try:
        wait_for_revision(arguments.resource, arguments.account, arguments.digest, deadline)
        status, body = ask(arguments.url, arguments.request.read_bytes(), deadline, credentials)
        sentence = judge(status, body, json.loads(arguments.expect.read_text()), arguments.tolerance)
    except BadAnswerError as bad:
        sys.stderr.write(f"{arguments.url}: {bad}\n")
        return 1
    sys.stdout.write(f"{arguments.url}: {sentence}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

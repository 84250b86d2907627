"""A worker keeps the memory of its requests from one to the next."""

import json
from typing import TYPE_CHECKING

import requests

from images.serving.tests.process.serve.conftest import page_faults

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

NUMBERS = [0.123456789] * 30_000
# read completely, and refused where its shape is looked at
BODY = json.dumps({"tensors": [{"name": "x", "elem_type": 1, "shape": [7], "float_data": NUMBERS}]}).encode()
WARM_UP, REQUESTS = 30, 100
FAULTS_PER_REQUEST = 20
"""The body alone is 94 pages, and what is made of it several hundred."""


def test_a_large_request_takes_its_memory_from_what_the_worker_has(shared: "Serving") -> None:
    pids = shared.worker_pids()
    with requests.Session() as session:

        def ask(times: int) -> int:
            before = sum(map(page_faults, pids))
            for _ in range(times):
                answer = session.post(f"{shared.http}/svc/prediction", data=BODY, timeout=60)
                assert (answer.status_code, "cannot fill the shape" in answer.text) == (400, True)
            return sum(map(page_faults, pids)) - before

        ask(WARM_UP)
        assert ask(REQUESTS) < FAULTS_PER_REQUEST * REQUESTS

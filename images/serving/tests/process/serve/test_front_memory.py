"""The front keeps the memory of its buffers from one request to the next."""

from pathlib import Path
from typing import TYPE_CHECKING

import requests

from images.serving.tests.process.serve.conftest import page_faults

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

BODY = b"{" + b" " * 300_000
WARM_UP, REQUESTS = 20, 100
FAULTS_PER_REQUEST = 10
"""A request of 300 KB fills 75 pages, and more than once."""


def front(serving: "Serving") -> int:
    """HAProxy's pid."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == serving.process.pid and (path / "comm").read_text().strip() == "haproxy":
                return int(path.name)
        except OSError:
            continue
    raise AssertionError("no HAProxy")


def test_a_large_request_takes_its_buffers_from_memory_that_the_front_has(shared: "Serving") -> None:
    process = front(shared)
    with requests.Session() as session:

        def ask(times: int) -> int:
            before = page_faults(process)
            for _ in range(times):
                assert session.post(f"{shared.http}/svc/prediction", data=BODY, timeout=60).status_code == 400
            return page_faults(process) - before

        ask(WARM_UP)
        assert ask(REQUESTS) < FAULTS_PER_REQUEST * REQUESTS

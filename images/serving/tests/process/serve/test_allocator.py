"""What allocates memory in the processes of a real `serve`, and that no bit depends on it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from images.serving.tests.process.serve.conftest import Serving, request_body
from images.serving.tests.process.serve.test_standby import has_spare
from images.serving.tests.services import ROW
from paddle_serving_runtime.supervisor.allocator import ALLOCATORS, find_allocator

REQUESTS = [request_body([value * factor for value in ROW]) for factor in (1.0, 0.3, -7.1, 1e-6, 1e6)]


def loaded_in(pid: int, library: Path) -> bool:
    return str(library.resolve()) in Path(f"/proc/{pid}/maps").read_text()


@pytest.fixture
def library() -> Path:
    found = find_allocator("tcmalloc").library
    assert found is not None, "make allocator"
    return found


def computing(serving: Serving) -> list[int]:
    """Its worker, and the process that waits to be the next one."""
    children = Path(f"/proc/{serving.process.pid}/task/{serving.process.pid}/children").read_text().split()
    return [
        int(pid) for pid in children if b"paddle_serving_runtime.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_answers_have_the_same_bits_with_each_allocator(
    serve: Callable[..., Serving], make_package: Callable[..., Path], library: Path
) -> None:
    answers = {}
    for name in ALLOCATORS:
        serving = serve(make_package(), "--workers", "1", "--allocator", name).wait_ready()
        serving.wait_for(partial(has_spare, serving), "a spare process")
        assert [loaded_in(pid, library) for pid in computing(serving)] == [name != "system"] * 2
        # what supervises has no use for it
        assert not loaded_in(serving.process.pid, library)
        assert serving.get("/report").json()["allocator"]["used"] == name
        answers[name] = [serving.post(body).content for body in REQUESTS]
    assert answers["system"] == answers["tcmalloc"]

"""`serve --engine pipeline`: the same front, supervisor and golden verification, with whatever the Ops do."""

import json
import os
import signal
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from images.serving.tests.object_loaders import CONTENTS
from images.serving.tests.process.pipeline_engine.conftest import session
from images.serving.tests.process.pipeline_engine.services import TROUBLE, TROUBLE_CONFIG
from images.serving.tests.process.serve.conftest import PATIENCE_SECONDS, Serving, start_serving
from images.serving.tests.services import PRICE, X

Serve = Callable[..., Serving]
FLAGS = ("--engine", "pipeline", "--drain-delay", "0.2", "--request-timeout", "5")


def body(**fields: str) -> dict[str, Any]:
    return {"key": list(fields), "value": list(fields.values())}


def price(serving: Serving) -> str:
    answer = serving.post(body(x=X))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"][0])


@pytest.fixture
def serve(service: Callable[..., Path], tmp_path: Path) -> Iterator[Serve]:
    running: list[Serving] = []

    def begin(*flags: str, script: str = TROUBLE, **files: str) -> Serving:
        script = script.replace(', "pid": str(os.getpid())', "")
        root = service(web_service=script, config=TROUBLE_CONFIG, **{"golden/a.json": json.dumps(body(x=X)), **files})
        running.append(start_serving(tmp_path, root, *FLAGS, *flags))
        return running[-1]

    yield begin
    for serving in running:
        serving.kill()


def replaced(serving: Serving, before: list[int]) -> None:
    """Waits until another worker serves, and nothing of the one before is left."""
    serving.wait_for(lambda: serving.worker_pids() != before, "a new worker")
    serving.wait_ready()
    serving.wait_for(lambda: not any(session(pid) for pid in before), "end of the worker before")
    assert price(serving) == PRICE


@pytest.mark.parametrize("threads", ["true", "false"])
def test_whatever_an_op_does_the_service_recovers(serve: Serve, threads: str) -> None:
    serving = serve("--overrides", f"dag.is_thread_op={threads}").wait_ready()
    assert len(serving.worker_pids()) == 1
    assert serving.get("/report").json()["verdict"] == "EngineOnly"
    assert price(serving) == PRICE
    deaths = {"hang": 504, "os._exit": 503, "killpg": 503}
    for do, status in deaths.items():
        before = serving.worker_pids()
        answer = serving.post(body(x=X, do=do))
        assert answer.status_code == status, (do, answer.text)
        assert answer.json()["err_no"] in {3001, 6000}
        replaced(serving, before)
    assert serving.process.poll() is None


def test_a_hang_is_noticed_where_its_client_has_gone(serve: Serve) -> None:
    serving = serve().wait_ready()
    before = serving.worker_pids()
    with pytest.raises(requests.Timeout):
        serving.post(body(x=X, do="hang"), timeout=0.5)
    replaced(serving, before)


def oldest_first(leader: int, pids: Iterable[int]) -> list[int]:
    """A process id below the leader's was given after the ids had run out and begun anew."""
    return sorted(pids, key=lambda pid: (pid < leader, pid))


STARTING = """    def init_op(self):
        import subprocess
        subprocess.Popen(["sleep", "600"])

    def preprocess"""


def test_a_killed_process_is_noticed_without_a_request_and_nothing_survives(serve: Serve) -> None:
    """The Op, the Manager with the channels, and the worker itself; the Op has started a program of its own."""
    serving = serve(script=TROUBLE.replace("    def preprocess", STARTING, 1)).wait_ready()
    for place in (0, 1, 2):
        before = serving.worker_pids()
        family = oldest_first(
            before[0], (pid for pid in session(before[0]) if b"sleep" not in Path(f"/proc/{pid}/cmdline").read_bytes())
        )
        assert (family[0], len(family), len(session(before[0]))) == (before[0], 3, 4)
        os.kill(family[place], signal.SIGKILL)
        replaced(serving, before)


def test_hostile_requests_are_refused_and_end_nothing(
    serve: Serve, watched: tuple[str, Callable[[], list[str]]]
) -> None:
    script, loaded = watched
    serving = serve(script=script).wait_ready()
    before, calls = serving.worker_pids(), loaded()
    for content in CONTENTS:
        tensor = {"name": "x", "elem_type": 13, "shape": [1], "byte_data": b64encode(content).decode()}
        assert serving.post({"tensors": [tensor]}).status_code == 400
    assert loaded() == calls
    for do, status in {"empty list": 500, "custom": 400, "sys.exit": 500, "wrong type": 500}.items():
        answer = serving.post(body(x=X, do=do))
        assert (answer.status_code, "secret" in answer.text) == (status, False), do
    assert "pipeline.profile" not in serving.post(body(**{"x": X, "pipeline.profile": "1"})).text
    assert serving.worker_pids() == before
    assert price(serving) == PRICE


def test_sigterm_drains_and_leaves_nothing(serve: Serve, tmp_path: Path) -> None:
    serving = serve().wait_ready()
    family = session(serving.worker_pids()[0])
    flag = tmp_path / "go on"
    answers: list[requests.Response] = []
    waiting = body(**{"x": X, "do": "wait", "for": str(flag)})
    asking = threading.Thread(target=lambda: answers.append(serving.post(waiting)))
    asking.start()
    serving.wait_for(flag.with_name(f"{flag.name}.begun").exists, "request in flight")
    serving.process.terminate()
    serving.wait_for(lambda: bool(serving.logs("draining")), "draining")
    flag.touch()
    asking.join(PATIENCE_SECONDS)
    assert [answer.status_code for answer in answers] == [200]
    assert serving.wait_exit() == 0
    assert serving.logs("drained")
    assert [pid for pid in family if Path(f"/proc/{pid}").exists()] == []


def test_a_module_of_the_vision_image_that_is_missing_is_told_with_where_it_is(serve: Serve) -> None:
    init = "    def init_op(self):\n        import sys\n        sys.modules['cv2'] = None\n        import cv2\n"
    serving = serve(script=TROUBLE.replace("    def preprocess", f"{init}\n    def preprocess"))
    assert serving.wait_exit() == 4
    assert "paddle-serving-runtime:<version>-vision has it" in serving.message()


@pytest.mark.parametrize("threads", ["true", "false"])
def test_init_op_that_fails_ends_the_container_with_a_sentence(serve: Serve, threads: str) -> None:
    init = "    def init_op(self):\n        raise OSError('no dictionary')\n\n    def preprocess"
    serving = serve(*("--overrides", f"dag.is_thread_op={threads}"), script=TROUBLE.replace("    def preprocess", init))
    assert serving.wait_exit() == 4
    assert serving.message().startswith("ServiceBroken: web_service.py:")
    assert "init_op of op trouble failed: OSError: no dictionary" in serving.message()


def test_an_op_that_answers_the_previous_request_is_never_served(serve: Serve) -> None:
    before = """        answer, self.before = getattr(self, "before", fetch_dict["price"]), fetch_dict["price"]
        return {"price": str(answer.tolist())"""
    serving = serve(script=TROUBLE.replace('        return {"price": str(fetch_dict["price"].tolist())', before))
    assert serving.wait_exit() == 3
    assert "keeps something from one request to the next" in serving.message()


def test_an_answer_that_differs_is_never_served(serve: Serve) -> None:
    """An Op that keeps state answers its reference differently; the check sees the stock pipeline's answers too."""
    script = TROUBLE.replace('"price": str(', '"price": str(os.getpid()) + str(')
    serving = serve(script=script)
    assert serving.wait_exit() == 3
    assert serving.message().startswith("NotConsistent: ")

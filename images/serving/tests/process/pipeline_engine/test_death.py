"""Whatever part of the pipeline dies: calls in flight get an answer, the worker ends, and nothing survives it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.process.pipeline_engine.conftest import EngineProcess, Start
from images.serving.tests.process.pipeline_engine.services import TROUBLE, TROUBLE_CONFIG
from images.serving.tests.services import X

LOST = ("OpFailed", 3001, 503)


def kinds(result: dict[str, Any]) -> tuple[str, int, int]:
    return result["kind"], result["err_no"], result["status"]


def finish(engine: EngineProcess) -> str:
    """Waits until the engine has said why it ends and its whole family is gone; returns why."""
    said = engine.read()
    assert "ended" in said, said
    assert engine.wait() == 70
    engine.wait_for(lambda: not engine.family(), "end of the family")
    return str(said["ended"])


@pytest.mark.parametrize("do", ["os._exit", "segfault"])
def test_an_op_that_ends_its_process_costs_the_calls_in_flight_and_the_worker(
    trouble: Path, start: Start, do: str, tmp_path: Path
) -> None:
    engine = start(trouble, {"op.trouble.concurrency": "2"})
    waiting = engine.ask({"x": X, "do": "wait", "for": str(tmp_path / "never")})
    deadly = engine.ask({"x": X, "do": do})
    assert kinds(engine.result(deadly)) == LOST
    assert kinds(engine.result(waiting)) == LOST
    assert "Op trouble" in finish(engine)


@pytest.mark.parametrize("do", ["os._exit", "segfault", "killpg"])
def test_a_thread_op_that_ends_its_process_ends_the_worker_at_once(trouble: Path, start: Start, do: str) -> None:
    engine = start(trouble, {"dag.is_thread_op": "true"})
    engine.ask({"x": X, "do": do})
    engine.wait_for(lambda: engine.poll() is not None, "end of the worker")
    assert engine.status == {"os._exit": 9, "segfault": -signal.SIGSEGV, "killpg": -signal.SIGKILL}[do]


def test_every_process_that_is_killed_ends_the_worker(trouble: Path, start: Start) -> None:
    """The processes of the Ops, and the Manager that has the channels, whose end upstream does not notice."""
    for victim in range(3):
        engine = start(trouble, {"op.trouble.concurrency": "2"})
        children = sorted(engine.children())
        assert len(children) == 3
        os.kill(children[victim], signal.SIGKILL)
        why = finish(engine)
        # Ops may notice the end of the Manager, and end, before the worker does
        assert "was ended by signal 9" in why or "Connection" in why


def test_nothing_survives_a_killed_worker(trouble: Path, start: Start, tmp_path: Path) -> None:
    engine = start(trouble, {"op.trouble.concurrency": "2"})
    engine.ask({"x": X, "do": "wait", "for": str(tmp_path / "never")})
    assert len(engine.children()) == 3
    engine.kill()
    engine.wait_for(lambda: not engine.family(), "end of the family")


FORKING = """
        import os, time
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
"""


def test_what_an_op_has_forked_dies_with_its_worker(
    service: Callable[..., Path], start: Start, price_service: str
) -> None:
    root = service(web_service=price_service.replace('        self.separator = ","', FORKING))
    engine = start(root, {"dag.is_thread_op": "false"})
    engine.wait_for(lambda: len(engine.family()) == 4, "worker, Manager, Op and what the Op has forked")
    engine.kill()
    engine.wait_for(lambda: not engine.family(), "end of the family")


def test_the_loop_of_an_op_that_ends_is_noticed(
    service: Callable[..., Path], start: Start, mode: dict[str, str]
) -> None:
    """Whatever it is that no repair knows of: here an exception that neither the stock loop nor a repair catches."""
    script = TROUBLE.replace('raise ValueError("cannot read', 'raise KeyboardInterrupt("cannot read')
    engine = start(service(web_service=script, config=TROUBLE_CONFIG), mode)
    assert kinds(engine.answer({"x": X, "do": "raise"})) == LOST
    assert "Op trouble has ended: KeyboardInterrupt" in finish(engine)


def test_a_model_that_computes_on_after_its_timeout_ends_the_worker(trouble: Path, start: Start) -> None:
    """Nothing ends it, and nobody else may use it: upstream lets the next request use it, beside it."""
    engine = start(trouble, {"op.trouble.timeout": "200"})
    assert kinds(engine.answer({"x": X, "do": "stuck"})) == LOST
    assert "the model of Op trouble has not ended 5 s after its timeout" in finish(engine)

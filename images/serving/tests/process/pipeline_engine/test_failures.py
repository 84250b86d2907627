"""What an Op does wrong fails its own request and nothing else, as the direct engine fails it."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from images.serving.tests.object_loaders import CONTENTS, LOAD
from images.serving.tests.process.pipeline_engine.conftest import Start
from images.serving.tests.process.pipeline_engine.services import TROUBLE_CONFIG
from images.serving.tests.services import PRICE, X

Watched = tuple[str, Callable[[], list[str]]]

FAILURES = {
    "raise": (10000, 500, "[trouble] preprocess failed: ValueError"),
    "custom": (5000, 400, "[trouble] preprocess failed"),
    "custom for the client": (5000, 400, "[trouble] no such file <path>"),
    "sys.exit": (10000, 500, "[trouble] preprocess failed: SystemExit"),
    "code": (55, 400, "no image"),
    "code 0": (50, 400, "zero"),
    "wrong type": (7000, 500, "[trouble] preprocess must return a dict or a list of dicts, not a str"),
    "wrong feed": (5000, 400, "[trouble] invalid arg list: ['feed_batch']"),
    "empty list": (7000, 500, "fetch var type must be str(<class 'list'>)."),
    "number": (7000, 500, "fetch var type must be str(<class 'int'>)."),
    "not a dict": (7000, 500, "[trouble] postprocess should return dict"),
    "late code": (56, 400, "no price"),
}


def test_every_failure_has_its_code_and_says_nothing_secret_and_the_service_goes_on(
    trouble: Path, start: Start, mode: dict[str, str]
) -> None:
    engine = start(trouble, mode)
    for do, (err_no, status, words) in FAILURES.items():
        result = engine.answer({"x": X, "do": do})
        assert (result["kind"], result["err_no"], result["status"]) == ("OpFailed", err_no, status), (do, result)
        assert result["error"].endswith(words), (do, result)
        assert "secret" not in result["error"]
        assert engine.answer({"x": X})["values"]["price"] == PRICE, do
    assert engine.answer({"x": X, "do": "skip"})["values"]["price"] == "[0.0]"
    assert engine.poll() is None


def test_a_shape_that_the_model_refuses_fails_alone(trouble: Path, start: Start, mode: dict[str, str]) -> None:
    engine = start(trouble, mode)
    result = engine.answer({"x": "1,2"})
    assert (result["kind"], result["err_no"], result["status"]) == ("OpFailed", 10000, 500)
    assert "/" not in result["error"]
    assert engine.answer({"x": X})["values"]["price"] == PRICE


def test_the_profile_key_of_a_client_has_no_effect(trouble: Path, start: Start) -> None:
    engine = start(trouble)
    for request in (
        ({"x": X, "do": "keys", "pipeline.profile": "1"}, {}),
        ({"x": X, "do": "keys"}, {"past the parser": {"pipeline.profile": "1"}}),
    ):
        assert engine.answer(request[0], **request[1])["values"] == {"keys": "do,x"}


def test_opaque_bytes_are_refused_and_never_read_as_objects(
    watched: Watched, service: Callable[..., Path], start: Start, mode: dict[str, str]
) -> None:
    script, loaded = watched
    engine = start(service(web_service=script, config=TROUBLE_CONFIG), mode)
    before = loaded()
    for content in CONTENTS:
        for elem_type in (13, "13", 13.0, True):
            tensor = {"name": "x", "elem_type": elem_type, "shape": [1], "byte_data": b64encode(content).decode()}
            result = engine.answer(tensors=[tensor])
            assert (result["kind"], result["status"]) == ("BadRequest", 400)
    assert loaded() == before
    assert engine.answer({"x": X, "do": LOAD})["values"]["price"] == PRICE
    assert loaded() == [*before, "numpy.load"]


def test_a_model_of_the_service_cannot_be_addressed(trouble: Path, start: Start) -> None:
    engine = start(trouble)
    assert engine.loaded["models"] == 0
    result = engine.result(engine.ask({"x": X}, target="trouble"))
    assert (result["kind"], result["status"]) == ("BadRequest", 404)
    assert "the direct engine" in result["error"]


@pytest.mark.parametrize(("worker_num", "capacity"), [(1, 3), (7, 7), (1000, 64)])
def test_calls_in_flight_are_bounded_by_worker_num(trouble: Path, start: Start, worker_num: int, capacity: int) -> None:
    engine = start(trouble, {"worker_num": str(worker_num), "op.trouble.batch_size": "3"})
    assert engine.loaded["capacity"] == capacity


def test_no_more_calls_than_worker_num_are_in_the_pipeline(trouble: Path, start: Start, tmp_path: Path) -> None:
    """Upstream's channels have no bound; here the next call enters when one has left, whatever the Ops could take."""
    engine = start(trouble, {"worker_num": "2", "op.trouble.concurrency": "4"})
    flags = [tmp_path / str(number) for number in range(6)]
    calls = [engine.ask({"x": X, "do": "wait", "for": str(flag)}) for flag in flags]

    def begun() -> list[int]:
        return [number for number, flag in enumerate(flags) if flag.with_name(f"{flag.name}.begun").exists()]

    for number, flag in enumerate(flags):
        engine.wait_for(lambda number=number: begun() == list(range(min(number + 2, 6))), "next call")  # type: ignore[misc]
        flag.touch()
        assert engine.result(calls[number])["kind"] == "Response"

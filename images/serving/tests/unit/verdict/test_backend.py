"""Which backend is taken, from what was tried."""

from dataclasses import replace

import pytest

from paddle_serving_runtime.paddle_model.switches import Asked, Backend
from paddle_serving_runtime.verdict.backend import Choice, Trial, choose, not_tried

DEFAULT = Trial("Default", 10.0, "", "", same_bits=True)
OPENVINO = Trial("OpenVINO", 3.0, "", "", same_bits=False)
EXECUTOR = Trial("NewExecutor", 8.0, "", "", same_bits=True)


@pytest.mark.parametrize(
    ("trials", "backend"),
    [
        ((DEFAULT, OPENVINO, EXECUTOR), "OpenVINO"),
        ((DEFAULT, replace(OPENVINO, milliseconds=9.0), EXECUTOR), "NewExecutor"),
        ((DEFAULT, replace(OPENVINO, milliseconds=9.5)), "Default"),
        ((DEFAULT, replace(OPENVINO, difference="Sample a"), EXECUTOR), "NewExecutor"),
        ((DEFAULT, replace(OPENVINO, failure="it does not load")), "Default"),
        ((DEFAULT, replace(EXECUTOR, same_bits=False)), "Default"),
        ((replace(DEFAULT, difference="Sample a"), OPENVINO), "OpenVINO"),
        ((replace(DEFAULT, difference="a"), replace(OPENVINO, difference="a")), "Default"),
        ((DEFAULT,), "Default"),
    ],
)
def test_auto_takes_the_fastest_whose_answers_agree_if_it_gains_enough(
    trials: tuple[Trial, ...], backend: Backend
) -> None:
    choice = choose("Auto", trials)
    assert (choice.asked, choice.backend, choice.trials) == ("Auto", backend, trials)


def test_what_was_not_taken_is_told_with_the_times() -> None:
    refused = replace(OPENVINO, difference="Sample a.json, tensor y, differs")
    assert choose("Auto", (DEFAULT, refused, EXECUTOR)).reasons == (
        "Auto has taken NewExecutor (CPU time of the models: Default 10 ms, OpenVINO 3 ms, NewExecutor 8 ms).",
        "OpenVINO is not taken: Sample a.json, tensor y, differs.",
    )


@pytest.mark.parametrize("asked", ["OpenVINO", "NewExecutor"])
def test_what_is_asked_for_is_taken_unless_it_cannot_compute_the_model(asked: Asked) -> None:
    """Whether its answers may be served, the proof decides, as for any other."""
    slow = Trial(asked, 30.0, "", "Sample a", same_bits=False)  # type: ignore[arg-type] # Auto is not among them
    assert choose(asked, (DEFAULT, slow)).backend == asked
    fallen = choose(asked, (DEFAULT, replace(slow, failure="Paddle ignores it")))
    assert (fallen.backend, fallen.reasons) == ("Default", ("The backend is Default: Paddle ignores it.",))


def test_a_choice_reaches_another_process_and_a_report() -> None:
    choice = choose("Auto", (DEFAULT, OPENVINO, replace(EXECUTOR, failure="it fails")))
    assert Choice.from_fields(choice.to_fields()) == choice
    told = choice.as_json()
    assert (told["asked"], told["backend"]) == ("Auto", "OpenVINO")
    assert told["trials"][2] == {
        "backend": "NewExecutor",
        "cpuMilliseconds": 8.0,
        "sameBits": True,
        "reason": "it fails",
    }
    assert not_tried("Auto", "there is nothing to compare").reasons == (
        "The backend is Default: there is nothing to compare.",
    )

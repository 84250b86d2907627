"""What a person sees of a rollout: stage, steps, what is left of a pause."""

from datetime import UTC, datetime, timedelta

import pytest

from paddle_serving_operator.view.rollout import Rollout, Stage, State, rollout_of

from .things import NEW, OLD, Json, service, shifting, track

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
WHY = {"why": {"reason": "Aborted", "message": "A person aborted it."}}


def states(rollout: Rollout) -> list[State]:
    return [step.state for step in rollout.steps]


def memory(stage: str, **fields: object) -> Json:
    raw = shifting()
    raw["status"]["rollout"] = {"stable": OLD, "stage": stage, "candidate": NEW, **fields}
    return raw


def test_a_step_counts_the_pause_that_is_left() -> None:
    found = rollout_of(shifting(), NOW)
    assert (found.strategy, found.stage, found.stable, found.candidate) == ("Canary", Stage.SHIFTING, OLD, NEW)
    assert states(found) == [State.DONE, State.NOW, State.NEXT, State.NEXT]
    assert found.steps[1].left == timedelta(seconds=37)
    assert found.sentence == f"Revision {NEW} is in step 1 of 2: 20%, 37s of 60s left."


def test_a_pause_that_is_over_has_nothing_left() -> None:
    late = rollout_of(shifting(arrived="2026-11-29T11:00:00Z"), NOW)
    assert late.steps[1].left == timedelta()


@pytest.mark.parametrize("memory", [{"arrived": None}, {"resumed": True}])
def test_nothing_counts_before_the_share_is_seen_or_after_it_was_resumed(memory: Json) -> None:
    assert rollout_of(shifting(**memory), NOW).steps[1].left is None


def test_a_step_without_an_end_says_what_ends_it() -> None:
    found = rollout_of(shifting(step=1), NOW)
    assert found.steps[2].pause == "until resume or promote"
    assert found.sentence == f"Revision {NEW} is in step 2 of 2: 50%, held until resume or promote."


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("Verifying", [State.NOW, State.NEXT, State.NEXT, State.NEXT]),
        ("Promoting", [State.DONE, State.DONE, State.DONE, State.NOW]),
    ],
)
def test_the_steps_follow_the_stage(stage: str, expected: list[State]) -> None:
    assert states(rollout_of(memory(stage), NOW)) == expected


def test_a_stopped_candidate_is_shown_where_it_was_stopped() -> None:
    found = rollout_of(memory("Halted", step=1, **WHY), NOW)
    assert states(found) == [State.DONE, State.DONE, State.STOPPED, State.NEXT]
    assert found.sentence == f"Revision {NEW} was stopped in step 2 of 2: 50%. Aborted: A person aborted it."


@pytest.mark.parametrize(
    "fields",
    [{"step": 2, **WHY}, {"step": 1, "why": {"reason": "Superseded", "message": "The spec asks for another."}}],
    ids=["fewer steps than before", "another revision's steps"],
)
def test_a_step_that_is_none_of_the_newest_specs_is_not_named(fields: Json) -> None:
    found = rollout_of(memory("Halted", **fields), NOW)
    assert [step.title for step in found.steps] == ["proof", "all traffic"]
    assert found.sentence.startswith(f"Revision {NEW} was stopped. ")


def test_where_the_step_that_stopped_it_is_not_known_none_is_named() -> None:
    found = rollout_of(memory("Halted", **WHY), NOW)
    assert [(step.title, step.state) for step in found.steps] == [("proof", State.DONE), ("all traffic", State.STOPPED)]


def test_one_that_was_not_proved_was_stopped_at_its_proof() -> None:
    raw = memory("Halted", **WHY)
    del raw["status"]["verification"]
    assert states(rollout_of(raw, NOW)) == [State.STOPPED, State.NEXT, State.NEXT, State.NEXT]


def test_while_nothing_is_rolled_out_there_are_no_steps() -> None:
    found = rollout_of(service({"rollout": {"stable": OLD, "stage": "Idle"}, "stable": track(OLD, "a", 2, 100)}), NOW)
    assert (found.steps, found.candidate, found.sentence) == ((), "", "Nothing is being rolled out.")


def test_one_that_waits_for_its_turn_is_not_said_to_be_proved() -> None:
    raw = service({"rollout": {"stable": OLD, "stage": "Verifying", "candidate": NEW, "turn": "Waiting"}})
    assert rollout_of(raw, NOW).sentence == f"Revision {NEW} has not begun: it waits for its turn."


def test_a_status_without_stages_proves_what_it_rolls_out() -> None:
    found = rollout_of(service({"stable": track(OLD, "a", 2, 100), "canary": track(NEW, "b", 0, 0)}), NOW)
    assert (found.stage, found.candidate, found.strategy) == (Stage.VERIFYING, NEW, "BlueGreen")
    assert [step.title for step in found.steps] == ["proof", "all traffic"]


@pytest.mark.parametrize(("raw", "held"), [(shifting(held=True), True), (shifting(), False)])
def test_a_pause_by_verb_is_said(raw: Json, held: bool) -> None:  # noqa: FBT001 - a case
    found = rollout_of(raw, NOW)
    assert (found.held, found.paused) == (held, False)
    assert found.sentence.endswith("It is paused.") is held


def test_a_pause_of_the_spec_is_told_from_that_of_a_verb() -> None:
    raw = shifting()
    raw["spec"]["rollout"]["paused"] = True
    found = rollout_of(raw, NOW)
    assert (found.held, found.paused) == (False, True)
    assert found.sentence.endswith("It is paused.")

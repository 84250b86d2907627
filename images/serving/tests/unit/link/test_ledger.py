"""What the workers of a pod leave for each other about runs that requests share."""

from pathlib import Path

import pytest

from paddle_serving_runtime.link.ledger import WorkerLedger, create, is_proving, prepare_successor


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(tmp_path / "ledger")
    return tmp_path / "ledger"


def test_after_a_worker_that_ends_in_its_proof_none_in_its_place_proves_anything(path: Path) -> None:
    first = WorkerLedger(path, 1)
    assert first.begin_proof()
    assert is_proving(path, 1)
    # one that ends later has not ended in a proof, and is the beginning of a loop
    for _ in range(2):
        prepare_successor(path, 1)
        assert not is_proving(path, 1)
        assert not WorkerLedger(path, 1).begin_proof()
        assert not is_proving(path, 1)


def test_a_proof_that_came_to_an_end_is_done_again_and_others_are_not_held_up(path: Path) -> None:
    first = WorkerLedger(path, 1)
    assert first.begin_proof()
    assert WorkerLedger(path, 2).begin_proof()
    first.end_proof()
    assert (is_proving(path, 1), is_proving(path, 2)) == (False, True)
    assert WorkerLedger(path, 1).begin_proof()

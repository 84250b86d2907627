"""An input that is the same in all golden samples: nothing is proved for another value of it."""

from collections.abc import Mapping

import numpy as np

from paddle_serving_runtime.engine.proof import Proof, Trial, prove
from paddle_serving_runtime.engine.sharing import Sharing

SIZES = (2, 4)
Arrays = Mapping[str, np.ndarray]


class Nobody:
    """A ledger in which nothing is written."""

    off = False

    def shared(self) -> None:
        """Nothing."""

    def audited(self, *, differs: bool) -> None:
        """Nothing."""


def scaled_by_the_first(feed: Arrays) -> Arrays:
    """One number for all rows: that of the first."""
    return {"y": feed["x"] * feed["k"][0]}


def scaled(factor: int, rows: int = 1) -> Arrays:
    return {"x": np.array([[1, 2, 3 * factor]], np.float32), "k": np.full(rows, factor)}


def tried(*feeds: Arrays) -> Proof:
    return prove(scaled_by_the_first, feeds, Trial(SIZES, lambda: False))


def test_of_an_input_that_is_the_same_in_all_samples_nothing_is_proved_for_another_value() -> None:
    proof = tried(scaled(2), {"x": np.array([[4, 5, 6]], np.float32), "k": np.array([2])})
    assert list(proof.sizes.values()) == [SIZES]
    assert proof.reasons == ("a request with another k than all golden samples have is computed alone",)
    assert [proof.covers(feed) for feed in (scaled(2), scaled(3), scaled(2, 2), scaled(3, 2))] == [
        *(True, False),
        *(True, True),  # these have no rows of their own and are alone in any case
    ]
    three = {"x": np.ones((3, 3), np.float32), "k": np.array([2, 2, 3])}
    assert not proof.covers(three)
    assert proof.covers({**three, "k": np.array(2)})
    sharing = Sharing(proof, ledger=Nobody())
    factors = (2, 3, 2, 3, 2, 2, 3)
    assert sharing.groups([scaled(factor) for factor in factors]) == [[1], [3], [6], [0, 2, 4, 5]]


def test_two_values_of_it_show_that_rows_depend_on_each_other() -> None:
    proof = tried(scaled(2), scaled(3))
    assert not proof.sizes

"""Whether shared runs are worth their proof to a service that was not asked to share: by the times of a few runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

from paddle_serving_runtime.engine.grouping import Feed, concatenate
from paddle_serving_runtime.engine.lanes import NotSharedError
from paddle_serving_runtime.engine.proof import Compute, Trial, rows_by_signature, within
from paddle_serving_runtime.engine.running import ModelRunner
from paddle_serving_runtime.engine.service_proof import Observed

_ASK = (
    "With Auto the requests of a service share runs where that saves enough and is soon proved; "
    "engine.batching: {maxRows: 8} (any number but the default 16), serve --batching 8, is for all others"
)


@dataclass(frozen=True)
class _Model:
    """A model of a service: one of its rows, how many kinds of rows, rows of a request, seconds of a run of one row."""

    compute: Compute
    row: Feed
    kinds: int
    per_request: float
    seconds: float


def limited(trial: Trial) -> Callable[[], bool]:
    """Whether the time for watching requests is over: that of the bargain, where there is one, from now on."""
    if trial.bargain is None:
        return trial.over
    spent = within(trial.bargain.seconds, trial.bargain.clock)
    return lambda: spent() or trial.over()


def worthwhile(trial: Trial, observed: Observed, runners: Mapping[str, ModelRunner]) -> Trial:
    """The trial with the sizes whose proof is affordable, where runs of the largest of them save enough.

    The trial as it is without a bargain, and where no model has rows that could be computed together: then the proof
    says why. Raises NotSharedError with the figures where sharing is none.
    """
    bargain, requests = trial.bargain, len(observed.answers)
    if bargain is None or not requests:
        return trial
    over, began = limited(trial), bargain.clock()
    models = [
        _timed(runners[name].compute, feeds, requests, bargain.clock)
        for name, feeds in observed.feeds.items()
        if rows_by_signature(feeds) and not runners[name].fixed_batch
    ]
    if not models:
        return trial
    request = observed.outside + sum(model.per_request * model.seconds for model in models)
    left = bargain.seconds - (bargain.clock() - began)
    affordable = tuple(size for size in trial.sizes if _cost(models, size, requests, request) <= left)
    if not affordable:
        least = _cost(models, trial.sizes[0], requests, request)
        raise NotSharedError(f"the proof for {trial.sizes[0]} rows takes about {least:.1f} s of every start. {_ASK}")
    rows = affordable[-1]
    saved = max(0.0, _saved(models, rows, bargain.clock)) / request if request else 0.0
    if saved < bargain.share:
        raise NotSharedError(f"runs of {rows} rows save {saved:.0%} of a request's processor time. {_ASK}")
    return replace(trial, sizes=affordable, over=over)


def _timed(compute: Compute, feeds: Sequence[Feed], requests: int, clock: Callable[[], float]) -> _Model:
    kinds = rows_by_signature(feeds)
    rows = next(iter(kinds.values()))
    seconds = _seconds(compute, rows[0], clock)
    return _Model(compute, rows[0], len(kinds), sum(map(len, kinds.values())) / requests, seconds)


def _cost(models: Sequence[_Model], most: int, requests: int, request: float) -> float:
    """About how many seconds the proof of all sizes up to `most` takes, powers of two.

    Of each kind of row `most` are computed alone, and for every size as many runs as there are rows; then requests are
    computed beside each other, as many as get lanes.
    """
    rows = most + most * (2 * most - 2)
    return sum(model.kinds * rows * model.seconds for model in models) + max(most, requests) * request


def _saved(models: Sequence[_Model], rows: int, clock: Callable[[], float]) -> float:
    """Seconds of a request that runs of so many rows save."""
    saved = 0.0
    for model in models:
        together = concatenate(list(islice(cycle([model.row]), rows)))
        saved += model.per_request * (model.seconds - _seconds(model.compute, together, clock) / rows)
    return saved


def _seconds(compute: Compute, feed: Feed, clock: Callable[[], float]) -> float:
    """Of the faster of two runs: the first of a shape prepares it.

    0 for rows that the model cannot compute, so that the proof tries them, and says it.
    """
    runs = []
    for _ in range(2):
        began = clock()
        try:
            compute(feed)
        except Exception:  # noqa: BLE001 - Paddle raises what it likes, and the proof says so
            return 0.0
        runs.append(clock() - began)
    return min(runs)

"""The stock LocalPredictor with the runtime's own way to load and run a model."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.switches import Switches


def local_predictor(model_dir: Path, switches: Switches, kept_shapes: int) -> Any:  # noqa: ANN401 - a class of an untyped package
    """A LocalPredictor for one model; raises ModelInvalid or InvalidOption as Predictor does.

    The stock one does not know Paddle 3's .json models, leaves oneDNN on where it is switched off, keeps
    repeated_fc_relu_fuse_pass, which not every model survives, and takes outputs by their position where a name does
    not fit.
    """
    from paddle_serving_app.local_predict import LocalPredictor  # noqa: PLC0415 - importable after install() only

    class CheckedPredictor(_Checked, LocalPredictor):  # type: ignore[misc] # untyped
        """The stock server asks whether its client is a LocalPredictor."""

    return CheckedPredictor(model_dir, switches, kept_shapes)


class _Checked:
    """What a LocalPredictor is asked for. Safe for use by several threads: one runs, the others wait."""

    def __init__(self, model_dir: Path, switches: Switches, kept_shapes: int) -> None:
        super().__init__()
        self._model = Predictor(model_dir, switches, kept_shapes)
        self._running = threading.Lock()
        self.feed_names_ = [variable.alias for variable in self._model.conf.feeds]
        self.fetch_names_ = [variable.alias for variable in self._model.conf.fetches]
        self._known = {name for v in self._model.conf.feeds for name in (v.name, v.alias)}

    def predict(
        self,
        feed: Mapping[str, Any] | None = None,
        fetch: str | Sequence[str] | None = None,
        batch: bool = False,  # noqa: FBT001, FBT002 - the stock signature
        log_id: int = 0,  # noqa: ARG002 - the stock signature
    ) -> dict[str, NDArray[Any]]:
        """Outputs by name for inputs by name; without `batch` the inputs get a first axis of length 1."""
        if not isinstance(feed, Mapping):
            raise TypeError("feed must be a dict of the model's inputs")
        arrays = {
            name: _array(name, value, batch=batch)
            for name, value in feed.items()
            if name.removesuffix(".lod") in self._known
        }
        with self._running:
            outputs = self._model.run(arrays)
        return outputs if fetch is None else _selected(outputs, [fetch] if isinstance(fetch, str) else fetch)

    def idle_within(self, seconds: float) -> bool:
        """Whether it is not running, or stops doing so within the time."""
        idle = self._running.acquire(timeout=seconds)
        if idle:
            self._running.release()
        return idle


def _array(name: str, value: object, *, batch: bool) -> NDArray[Any]:
    array = np.asarray(value)
    return array if batch or name.endswith(".lod") else array[np.newaxis]


def _selected(outputs: Mapping[str, NDArray[Any]], names: Sequence[str]) -> dict[str, NDArray[Any]]:
    if unknown := [name for name in names if name not in outputs]:
        raise ValueError(f"the model has no output {unknown[0]!r}; it has {', '.join(outputs)}")
    return {key: outputs[key] for name in names for key in (name, f"{name}.lod") if key in outputs}

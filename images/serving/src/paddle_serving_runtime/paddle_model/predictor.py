"""Paddle Inference as the serving path uses it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.errors import InvalidOption, ModelInvalid
from paddle_serving_runtime.paddle_model.adaptation import adapt
from paddle_serving_runtime.paddle_model.guarded import GuardedRuns, end_process
from paddle_serving_runtime.paddle_model.lookups import EMBEDDING, LOOKING_UP, places
from paddle_serving_runtime.paddle_model.opening import OpenedModel, open_model
from paddle_serving_runtime.paddle_model.openvino import ErrorWatch, engine, require_errors_seen
from paddle_serving_runtime.paddle_model.paddle_errors import first_line
from paddle_serving_runtime.paddle_model.program import Program
from paddle_serving_runtime.paddle_model.prototxt import Variable
from paddle_serving_runtime.paddle_model.switches import Switches

# With the first, Paddle 3.3.1 does not survive loading some models; the second is upstream's.
_DELETED_PASSES = ("repeated_fc_relu_fuse_pass", "conv_transpose_eltwiseadd_bn_fuse_pass")
# The handles of Paddle 3.3.1 take int16 and bfloat16 for int32, and give float32 garbage for bfloat16.
_WITHOUT_HANDLES = frozenset({"int16", "bfloat16", "complex64", "complex128"})
_GPU_MEMORY_MB = 100  # upstream's first allocation; it grows

_Run = Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]


class InputRefused(ValueError):  # noqa: N818 - said like the others of this package
    """An input that the model cannot have, found before anything was computed; the text says which, and what it has."""


class Predictor:
    """One model, loaded. Not safe for use by two threads.

    `conf` is its prototxt, `shapes` the shapes in its program by the names there, batch included, -1 where free.
    """

    def __init__(self, model_dir: Path, switches: Switches, kept_shapes: int = 0) -> None:
        """Loads the model. `kept_shapes`: as of Node.

        Raises ModelInvalid naming the file for whatever is wrong with it, InvalidOption for a device that is not
        there. Paddle can end the process on a file that is broken in a way the checks before do not see.
        """
        model = open_model(model_dir)
        self.conf = model.conf
        ports = (*model.program.feeds, *model.program.fetches)
        self.shapes = {port.name: port.shape for port in ports}
        adapted = adapt(model.files, model.program, switches).switches
        watch = ErrorWatch() if adapted.backend == "OpenVINO" else None
        self._predictor = _load(model, adapted, watch, kept_shapes)
        self._place = _place(switches.device)
        names = {name for variable in self.conf.feeds for name in (variable.name, variable.alias)}
        self._known = names | {f"{name}.lod" for name in names}
        by_name = {variable.name: variable for variable in self.conf.feeds}
        self._inputs = [by_name[name] for name in self._predictor.get_input_names()]
        self._run: _Run
        if model.program.direct or {port.dtype for port in ports} & _WITHOUT_HANDLES:
            self._run = self._run_tensors  # an input or output that is both has no handle either
        else:
            self._handles = [_Input(each, self._predictor.get_input_handle(each.name)) for each in self._inputs]
            self._run = self._run_handles
        if watch is not None:
            guarded = GuardedRuns(self._run, watch, end_process)
            self._run = self._fitting(guarded.run)
        tables, _ = places(model.program, EMBEDDING if watch is None else LOOKING_UP)
        if tables:
            self._run = self._within(tables, self._run)

    def run(self, feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs by alias, in the order of the prototxt, for inputs by name or alias (batch dimension included).

        Inputs are cast to the type that the prototxt states; `<name>.lod` keys set the LoD of an input and are
        returned for outputs that have one. Raises KeyError for a missing input, ValueError for one that is unknown,
        InputRefused for one that the model cannot have, and what Paddle raises (RuntimeError, ValueError) for others.
        Source: LocalPredictor.predict of paddle_serving_app 0.9.0, without its fall-back to positions.
        """
        if not self._known.issuperset(feed):
            unknown = min(feed.keys() - self._known)
            known = sorted(name for name in self._known if not name.endswith(".lod"))
            raise ValueError(f"unknown input {unknown!r}; the model's inputs are {', '.join(known)}")
        return self._run(feed)

    def _fitting(self, run: _Run) -> _Run:
        """The same, which raises InputRefused for a shape that the program does not have: the engine would fail."""

        def checked(feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            for variable in self._inputs:
                shape, declared = np.shape(feed[_key(variable, feed)]), self.shapes[variable.name]
                if len(shape) != len(declared) or any(
                    want not in (-1, size) for size, want in zip(shape, declared, strict=True)
                ):
                    raise InputRefused(
                        f"input {variable.alias!r} has the shape {[*shape]}; the model's is {[*declared]}"
                    )
            return run(feed)

        return checked

    def _within(self, tables: Mapping[str, int], run: _Run) -> _Run:
        """The same, which raises InputRefused for a place that one of the tables does not have; see lookups.py."""
        looked_up = [variable for variable in self._inputs if variable.name in tables]

        def checked(feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            for variable in looked_up:
                numbers, size = np.asarray(feed[_key(variable, feed)]), tables[variable.name]
                if numbers.size and not 0 <= numbers.min() <= numbers.max() < size:
                    raise InputRefused(
                        f"input {variable.alias!r} has numbers from {numbers.min()} to {numbers.max()}; the model has "
                        f"a table for them from 0 to {size - 1}"
                    )
            return run(feed)

        return checked

    def _run_handles(self, feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        for each in self._handles:
            each.set(feed)
        self._predictor.run()
        answer = {}
        for variable in self.conf.fetches:
            handle = self._predictor.get_output_handle(variable.name)
            answer[variable.alias] = handle.copy_to_cpu()
            if lod := handle.lod():
                answer[f"{variable.alias}.lod"] = np.asarray(lod[0], dtype=np.int32)
        return answer

    def _run_tensors(self, feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Paddle Inference's other way in and out, without LoD, which takes every type."""
        import paddle  # noqa: PLC0415 - as for loading

        if lods := [name for name in feed if name.endswith(".lod")]:
            raise ValueError(
                f"{lods[0]}: a model has no LoD where an output is an input, or where a tensor is "
                f"{', '.join(sorted(_WITHOUT_HANDLES))}"
            )
        arrays = [np.asarray(feed[_key(v, feed)], dtype=v.dtype, order="C") for v in self._inputs]
        outputs = self._predictor.run([paddle.to_tensor(array, place=self._place) for array in arrays])
        by_name = dict(zip(self._predictor.get_output_names(), outputs, strict=True))
        return {variable.alias: by_name[variable.name].numpy() for variable in self.conf.fetches}


def _key(variable: Variable, feed: Mapping[str, NDArray[Any]]) -> str:
    for name in (variable.alias, variable.name):  # an alias may be the name of another input
        if name in feed:
            return name
    raise KeyError(variable.name)


class _Input:
    """An input of the predictor."""

    def __init__(self, variable: Variable, handle: Any) -> None:  # noqa: ANN401 - paddle has no types
        self._variable = variable
        self._handle = handle
        self._has_lod = False

    def set(self, feed: Mapping[str, NDArray[Any]]) -> None:
        """Gives it what is in the feed. Raises KeyError where nothing is."""
        variable, handle = self._variable, self._handle
        key = _key(variable, feed)
        if variable.dtype.kind == "U":  # a handle of text has no LoD
            handle.copy_from_cpu(np.ravel(feed[key]).tolist())
            return
        lod = feed.get(f"{key}.lod")
        if lod is not None:
            self._has_lod = True
            handle.set_lod([np.asarray(lod).tolist()])
        elif self._has_lod:
            self._has_lod = False
            handle.set_lod([])  # or the LoD of the request before would stay
        handle.copy_from_cpu(np.asarray(feed[key], dtype=variable.dtype, order="C"))


def _place(device: str) -> Any:  # noqa: ANN401 - paddle has no types
    import paddle  # noqa: PLC0415 - as below

    return paddle.CPUPlace() if device == "cpu" else paddle.CUDAPlace(int(device.removeprefix("gpu:")))


def _load(model: OpenedModel, switches: Switches, watch: ErrorWatch | None, kept_shapes: int) -> Any:  # noqa: ANN401 - paddle has no types
    import paddle  # noqa: PLC0415 - takes a second, and the supervisor imports what is here
    from paddle import inference, version  # noqa: PLC0415 - as above

    paddle.disable_signal_handler()  # or SIGTERM is a fatal error with a stack trace
    if switches.device != "cpu":
        require_gpu(paddle, switches.device)
    try:
        return _created(inference, _config(inference, model, switches, kept_shapes), model.program, watch)
    except InvalidOption:
        raise
    except Exception as error:
        raise ModelInvalid(
            f"{model.files.program} cannot be loaded by Paddle {version.full_version}: {first_line(error)}"
        ) from error


def _created(inference: Any, config: Any, program: Program, watch: ErrorWatch | None) -> Any:  # noqa: ANN401 - paddle has no types
    if watch is None:
        return inference.create_predictor(config)
    with engine(config):
        predictor = inference.create_predictor(config)
    require_errors_seen(predictor, program, watch)
    return predictor


def _config(inference: Any, model: OpenedModel, switches: Switches, kept_shapes: int) -> Any:  # noqa: ANN401 - paddle has no types
    files = model.files
    if not model.program.parameters and files.program.suffix:
        config = inference.Config(str(files.program), "")  # Paddle 3.3.1 refuses a parameter file without tensors
    elif files.params is None:
        config = inference.Config(str(files.program.parent))
    else:
        config = inference.Config(str(files.program), str(files.params))
    config.disable_glog_info()
    if switches.memory_optim and not files.is_pir:  # Paddle issue 75496: ValueError with the JSON form
        config.enable_memory_optim()
    config.switch_ir_optim(switches.ir_optim)
    for name in (*_DELETED_PASSES, *switches.without_passes):
        config.delete_pass(name)
    config.set_cpu_math_library_num_threads(switches.threads)
    if switches.onednn:
        config.enable_mkldnn()
        if kept_shapes > 0:
            config.set_mkldnn_cache_capacity(kept_shapes)
    else:
        config.disable_mkldnn()  # Paddle 3.3.1 has it on by default
    if switches.backend == "NewExecutor":
        config.enable_new_executor()
    if switches.device == "cpu":
        config.disable_gpu()
    else:
        config.enable_use_gpu(_GPU_MEMORY_MB, int(switches.device.removeprefix("gpu:")))
    return config


def require_gpu(paddle: Any, device: str) -> None:  # noqa: ANN401 - paddle has no types
    """Raises InvalidOption where the device `gpu:<n>` is not there, or Paddle is not built for it.

    Paddle itself falls back to the CPU without a word.
    """
    index = device.removeprefix("gpu:")
    if not device.startswith("gpu:") or not index.isdecimal():
        raise InvalidOption(f"device {device!r} is not known; a device is cpu or gpu:<number>.")
    if not paddle.is_compiled_with_cuda():
        raise InvalidOption(
            f"device {device} is asked for, but this Paddle is built for CPU. Use the GPU runtime image."
        )
    count = paddle.device.cuda.device_count()
    if int(index) >= count:
        raise InvalidOption(
            f"device {device} is asked for, but {count} GPUs are visible. Ask for nvidia.com/gpu in the resource "
            "limits and check that the NVIDIA driver and container runtime are installed on the node."
        )

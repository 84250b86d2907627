"""One model on paddle.inference, with nothing of the serving path around it."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from numpy.typing import NDArray

from paddle_serving_runtime.errors import InvalidOption, ModelInvalid
from paddle_serving_runtime.graph import Node
from paddle_serving_runtime.paddle_model import openvino
from paddle_serving_runtime.paddle_model.adaptation import adapt
from paddle_serving_runtime.paddle_model.files import OLD_PROGRAM, ModelFiles, find_model_files
from paddle_serving_runtime.paddle_model.paddle_errors import first_line
from paddle_serving_runtime.paddle_model.program import Program, read_program
from paddle_serving_runtime.paddle_model.switches import Switches

# by feed_type, as LocalPredictor casts; bfloat16 travels as uint16
_CASTS = (
    *("int64", "float32", "int32", "float64", "int16", "float16", "uint16", "uint8", "int8", "bool"),
    *("complex64", "complex128"),
)
_TEXT = 20
# what numpy arrays cannot be copied into or out of by the handles of Paddle 3.3.1
_BY_TENSOR = {"int16", "uint16", "complex64", "complex128"}
_GPU_MEMORY_MB = 100


class Inference:
    """A model as an author's own script would run it; call it with arrays by input name."""

    def __init__(self, node: Node, model_dir: Path) -> None:
        """Loads the model with the node's switches. Raises ModelInvalid."""
        import paddle  # noqa: PLC0415 - a second's import, and the report is read without it
        from paddle import inference  # noqa: PLC0415 - the same

        paddle.disable_signal_handler()
        files = find_model_files(model_dir)
        program = read_program(files)
        types = {port.dtype.replace("bfloat16", "uint16") for port in (*program.feeds, *program.fetches)}
        self._by_tensor = bool(types & _BY_TENSOR or program.direct)
        kind, _, index = node.switches.device.partition(":")
        self._place = paddle.CUDAPlace(int(index)) if kind == "gpu" else paddle.CPUPlace()
        switches = adapt(files, program, node.switches).switches
        watch = openvino.ErrorWatch() if switches.backend == "OpenVINO" else None
        try:
            self._predictor = _created(inference, _config(inference, switches, files, program), program, watch)
        except InvalidOption:
            raise
        except Exception as error:
            raise ModelInvalid(f"the model in {model_dir} cannot be loaded: {first_line(error)}") from error
        self.feeds, self.fetches = _configured(model_dir) or _described(model_dir)
        self._wanted = node.fetches or tuple(self.fetches)
        self._compute = self._predictor.run if watch is None else functools.partial(watch.run, self._predictor.run)

    def __call__(self, feed: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """Outputs by alias; inputs by alias, or by the name in the program."""
        aliases = {name: alias for alias, (name, _, _) in self.feeds.items()}
        if self._by_tensor:
            return self._tensors(feed, aliases)
        for name in self._predictor.get_input_names():
            alias = aliases[name]
            key = alias if alias in feed else name
            handle = self._predictor.get_input_handle(name)
            if f"{key}.lod" in feed:
                handle.set_lod([list(feed[f"{key}.lod"])])
            cast = self.feeds[alias][1]
            values = np.asarray(feed[key]).astype(cast)
            handle.copy_from_cpu(list(map(str, values.ravel())) if cast == "str" else np.asarray(values, order="C"))
        self._compute()
        answer = {}
        for alias in self._wanted:
            handle = self._predictor.get_output_handle(self.fetches[alias])
            answer[alias] = handle.copy_to_cpu()
            if handle.lod():
                answer[f"{alias}.lod"] = np.array(handle.lod()[0]).astype("int32")
        return answer

    def _tensors(self, feed: dict[str, Any], aliases: dict[str, str]) -> dict[str, NDArray[Any]]:
        import paddle  # noqa: PLC0415 - as above

        tensors = []
        for name in self._predictor.get_input_names():
            alias = aliases[name]
            array = np.asarray(feed[alias if alias in feed else name]).astype(self.feeds[alias][1])
            tensors.append(paddle.to_tensor(np.asarray(array, order="C"), place=self._place))
        outputs = self._predictor.run(tensors)
        names = self._predictor.get_output_names()
        return {alias: outputs[names.index(self.fetches[alias])].numpy() for alias in self._wanted}


Feeds = dict[str, tuple[str, str, tuple[int, ...]]]


def _created(inference: Any, config: Any, program: Program, watch: openvino.ErrorWatch | None) -> Any:  # noqa: ANN401 - paddle has no types
    if watch is None:
        return inference.create_predictor(config)
    with openvino.engine(config):
        predictor = inference.create_predictor(config)
    openvino.require_errors_seen(predictor, program, watch)
    return predictor


def _config(inference: Any, switches: Switches, files: ModelFiles, program: Program) -> Any:  # noqa: ANN401 - paddle has no types
    if files.program.name == OLD_PROGRAM and files.params is None:
        config = inference.Config(str(files.program.parent))
    else:
        config = inference.Config(str(files.program), str(files.params) if program.parameters else "")
    config.disable_glog_info()
    config.switch_ir_optim(switches.ir_optim)
    config.delete_pass("repeated_fc_relu_fuse_pass")  # with it, 3.3.1 does not survive some
    config.delete_pass("conv_transpose_eltwiseadd_bn_fuse_pass")  # as LocalPredictor does
    for name in switches.without_passes:
        config.delete_pass(name)
    config.set_cpu_math_library_num_threads(switches.threads)
    if switches.memory_optim and files.program.suffix != ".json":
        config.enable_memory_optim()
    if switches.onednn:
        config.enable_mkldnn()
    else:
        config.disable_mkldnn()
    if switches.backend == "NewExecutor":
        config.enable_new_executor()
    kind, _, index = switches.device.partition(":")
    if kind == "gpu":
        config.enable_use_gpu(_GPU_MEMORY_MB, int(index))
    else:
        config.disable_gpu()
    return config


def _configured(model_dir: Path) -> tuple[Feeds, dict[str, str]] | None:
    """Inputs as alias -> (name, cast, shape) and outputs as alias -> name, by Paddle Serving's own message class."""
    path = model_dir / "serving_server_conf.prototxt"
    if not path.is_file():
        return None
    from paddle_serving_server.proto.general_model_config_pb2 import (  # noqa: PLC0415 - after install() only
        GeneralModelConfig,
    )

    conf = text_format.Merge(path.read_text(encoding="utf-8"), GeneralModelConfig())
    feeds: Feeds = {
        var.alias_name or var.name: (var.name, _cast(var.feed_type), tuple(var.shape)) for var in conf.feed_var
    }
    return feeds, {var.alias_name or var.name: var.name for var in conf.fetch_var}


def _cast(feed_type: int) -> str:
    return "str" if feed_type == _TEXT else _CASTS[feed_type]


def _described(model_dir: Path) -> tuple[Feeds, dict[str, str]]:
    """The same from the program, where there is no prototxt."""
    program = read_program(find_model_files(model_dir))
    feeds: Feeds = {
        port.name: (port.name, port.dtype.replace("bfloat16", "uint16"), port.shape[1:]) for port in program.feeds
    }
    return feeds, {port.name: port.name for port in program.fetches}

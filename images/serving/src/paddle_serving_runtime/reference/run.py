from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.consistency import Answer, values_to_answer
from paddle_serving_runtime.errors import ServiceBroken, ServingError
from paddle_serving_runtime.graph import REQUEST, Graph
from paddle_serving_runtime.graph.place import script_place
from paddle_serving_runtime.model.golden import Sample
from paddle_serving_runtime.reference.steps import Step, make_step


def run(graph: Graph, samples: Iterable[Sample], root: Path) -> Mapping[str, Answer]:
    """The answer to every sample, by the sample's name, in the order of `samples`; `root` is the package's directory.

    The samples are computed in reverse order: a service that keeps state between requests answers differently from
    one that is asked in the usual order, and the comparison sees it.
    Raises ServiceBroken naming sample, file and line where the service does not answer one of its own samples, and
    ModelInvalid where a model cannot be loaded.
    """
    serving_packages.install()
    samples = tuple(samples)
    try:
        steps = {node.name: make_step(node) for node in graph.nodes}
    except ServingError:
        raise
    except Exception as error:
        raise ServiceBroken(f"{_said(error, root)}, while the Ops were initialised") from error
    computed = {}
    for number, sample in enumerate(reversed(samples)):
        try:
            computed[sample.name] = _answer(graph, steps, sample, number)
        except Exception as error:
            raise ServiceBroken(
                f"golden sample {sample.name} has no answer: {_said(error, root)}. Correct the sample or the service."
            ) from error
    return {sample.name: computed[sample.name] for sample in samples}


def _answer(graph: Graph, steps: Mapping[str, Step], sample: Sample, number: int) -> Answer:
    inputs, log_id = _unpack(sample, graph.request_op)
    outputs: dict[str, dict[str, Any]] = {REQUEST: inputs}
    for node in graph.nodes:
        given = {name: deepcopy(outputs[name]) for name in node.inputs}
        outputs[node.name] = steps[node.name](given, number, log_id)
    output = outputs[graph.output]
    return values_to_answer(output if graph.response_op is None else _pack(graph.response_op, output, number))


def _unpack(sample: Sample, own: Any | None) -> tuple[dict[str, Any], int]:  # noqa: ANN401 - no types
    """Inputs and log id, read by protobuf's JSON parser and Paddle Serving's RequestOp, or the user's own."""
    from paddle_serving_server.pipeline import RequestOp  # noqa: PLC0415 - importable after install() only
    from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import Request  # noqa: PLC0415 - the same

    request = json_format.Parse(sample.body, Request(), ignore_unknown_fields=True)
    inputs, log_id, code, message = (own or RequestOp()).unpack_request_package(request)
    if code is not None:
        raise ServiceBroken(f"the RequestOp answers with error {code} ({message})")
    return inputs, log_id


def _pack(response_op: Any, output: dict[str, Any], number: int) -> dict[str, Any]:  # noqa: ANN401 - no types
    """The values of the response that Paddle Serving's ResponseOp, or the user's own, makes of the output."""
    from paddle_serving_server.pipeline import RequestOp  # noqa: PLC0415 - importable after install() only
    from paddle_serving_server.pipeline.channel import ChannelData, ChannelDataType  # noqa: PLC0415 - the same

    if ChannelData.check_npdata(output)[0] == 0:
        data = ChannelData(ChannelDataType.CHANNEL_NPDATA.value, npdata=output, data_id=number, log_id=0)
    else:
        data = ChannelData(ChannelDataType.DICT.value, dictdata=output, data_id=number, log_id=0)
    response = response_op.pack_response_package(data)
    if response.err_no:
        raise ServiceBroken(f"the response has err_no {response.err_no} ({response.err_msg})")
    reader = RequestOp()
    tensors = {tensor.name: reader.proto_tensor_2_numpy(tensor)[0] for tensor in response.tensors}
    return {**dict(zip(response.key, response.value, strict=True)), **tensors}


def _said(error: Exception, root: Path) -> str:
    if isinstance(error, ServingError):
        return error.message.rstrip(".")
    place = script_place(error, root)
    return f"{place}: {type(error).__name__}: {' '.join(str(error).split())[:500]}".removeprefix(": ")

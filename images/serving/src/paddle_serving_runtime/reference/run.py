import contextlib
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.consistency import EXACT, Answer, compare, values_to_answer
from paddle_serving_runtime.errors import ServiceBroken, ServingError
from paddle_serving_runtime.graph import REQUEST, Graph
from paddle_serving_runtime.graph.place import script_place
from paddle_serving_runtime.package.derived import derived_samples
from paddle_serving_runtime.package.golden import Sample, request_fields
from paddle_serving_runtime.paddle_model.files import find_model_files
from paddle_serving_runtime.paddle_model.paddle_errors import first_line
from paddle_serving_runtime.paddle_model.program import read_program
from paddle_serving_runtime.reference.steps import Step, make_step
from paddle_serving_runtime.serving_packages.missing import where_to_find
from paddle_serving_runtime.words import one_line

_PADDLES = re.compile(r"In user code:|C\+\+ Traceback|\(at /paddle/")
_ONEDNN = re.compile(r"onednn|mkl-?dnn", re.IGNORECASE)


def run(graph: Graph, samples: Iterable[Sample], root: Path) -> tuple[Mapping[str, Answer], Sample | None]:
    """The answer to every sample, by the sample's name, in the order of `samples`; `root` is the package's directory.

    Where all samples are the same request, the answers are followed by that to a second one, derived from it, which
    is returned too, one with another answer where there is any; None where the service answers none.
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
    others = _derived(graph, steps, samples[0]) if len({sample.body for sample in samples}) == 1 else []
    computed = {}
    for number, sample in enumerate(reversed(samples)):
        try:
            computed[sample.name] = answer(graph, steps, sample, number)
        except Exception as error:
            advice = (
                "Paddle's oneDNN cannot compute this model: serve it with --onednn false (engine.oneDNN: false)."
                if _ONEDNN.search(str(error))
                else "Correct the sample or the service."
            )
            raise ServiceBroken(f"golden sample {sample.name} has no answer: {_said(error, root)}. {advice}") from error
    answers = {sample.name: computed[sample.name] for sample in samples}
    if not others:
        return answers, None
    derived, other = max(others, key=lambda found: not _equal(found[1], answers[samples[0].name]))
    return {**answers, derived.name: other}, derived


def _equal(one: Answer, other: Answer) -> bool:
    return all(found.equal for found in compare("", one, other, EXACT, "", ""))


def _derived(graph: Graph, steps: Mapping[str, Step], sample: Sample) -> list[tuple[Sample, Answer]]:
    """Samples made of the only one, and their answers; computed before it, as samples are in reverse order."""
    found: list[tuple[Sample, Answer]] = []
    for derived in derived_samples(sample, any_batch=_takes_any_batch(graph)):
        # whatever is raised, this one is no valid sample
        with contextlib.suppress(Exception, SystemExit):
            found.append((derived, answer(graph, steps, derived, len(found))))
    return found


def _takes_any_batch(graph: Graph) -> bool:
    """Whether every input of every model has a free first dimension."""
    folders = [node.model_dir for node in graph.nodes if node.model_dir is not None]
    ports = [port for folder in folders for port in read_program(find_model_files(folder)).feeds]
    return all(port.shape[:1] == (-1,) and not port.lod_level for port in ports)


def answer(graph: Graph, steps: Mapping[str, Step], sample: Sample, number: int) -> Answer:
    """The answer to a sample, which is the `number`-th request. Raises what the service raises."""
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

    request = json_format.ParseDict(request_fields(sample.body), Request(), ignore_unknown_fields=True)
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
    text = first_line(error) if _PADDLES.search(str(error)) else one_line(error)
    return f"{place}: {type(error).__name__}: {text[:500]}{where_to_find(error)}".removeprefix(": ")

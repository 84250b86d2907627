"""ModelStreamInferResponse: one for every ModelInferRequest of a stream. Pure."""

from google.protobuf.message import DecodeError

from paddle_serving_runtime.protocol.grpc.wire import length_delimited
from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES

_REQUEST, _INFER_RESPONSE = MESSAGES["ModelInferRequest"], MESSAGES["ModelInferResponse"]
_RESPONSE = MESSAGES["ModelStreamInferResponse"]
_ANSWER_FIELD = _RESPONSE.DESCRIPTOR.fields_by_name["infer_response"].number
_FINAL = _INFER_RESPONSE(parameters={"triton_final_response": {"bool_param": True}}).SerializeToString()
"""Clients of streams that may have several answers to a message look for the last one by this parameter."""


def answer(response: bytes) -> bytes:
    """The message around a ModelInferResponse, which is not read."""
    # fields of a message may follow each other in pieces
    return length_delimited(_ANSWER_FIELD, response, _FINAL)


def failure(request: bytes, sentence: str) -> bytes:
    """The message that says what is wrong with a request, with its id; the stream goes on."""
    try:
        told = _REQUEST.FromString(request)
        about = {"id": told.id, "model_name": told.model_name}
    except DecodeError:
        about = {}
    return bytes(_RESPONSE(error_message=sentence, infer_response=about).SerializeToString())

from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES
from paddle_serving_runtime.protocol.open_inference.stream import answer, failure

Request, Response, Streamed = (
    MESSAGES[name] for name in ("ModelInferRequest", "ModelInferResponse", "ModelStreamInferResponse")
)


def test_an_answer_is_the_response_marked_as_the_last_one() -> None:
    for raw in (b"", b"x" * 300, b"x" * 3_000_000):
        response = Response(model_name="m", id="7", raw_output_contents=[raw], parameters={"a": {"int64_param": 1}})
        told = Streamed.FromString(answer(response.SerializeToString()))
        assert told.error_message == ""
        assert told.infer_response.parameters["triton_final_response"].bool_param
        del told.infer_response.parameters["triton_final_response"]
        assert told.infer_response == response


def test_a_failure_has_the_id_of_its_request() -> None:
    request = Request(model_name="m", id="7", raw_input_contents=[b"x"]).SerializeToString()
    told = Streamed.FromString(failure(request, "no such input"))
    assert (told.error_message, told.infer_response.id, told.infer_response.model_name) == ("no such input", "7", "m")
    assert not told.infer_response.outputs


def test_what_is_no_request_is_refused_without_an_id() -> None:
    told = Streamed.FromString(failure(b"\xff\xff", "not a ModelInferRequest"))
    assert (told.error_message, told.infer_response.id) == ("not a ModelInferRequest", "")

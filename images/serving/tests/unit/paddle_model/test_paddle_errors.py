import pytest

from paddle_serving_runtime.paddle_model.paddle_errors import first_line

TRACED = """In user code:

    File "net.py", line 3, in forward
      return self.norm(x)

    InvalidArgumentError: MKL-DNN Layer Norm supports only last logical axis:3 as begin_norm_axis.
      [Hint: Expected begin_norm_axis == 3.] (at /paddle/paddle/phi/kernels/onednn/layer_norm_kernel.cc:45)
      [operator < layer_norm > error]"""
CRASHED = """

--------------------------------------
C++ Traceback (most recent call last):
--------------------------------------
0   paddle_infer::Predictor::Predictor(paddle::AnalysisConfig const&)

----------------------
Error Message Summary:
----------------------
NotFoundError: Cannot open file model, please check.
  [Hint: is open] (at /paddle/io.h:133)
"""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TRACED, "InvalidArgumentError: MKL-DNN Layer Norm supports only last logical axis:3 as begin_norm_axis."),
        (CRASHED, "NotFoundError: Cannot open file model, please check."),
        (
            "(Unimplemented) no such attribute (at /paddle/x.cc:1)",
            "(Unimplemented) no such attribute (at /paddle/x.cc:1)",
        ),
        ("input 'k' is not there", "input 'k' is not there"),
        ("", "ValueError"),
    ],
)
def test_the_sentence_is_paddles_own_and_not_the_trace_around_it(text: str, sentence: str) -> None:
    assert first_line(ValueError(text)) == sentence

"""What goes wrong in a user's Op, as the client may see it."""

import re
import traceback
from http import HTTPStatus
from pathlib import Path

from paddle_serving_runtime.protocol import ErrorCode, http_status

_PATH = re.compile(r"(?:/[\w.@+-]+){2,}|(?<!\w)/[\w.@+-]+")
_CODE = re.compile(r"exception_code: (\d+)")
_MESSAGE = re.compile(r"error_msg: (.*)\n\tis_send_to_user: True", re.DOTALL)


class OpFailed(Exception):  # noqa: N818 - an Op failed, which is what the log says
    """A request that an Op or its model did not answer.

    `err_no` and `message` are for the client (no paths, no traces); what really happened is the __cause__.
    """

    def __init__(self, node: str, err_no: int, message: str) -> None:
        super().__init__(node, err_no, message)
        self.node = node
        self.err_no = err_no
        self.message = f"[{node}] {_PATH.sub('<path>', message)}" if node else _PATH.sub("<path>", message)

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status for it; never 200."""
        return http_status(self.err_no) if self.err_no != ErrorCode.OK else HTTPStatus.INTERNAL_SERVER_ERROR


def from_exception(node: str, stage: str, error: BaseException) -> OpFailed:
    """The failure for an exception in `stage` (preprocess, process, postprocess) of an Op.

    Paddle Serving's CustomException keeps its code, and its text where it says that the client may see it (without
    that it would kill the whole process group there). Any other text stays in the log. Everything that an Op raises
    is its failure, sys.exit() and the time-outs of func_timeout too; a KeyboardInterrupt alone is raised again.
    """
    if isinstance(error, KeyboardInterrupt):
        raise error
    if type(error).__name__ == "CustomException":
        text = str(error)
        code, message = _CODE.search(text), _MESSAGE.search(text)
        err_no = int(code.group(1)) if code else ErrorCode.UNKNOWN
        return OpFailed(node, err_no, message.group(1) if message else f"{stage} failed")
    return OpFailed(node, ErrorCode.UNKNOWN, f"{stage} failed: {type(error).__name__}")


def location(error: BaseException) -> str:
    """`file:line` of the innermost frame in the service's own folder (the working directory), else of the innermost."""
    frames = traceback.extract_tb(error.__traceback__)
    here = Path.cwd()
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(here)]
    frame = (own or frames)[-1]
    name = Path(frame.filename)
    return f"{name.relative_to(here) if own else name}:{frame.lineno}"

"""What Paddle means by one of its many-line messages."""

import re

_SENTENCE = re.compile(r"^(\w*Error:|\(\w+\)|\w*Exception:) ?\S")
_NOISE = ("---", "C++ Traceback", "[", "In user code:", "File ", "Error Message Summary:")


def first_line(error: BaseException) -> str:
    """The line that says what is wrong, without the traces of Python and C++ around it; never empty.

    Paddle puts `In user code:` and the exporting script's own lines first where the program has them.
    """
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(_NOISE)]
    sentences = [line for line in said if _SENTENCE.match(line)]
    return next(iter([*sentences, *said]), type(error).__name__)

"""Whether the answers to one run of a client are right: of the service, client, Paddle Inference and the author."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.consistency import EXACT, Answer, Comparison, Tolerance, describe
from tipc import answers
from tipc.answers import AnswerError
from tipc.asking import Asked
from tipc.config import Config
from tipc.matrix import Combination
from tipc.original import NOT_ASKED, Original, against_author
from tipc.reference import sample_name
from tipc.target import Service

SHOWN_VALUES = 4
PRINTED = "the client's output"
NOT_RECOGNISED = "not compared: the client printed no response that could be recognised"


@dataclass(frozen=True)
class Judgement:
    """What was compared; `why` is empty where every side agrees.

    `comparisons` are those of the service with Paddle Inference, and of the model before and after its conversion.
    `author` is `equal (<outputs>)`, `equal within <error> (<outputs>)`, `differs`, or `not asked: <reason>`.
    `served` and `reference` are the first answer of both sides, short, and `types` their types.
    """

    comparisons: tuple[Comparison, ...]
    author: str
    printed: str
    served: str
    reference: str
    types: str
    why: str


def judge(config: Config, combination: Combination, service: Service, original: Original, asked: Asked) -> Judgement:
    """All sides of one run of a client. Raises TargetError, AnswerError or InferenceError where one has no answer."""
    tolerance = Tolerance(*config.tolerance) if config.tolerance else EXACT
    requests = [exchange.body for exchange in asked.exchanges]
    sides = served(asked)
    want = service.reference(requests)
    found = [*against_reference(sides, want, tolerance)]
    found += original.conversion(combination, requests, want, tolerance)
    author_tolerance = Tolerance(*config.author_tolerance) if config.author_tolerance else tolerance
    failure = ""
    comparisons: tuple[Comparison, ...] = ()
    try:
        author, comparisons = judge_author(original, sides, want, author_tolerance)
    except AnswerError as error:
        author, failure = "failed", str(error)
    different = [comparison for comparison in (*found, *comparisons) if not comparison.equal]
    first = answers.canonical(next(iter(sides.values()))[0])
    return Judgement(
        comparisons=tuple(found),
        author=author,
        served=shown(first),
        reference=shown(answers.canonical(want[sample_name(0)])),
        types=", ".join(f"{name} {array.dtype.name}" for name, array in want[sample_name(0)].items()),
        printed="equal" if PRINTED in sides else NOT_RECOGNISED,
        why=describe(different[0]) if different else failure,
    )


def served(asked: Asked) -> dict[str, list[Answer]]:
    """The answers by side, as they came over the wire and as the client printed them.

    Raises AnswerError where the client printed some answers only.
    """
    if asked.printed and len(asked.printed) != len(asked.exchanges):
        raise AnswerError(f"the client printed {len(asked.printed)} answers to {len(asked.exchanges)} requests")
    sides = {"the service": [answers.from_response(exchange.answer) for exchange in asked.exchanges]}
    if asked.printed:
        sides[PRINTED] = [answers.from_response(body) for body in asked.printed]
    return sides


def against_reference(
    sides: Mapping[str, Sequence[Answer]], want: Mapping[str, Answer], tolerance: Tolerance
) -> tuple[Comparison, ...]:
    """Every side against Paddle Inference on the converted model. Raises AnswerError where that has no answer."""
    found: list[Comparison] = []
    for side, given in sides.items():
        for index, answer in enumerate(given):
            sample = sample_name(index)
            if sample not in want:
                raise AnswerError(f"Paddle Inference gave no answer to {sample}")
            found += answers.against_reference(sample, answer, want[sample], tolerance, side)
    return tuple(found)


def judge_author(
    original: Original, sides: Mapping[str, Sequence[Answer]], want: Mapping[str, Answer], tolerance: Tolerance
) -> tuple[str, tuple[Comparison, ...]]:
    """What may be said of the author's inference, and its comparisons with every side and with Paddle Inference."""
    said = original.authors()
    if said.why:
        return f"{NOT_ASKED}: {said.why}", ()
    count = len(next(iter(sides.values())))
    reference = [want[sample_name(index)] for index in range(count)]
    found = against_author(said, {**sides, answers.REFERENCE: reference}, tolerance)
    if not all(comparison.equal for comparison in found):
        return "differs", found
    error = max(comparison.max_absolute_error for comparison in found)
    within = f" within {error:.1e}" if error else ""
    compared = {comparison.tensor for comparison in found}
    others = {name for answer in reference for name in answer} - compared
    rest = f"; not printed by it: {', '.join(sorted(others))}" if others else ""
    return f"equal{within} ({', '.join(sorted(compared))}){rest}", found


def shown(answer: Answer) -> str:
    """An answer in a line: the first values of each output."""
    return ", ".join(f"{name} {_values(array)}" for name, array in answer.items())


def _values(array: NDArray[Any]) -> str:
    flat = np.ravel(array)
    some = ", ".join(str(value) for value in flat[:SHOWN_VALUES].tolist())
    return f"[{some}{', ...' if flat.size > SHOWN_VALUES else ''}]"

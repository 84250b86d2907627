"""What one worker said to the golden samples, asked in several rounds: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from paddle_serving_runtime.consistency import EXACT, Answer, compare
from paddle_serving_runtime.package.golden import Sample


@dataclass(frozen=True)
class Reply:
    """An answer to `sample`: HTTP status and body. It was request number `request` (from 1), after that for `after`."""

    sample: str
    request: int
    after: str
    status: int
    body: bytes


@dataclass
class Replies:
    """The different replies to every sample, in the order in which they came; equal ones are kept once."""

    asked: int = 0
    _last: str = ""
    _found: dict[str, dict[tuple[int, bytes], Reply]] = field(default_factory=dict)

    def add(self, sample: Sample, status: int, body: bytes) -> None:
        """The reply to the next request."""
        self.asked += 1
        reply = Reply(sample.name, self.asked, self._last, status, body)
        self._found.setdefault(sample.name, {}).setdefault((status, body), reply)
        self._last = sample.name

    def to(self, sample: str) -> Sequence[Reply]:
        """The different replies to a sample."""
        return tuple(self._found.get(sample, {}).values())


def state_sentence(reply: Reply, others: Sequence[Reply], asked: int) -> str:
    """What to add about a wrong reply where the same sample was answered otherwise too; empty where it was not."""
    other = next((one for one in others if one.request != reply.request), None)
    if other is None:
        return ""
    after = f", after {reply.after}" if reply.after else ""
    return (
        f" This is the answer to request {reply.request} of {asked}{after}; request {other.request}, for the same "
        "sample, was answered otherwise. The service keeps something from one request to the next (an attribute of an "
        "Op, a global variable, a cache, a random number generator): make its answer depend on the request alone."
    )


def blind_spot(samples: int, answers: Sequence[Answer]) -> str:
    """What `samples` golden samples with these answers cannot show; empty where two of the answers differ."""
    if not answers or any(not found.equal for one in answers for found in compare("", one, answers[0], EXACT, "", "")):
        return ""
    return blind_sentence(samples)


def blind_sentence(samples: int) -> str:
    """The warning about so many samples of which no two have different answers."""
    what = "There is one golden sample" if samples == 1 else f"All {samples} golden samples have the same answer"
    return (
        f"{what}, and none with another answer could be derived from it: a service that answers with what it was asked "
        "before would not be noticed. Add a sample with another answer to golden/."
    )

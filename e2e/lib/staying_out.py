"""A healthy service under light load, on which changes are tried that must never get traffic."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from e2e.lib.wait import expect, minutes
from e2e.lib.watch import endpoints_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from e2e.lib.load import Load
    from e2e.lib.service import Service

REQUESTS_PER_SECOND = 8
MORE_ANSWERS = 10


class Refusal(NamedTuple):
    """A revision that was refused, and the sentence of its reason."""

    revision: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A service that answers `answer` with the revision `stable`, and the load that asks it."""

    service: Service
    load: Load
    answer: str
    stable: str

    def refuses(self, change: Callable[[], None], reason: str, says: tuple[str, ...]) -> Refusal:
        """The change ends in a rollout that has failed for this reason, with these words, and the stable one serves."""
        then, earlier = self.service.then, self.service.candidate
        change()
        revision = then.candidate_becomes_another(earlier, within=minutes(1))
        sentence = then.fails(reason, says=says, within=minutes(3))
        then.phase_becomes("Failed", within=minutes(1))
        then.condition_becomes("Ready", "True", within=minutes(2))
        expect(self.service.revision == self.stable, f"{self.service.revision} has the traffic, not {self.stable}")
        self.load.goes_on_seeing(self.answer, times=MORE_ANSWERS, within=60)
        return Refusal(revision, sentence)


@contextmanager
def only_stable_answers(service: Service, sample: str, *, gap: bool = False) -> Iterator[Guard]:
    """In the block and until its last request nobody but the revision that is stable now is asked or answers.

    Every request is answered by it, at every moment, unless there may be a `gap`: then some may fail. Raises
    AssertionError.
    """
    answer, stable = service.when.asked(sample), service.revision
    with (
        endpoints_of(service.namespace, service.name) as endpoints,
        service.under_load(sample, requests_per_second=REQUESTS_PER_SECOND) as load,
    ):
        yield Guard(service, load, answer, stable)
        others = {pod for pod in endpoints.pods() if not pod.startswith(f"{service.name}-{stable}-")}
        expect(not others, f"pods of other revisions than {stable} were asked: {sorted(others)}")
        expect(gap or endpoints.fewest() > 0, "there was a moment without an endpoint")
    if gap:
        load.saw_no_other({answer})
    else:
        load.saw_only({answer})

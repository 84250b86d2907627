"""What the spec and the last verb ask of a rollout. Values only."""

from dataclasses import dataclass, field
from datetime import timedelta

from paddle_serving_operator.api.types import Analysis, Drift, DriftMode, DriftSamples, Require, Step, TrafficMode
from paddle_serving_operator.api.verbs import Verb
from paddle_serving_operator.constants import Key

NO_DRIFT = Drift(DriftMode.IGNORE, 0.0, 0.0, DriftSamples.GOLDEN, 1, 0)


@dataclass(frozen=True, slots=True)
class Intent:
    """What is asked. `revision` is the revision of the newest spec, `replicas` how many pods are promised.

    `steps` empty: all traffic moves at once. `capacity_first`: the pods of the revision before end before new ones are
    started. `surge`: pods more than `replicas` while a canary grows. `rollback`: a candidate in trouble loses its share
    by itself. `budgeted`: the operator makes a PodDisruptionBudget of its own. `require`: what answers must be compared
    with.
    """

    key: Key
    generation: int
    revision: str
    model_digest: str
    image: str
    replicas: int
    progress_deadline: timedelta
    paused: bool
    consistency_required: bool
    url: str
    budgeted: bool = True
    require: Require = Require.AUTO
    steps: tuple[Step, ...] = ()
    capacity_first: bool = False
    surge: int = 1
    unavailable: int = 0
    rollback: bool = True
    analysis: Analysis | None = None
    drift: Drift = field(default=NO_DRIFT)
    traffic: TrafficMode = TrafficMode.REPLICA_RATIO
    verb: Verb | None = None

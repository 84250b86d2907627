"""From the JSON of `spec.rollout`, `spec.traffic` and `spec.autoscaling` to values."""

from datetime import timedelta

from paddle_serving_operator.api.fields import Fields
from paddle_serving_operator.api.types import (
    Analysis,
    Autoscaling,
    Drift,
    DriftMode,
    DriftSamples,
    Rollout,
    Step,
    Strategy,
    Traffic,
    TrafficMode,
)

SHARE = "[0-9]{1,3}%"
WHOLE = 100  # percent
MAX_STEPS = 20
SHORTEST_QUEUE, LONGEST_QUEUE = 0.001, 600.0  # seconds; a quantity of metrics is in thousandths
MAX_REQUESTS = 1000
OFF = "Off"
MAX_PODS = 10_000


def parse_rollout_spec(spec: Fields) -> Rollout:
    """How traffic moves. Raises SpecError."""
    with spec.object("rollout") as fields:
        strategy = Strategy(fields.choice("strategy", "BlueGreen", tuple(Strategy)))
        steps = tuple(_step(item) for item in fields.items("steps"))
        if steps and strategy is not Strategy.CANARY:
            raise fields.error("steps", f"belong to strategy Canary, which is {strategy}. Remove them or change it.")
        if strategy is Strategy.CANARY and not steps:
            raise fields.error(
                "steps", "are missing. A Canary needs at least one, for example {weight: 20, pause: 60s}."
            )
        weights = [step.weight for step in steps]
        if len(steps) > MAX_STEPS or sorted(set(weights)) != weights:
            raise fields.error(
                "steps", f"have the weights {weights}. Each must be more than the one before, at most 20."
            )
        analysis, drift = _analysis(fields), _drift(fields)
        _refuse_what_does_not_fit(fields, strategy, analysis, drift)
        return Rollout(
            progress_deadline=fields.lasting("progressDeadline", "10m"),
            revision_history_limit=fields.whole("revisionHistoryLimit", 10, 0, 100),
            paused=fields.boolean("paused", default=False),
            strategy=strategy,
            steps=steps,
            analysis=analysis,
            auto_rollback=fields.boolean("autoRollback", default=True),
            max_surge=_pods(fields, "maxSurge", "25%"),
            max_unavailable=parse_missing(fields, 0),
            drift=drift,
        )


def _refuse_what_does_not_fit(rollout: Fields, strategy: Strategy, analysis: Analysis | None, drift: Drift) -> None:
    """What the CRD's rules refuse, too, but not in a resource that was stored before there were these rules."""
    if analysis is not None and strategy is not Strategy.CANARY:
        raise rollout.error(
            "analysis", f"looks at the steps of strategy Canary, which is {strategy}. Remove it or change the strategy."
        )
    if strategy is Strategy.RECREATE and drift.mode is DriftMode.REQUIRE:
        raise rollout.error(
            "drift.mode",
            "is Require, but strategy Recreate ends the pods that drift would compare with. "
            "Change the strategy, or the mode of drift.",
        )
    compares = strategy is not Strategy.RECREATE and drift.mode is not DriftMode.IGNORE
    if drift.samples is DriftSamples.REPLAY and not compares:
        raise rollout.error(
            "drift.samples",
            "is Replay, which keeps what users ask in the memory of pods, and nothing would be compared with it. "
            "Change the samples, the mode of drift or the strategy.",
        )


def _step(item: Fields) -> Step:
    with item:
        pause = item.any_of("pause")
        held: timedelta | None
        if isinstance(pause, dict):
            if pause:
                raise item.error("pause", f"is {pause!r}. Give a time such as 60s, or {{}} to wait for a person.")
            held = None
        else:
            held = item.duration("pause", "0s")
        return Step(weight=item.whole("weight", None, 1, 99), pause=held)


def _analysis(rollout: Fields) -> Analysis | None:
    if not rollout.has("analysis"):
        return None
    with rollout.object("analysis") as fields:
        errors, latency = fields.number("maxErrorRatio"), fields.number("maxLatencyRatio")
        if errors is None and latency is None:
            raise fields.error("", "looks at nothing. Give maxErrorRatio, maxLatencyRatio or both.")
        if latency == 0:
            raise fields.error("maxLatencyRatio", "is 0, and no revision answers in no time. Give 1.5, for example.")
        if errors is not None and errors > 1:
            raise fields.error("maxErrorRatio", f"is {errors:g}. Use a share from 0 to 1.")
        return Analysis(
            max_error_ratio=errors,
            max_latency_ratio=latency,
            min_requests=fields.whole("minRequests", 100, 1, 1_000_000),
            interval=fields.lasting("interval", "10s"),
        )


def _drift(rollout: Fields) -> Drift:
    with rollout.object("drift") as fields:
        return Drift(
            mode=_mode(fields),
            rtol=fields.number("rtol") or 0.0,
            atol=fields.number("atol") or 0.0,
            samples=DriftSamples(fields.choice("samples", "Golden", tuple(DriftSamples))),
            requests=fields.whole("requests", 200, 1, MAX_REQUESTS),
            max_different=fields.whole("maxDifferent", 0, 0, MAX_REQUESTS),
        )


def _mode(drift: Fields) -> DriftMode:
    """Off is another word for Ignore, for those who write it in quotes: YAML takes it for false without them."""
    given = drift.choice("mode", "Report", (*DriftMode, OFF))
    return DriftMode.IGNORE if given == OFF else DriftMode(given)


def _pods(fields: Fields, field: str, default: int | str) -> int | str:
    value = fields.any_of(field)
    if value is None:
        return default
    if isinstance(value, str):
        return fields.text(field, pattern=SHARE, hint="Use a number of pods or a share such as 25%.")
    return fields.whole(field, None, 0, MAX_PODS)


def parse_missing(fields: Fields, default: int) -> int | str:
    """How many pods may be missing at once, a number or a share such as "25%", at most all. Raises SpecError."""
    value = _pods(fields, "maxUnavailable", default)
    if isinstance(value, str) and int(value.rstrip("%")) > WHOLE:
        raise fields.error("maxUnavailable", f"is {value}, more than all pods. Give a share of at most 100%.")
    return value


def parse_traffic(spec: Fields) -> Traffic:
    """What divides the traffic. Raises SpecError."""
    with spec.object("traffic") as fields:
        mode = TrafficMode(fields.choice("mode", "ReplicaRatio", tuple(TrafficMode)))
        parents = tuple(item.raw() for item in fields.items("parentRefs"))
        hostnames = tuple(fields.strings("hostnames"))
        if mode is TrafficMode.GATEWAY and not parents:
            raise fields.error("parentRefs", "are missing. Name the Gateway that the HTTPRoute belongs to.")
        if mode is not TrafficMode.GATEWAY and (parents or hostnames):
            field = "parentRefs" if parents else "hostnames"
            raise fields.error(field, "belong to mode Gateway. Remove them or change the mode.")
        return Traffic(mode=mode, parent_refs=parents, hostnames=hostnames)


def parse_autoscaling(spec: Fields) -> Autoscaling | None:
    """Bounds and goal of an autoscaler, None where there is none. Raises SpecError."""
    if not spec.has("autoscaling"):
        return None
    with spec.object("autoscaling") as fields:
        low, high = fields.whole("minReplicas", 1, 1, MAX_PODS), fields.whole("maxReplicas", None, 1, MAX_PODS)
        if low > high:
            raise fields.error("minReplicas", f"is {low}, more than maxReplicas, which is {high}.")
        queued = fields.number("queueSeconds")
        if queued is None:
            return Autoscaling(low, high, fields.whole("cpuUtilization", 80, 1, 1000))
        if fields.has("cpuUtilization"):
            raise fields.error(
                "queueSeconds", "is given beside cpuUtilization. An autoscaler has one goal: remove one."
            )
        if not SHORTEST_QUEUE <= queued <= LONGEST_QUEUE:
            raise fields.error(
                "queueSeconds", f"is {queued:g}. Use a number from {SHORTEST_QUEUE:g} to {LONGEST_QUEUE:g}."
            )
        return Autoscaling(low, high, None, queued)

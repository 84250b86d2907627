"""PaddleServices in the states that a rollout passes through, as an operator leaves them, without an operator."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from paddle_serving_operator.constants import (
    ANNOTATION_VERB,
    CONFIG_MAP,
    CONTROLLER_REVISION,
    EVENT,
    LABEL_REVISION,
    LABEL_SERVICE,
    PADDLE_SERVICE,
    POD,
)

from .control_plane import Object
from .world import World, digest

NAME = "ocr-rec"
OLDEST, OLD, NEW = "a7f41b3582", "8c1d0e1f2a", "5f3a9b7c6d"
LETTERS = {OLDEST: "a", OLD: "b", NEW: "c"}
IMAGE = "paddle-serving-runtime:0.1.0"
STEPS = [{"weight": 20, "pause": "60s"}, {"weight": 50, "pause": {}}]
VALUES = {"expected": "0.9992426", "got": "0.4871093", "absolute": 0.512, "relative": 0.513}
WORST: Object = {"sample": "hello.json", "tensor": "score", "index": [0, 17], **VALUES}


def model(revision: str) -> Object:
    """The model of a revision, whose place follows from its digest."""
    letter = LETTERS[revision]
    return {"digest": digest(letter), "source": {"pvc": {"claimName": "models", "path": f"ocr-rec/{letter}"}}}


def recorded(revision: str) -> Object:
    """What makes a revision."""
    return {"runtime": "cpu", "model": model(revision), "engine": {"workers": 4 if revision == NEW else 2}}


class Scene:
    """One PaddleService of a world."""

    def __init__(self, world: World, name: str = NAME) -> None:
        """Creates it, with a spec that asks for NEW."""
        self.world, self.name = world, name
        rollout = {"strategy": "Canary", "steps": STEPS}
        made = world.create(name, {**recorded(NEW), "replicas": 2, "rollout": rollout})
        self.uid: str = made["metadata"]["uid"]

    def owned(self, name: str, label: str, /, **fields: object) -> Object:
        """An object of a revision."""
        owner = {"apiVersion": PADDLE_SERVICE.api_version, "kind": PADDLE_SERVICE.kind, "name": self.name}
        labels = {LABEL_SERVICE: self.name, LABEL_REVISION: label}
        metadata = {"name": name, "labels": labels, "ownerReferences": [{**owner, "uid": self.uid}]}
        return {"metadata": metadata, **fields}

    def replace_record(self, number: int, revision: str, spec: Object | None) -> None:
        """Another record in the place of one: the data of a ControllerRevision cannot be changed."""
        self.world.delete(CONTROLLER_REVISION, f"{self.name}-{revision}")
        self._record(number, revision, spec)

    def record(self, number: int, revision: str) -> None:
        """A revision on record."""
        self._record(number, revision, recorded(revision))

    def _record(self, number: int, revision: str, spec: Object | None) -> None:
        data: Object = {"template": {}, "modelDigest": digest(LETTERS[revision]), "image": IMAGE}
        data |= {"spec": spec} if spec else {}
        self.world.post(
            CONTROLLER_REVISION, self.owned(f"{self.name}-{revision}", revision, revision=number, data=data)
        )

    def pod(self, name: str, revision: str) -> None:
        """A pod; the world's kubelet makes it ready where it is told to."""
        arguments = ["--digest", digest(LETTERS[revision])]
        container = {"name": "serve", "image": IMAGE, "args": arguments}
        self.world.post(POD, self.owned(name, revision, spec={"containers": [container]}))

    def report(self, revision: str, **fields: object) -> str:
        """The report of a revision's first pod; returns its text."""
        text = json.dumps({**report(revision), **fields}, indent=1)
        self.world.post(CONFIG_MAP, self.owned(f"{self.name}-{revision}-report", revision, data={"report.json": text}))
        return text

    def event(self, reason: str, note: str, *, warning: bool = False, kind: str = PADDLE_SERVICE.kind) -> None:
        """An event about it, of now; or about an object of another kind and the same name."""
        about = {"apiVersion": PADDLE_SERVICE.api_version, "kind": kind}
        about |= {"name": self.name, "namespace": self.world.namespace, "uid": self.uid}
        now = datetime.now(UTC)
        body = {
            "metadata": {"name": f"{self.name}.{now.timestamp():.6f}"},
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "action": "Reconcile",
            "note": note,
            "reportingController": "paddle-serving-operator",
            "reportingInstance": "paddle-serving-operator",
            "regarding": about,
        }
        self.world.post(EVENT, body)

    def status(self, **fields: object) -> None:
        """Merges fields into the status, which speaks of the newest spec unless `observedGeneration` says otherwise."""
        generation = self.world.resource(self.name)["metadata"]["generation"]
        body = {"status": {"observedGeneration": generation, **fields}}
        self.world.patch(PADDLE_SERVICE, f"{self.name}/status", body)

    def annotate(self, name: str, value: str | None) -> None:
        """An annotation."""
        self.world.patch(PADDLE_SERVICE, self.name, {"metadata": {"annotations": {name: value}}})

    def shifting(self, step: int = 0, *, held_for: float = 20.0) -> None:
        """In a step, whose share was seen some seconds ago."""
        weight, now = (20, 50)[step], datetime.now(UTC)
        memory = {"stable": OLD, "stage": "Shifting", "candidate": NEW, "step": step, "since": moment(now)}
        share = f"Step {step + 1} of 2: revision {NEW} has {weight} % of the traffic"
        resume, abort = (
            f"`kubectl paddle {verb} {self.name} -n {self.world.namespace}`" for verb in ("resume", "abort")
        )
        by_hand = f"{share}. {resume} goes on, {abort} goes back."
        reason, sentence = ("WaitingForResume", by_hand) if step else ("StepPause", f"{share} for 60 s.")
        self.status(
            phase="Progressing",
            step=f"{step + 1}/2",
            url=f"http://{self.name}.{self.world.namespace}.svc",
            stable=track(OLD, 2, 100 - weight),
            canary=track(NEW, 1, weight),
            conditions=[
                condition("Ready", "True", "Available", f"2 of 2 pods of revision {OLD} are ready."),
                condition("Progressing", "Unknown" if step else "True", reason, sentence),
            ],
            verification=verification(NEW),
            rollout=memory | {"arrived": moment(now - timedelta(seconds=held_for))},
        )

    def healthy(self, revision: str = NEW) -> None:
        """One revision has everything."""
        said = f"Revision {revision} has all traffic."
        self.status(
            phase="Healthy",
            step=None,
            canary=None,
            stable=track(revision, 2, 100),
            conditions=[
                condition("Ready", "True", "Available", f"2 of 2 pods of revision {revision} are ready."),
                condition("Progressing", "False", "RolledOut", said),
            ],
            verification=verification(revision),
            rollout={"stable": revision, "stage": "Idle", "candidate": None, "step": None, "arrived": None},
        )

    def stopped(self) -> None:
        """A candidate that answered otherwise than was required."""
        said = (
            f"1 of 3 answers of revision {NEW} differ from those of revision {OLD}, which goes on serving. The largest "
            "difference is in sample hello.json, tensor score[0, 17]: 0.9992426 was answered before, 0.4871093 now."
        )
        self.status(
            phase="Failed",
            stable=track(OLD, 2, 100),
            conditions=[
                condition("Ready", "True", "Available", f"2 of 2 pods of revision {OLD} are ready."),
                condition("Progressing", "False", "DriftTooLarge", said),
            ],
            verification=verification(NEW),
            rollout={
                "stable": OLD,
                "stage": "Halted",
                "candidate": NEW,
                "since": moment(datetime.now(UTC)),
                "why": {"reason": "DriftTooLarge", "message": said},
            },
        )

    def everything(self) -> None:
        """Records, pods, reports and events of a canary in its first step."""
        self.world.kubelet |= {digest(LETTERS[OLD]): "ready", digest(LETTERS[NEW]): "ready"}
        for number, revision in enumerate((OLDEST, OLD, NEW), start=1):
            self.record(number, revision)
        for name, revision in (("x2k4p", OLD), ("z8n6q", OLD), ("m5t7w", NEW)):
            self.pod(f"{self.name}-{revision}-{name}", revision)
        self.report(NEW)
        self.event("RolloutStarted", f"Revision {NEW} is started; it gets traffic once its pods are proved.")
        self.world.until("every pod is ready", lambda: all(map(_is_ready, self.world.pods())))
        self.shifting()

    @contextmanager
    def obeying(self, obey: Callable[[str], None] | None = None) -> Iterator[None]:
        """Somebody hears verbs as the operator does: `obey` does what the verb says, then it is told."""
        stop = threading.Event()
        thread = threading.Thread(target=self._hear, args=(stop, obey), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _hear(self, stop: threading.Event, obey: Callable[[str], None] | None) -> None:
        heard = ""
        while not stop.wait(0.1):
            annotations = self.world.resource(self.name)["metadata"].get("annotations", {})
            verb, _, token = annotations.get(ANNOTATION_VERB, "").partition(" ")
            if not token or token == heard:
                continue
            heard = token
            if obey is not None:
                obey(verb)
                note, reason = f"`{verb}` is obeyed for revision {NEW}.", "VerbObeyed"
            else:
                note, reason = f"`{verb}` does not fit: no revision is being rolled out.", "VerbRefused"
            self.status(rollout={"heard": token})
            self.event(reason, note, warning=obey is None)


def _is_ready(pod: Object) -> bool:
    return any(item["type"] == "Ready" and item["status"] == "True" for item in pod["status"].get("conditions", ()))


def moment(when: datetime) -> str:
    """As the API writes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def track(revision: str, pods: int, weight: int) -> Object:
    """A revision in the status."""
    seen = {"replicas": pods, "readyReplicas": pods, "weight": weight}
    return {"revision": revision, "modelDigest": digest(LETTERS[revision]), "image": IMAGE, **seen}


def condition(kind: str, status: str, reason: str, message: str) -> Object:
    """A condition since now."""
    said = {"type": kind, "status": status, "reason": reason, "message": message}
    return said | {"lastTransitionTime": moment(datetime.now(UTC))}


def verification(revision: str) -> Object:
    """The summary in the status; NEW answers one sample otherwise."""
    drift: Any = {"samples": "Golden", "asked": 3, "different": 1, "missing": 0, "complete": True}
    drift["worst"] = WORST | {"index": "[0, 17]"}
    known = {"verdict": "Recorded", "samples": 3, "recorded": 3, "paddleVersion": "3.3.1", "device": "cpu"}
    far = {"sample": "chinese.json", "tensor": "score", "absolute": 1.2e-07, "relative": 3.4e-06}
    summary = {"revision": revision, **known, "largestDifference": far, "warnings": []}
    return summary | ({"drift": drift} if revision == NEW else {"drift": None})


def report(revision: str) -> Object:
    """The whole report of a pod."""
    worst = {**WORST, "expected": "0.9992426", "got": "0.9992427", "absolute": 1.2e-07, "relative": 3.4e-06, "ulp": 2}
    row = {"sample": "hello.json", "tensor": "score", "elements": 40, "equal": True}
    drift = {"samples": "Golden", "asked": 3, "different": 1, "missing": 0, "rtol": 0.0, "atol": 0.0, "complete": True}
    return {
        **verification(revision),
        "modelDigest": digest(LETTERS[revision]),
        "goldenDigest": digest("d"),
        "imageDigest": digest("e"),
        "runtimeVersion": "0.1.0",
        "backend": "Default",
        "comparisons": [
            {**row, "against": "reference", "maxAbsoluteError": 0.0, "maxRelativeError": 0.0},
            {**row, "against": "recorded", "maxAbsoluteError": 1.2e-07, "maxRelativeError": 3.4e-06, **worst},
        ],
        "drift": {**drift, "tensors": [WORST]},
    }

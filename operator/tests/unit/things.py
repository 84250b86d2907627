"""JSON of a PaddleService and of what belongs to it, as the API server has it."""

import json
from typing import Any, TypeAlias

from paddle_serving_operator.constants import LABEL_REVISION, LABEL_SERVICE

Json: TypeAlias = dict[str, Any]

UID = "0b9f6a5e-1111-4222-8333-444455556666"
OLD, NEW = "1111111111", "2222222222"
STEPS = [{"weight": 20, "pause": "60s"}, {"weight": 50, "pause": {}}]


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def track(revision: str, letter: str, pods: int, weight: int, **fields: object) -> Json:
    seen = {"replicas": pods, "readyReplicas": pods, "weight": weight}
    return {"revision": revision, "modelDigest": digest(letter), "image": "runtime:1", **seen, **fields}


def condition(kind: str, status: str, reason: str, message: str) -> Json:
    when = {"lastTransitionTime": "2026-11-29T11:59:00Z", "observedGeneration": 2}
    return {"type": kind, "status": status, "reason": reason, "message": message, **when}


def service(status: Json | None = None, spec: Json | None = None, **metadata: object) -> Json:
    identity = {"name": "ocr", "namespace": "shop", "uid": UID, "generation": 2}
    identity |= {"creationTimestamp": "2026-11-29T10:00:00Z"}
    fields = {"model": {"digest": digest("b")}, "replicas": 2}
    return {"metadata": {**identity, **metadata}, "spec": fields | (spec or {}), "status": status or {}}


def shifting(step: int = 0, **memory: object) -> Json:
    """A canary in one of its steps; keyword arguments replace what the operator remembers."""
    stage = {"stable": OLD, "stage": "Shifting", "candidate": NEW, "since": "2026-11-29T11:59:00Z", "step": step}
    weight = STEPS[step]["weight"]
    assert isinstance(weight, int)
    status = {
        "observedGeneration": 2,
        "phase": "Progressing",
        "step": f"{step + 1}/2",
        "url": "http://ocr.shop.svc",
        "stable": track(OLD, "a", 2, 100 - weight),
        "canary": track(NEW, "b", 1, weight),
        "rollout": stage | {"arrived": "2026-11-29T11:59:37Z"} | memory,
        "conditions": [
            condition("Ready", "True", "Available", "2 of 2 pods answer."),
            condition("Progressing", "True", "HoldingStep", "The share is held."),
        ],
        "verification": proof(NEW),
    }
    return service(status, {"rollout": {"strategy": "Canary", "steps": STEPS}})


def proof(revision: str = NEW) -> Json:
    far = {"sample": "hello.json", "tensor": "score", "absolute": 1.2e-7, "relative": 3.4e-6}
    return {
        "revision": revision,
        "verdict": "Recorded",
        "samples": 3,
        "recorded": 3,
        "paddleVersion": "3.3.1",
        "device": "cpu",
        "largestDifference": far,
        "warnings": ["The package has one sample."],
        "drift": {"samples": "Golden", "asked": 3, "different": 1, "missing": 0, "complete": True, "worst": element()},
    }


def element(**fields: object) -> Json:
    values = {"expected": "0.25", "got": "0.75", "absolute": 0.5, "relative": 2.0}
    return {"sample": "hello.json", "tensor": "score", "index": [0, 17], **values, **fields}


def owned(name: str, label: str, /, **fields: object) -> Json:
    metadata = {
        "name": name,
        "uid": f"uid-of-{name}",
        "labels": {LABEL_SERVICE: "ocr", LABEL_REVISION: label},
        "ownerReferences": [{"uid": UID}],
        "creationTimestamp": "2026-11-29T11:00:00Z",
    }
    return {"metadata": metadata, **fields}


def record(number: int, revision: str, letter: str, spec: Json | None = None) -> Json:
    data = {"template": {}, "modelDigest": digest(letter), "image": "runtime:1"} | ({"spec": spec} if spec else {})
    return owned(f"ocr-{revision}", revision, revision=number, data=data)


def report(revision: str = NEW, **fields: object) -> Json:
    row = {"sample": "hello.json", "tensor": "score", "against": "recorded", "elements": 40, "equal": True}
    drift = {"samples": "Golden", "asked": 3, "different": 1, "missing": 0, "rtol": 0.0, "atol": 0.0, "complete": True}
    body = {
        **proof(revision),
        "modelDigest": digest("b"),
        "goldenDigest": digest("c"),
        "backend": "Default",
        "signature": {"algorithm": "ed25519", "publicKey": "key", "value": "signature"},
        "comparisons": [{**row, "maxAbsoluteError": 1.2e-7, "maxRelativeError": 3.4e-6, **element()}],
        "drift": {**drift, "tensors": [element(), element(tensor="text", expected="ab", got="ac")]},
        **fields,
    }
    return owned(f"ocr-{revision}-report", revision, data={"report.json": json.dumps(body)})


def event(reason: str, message: str, at: str, **fields: object) -> Json:
    about = {"involvedObject": {"uid": UID, "name": "ocr"}}
    return {"metadata": {"uid": f"{reason}-{at}"}, "type": "Normal", "reason": reason, "message": message,
            "eventTime": at, **about, **fields}  # fmt: skip


def pod(name: str, revision: str, **status: object) -> Json:
    return owned(name, revision, spec={"nodeName": "node-1"}, status={"phase": "Running", **status})

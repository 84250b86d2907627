"""States of a cluster for the page, in the place of what the operator has in memory."""

import json
import re
from datetime import UTC, datetime
from http import HTTPStatus

from paddle_serving_operator.page.answers import Answer
from paddle_serving_operator.page.site import Site
from paddle_serving_operator.view.overview import Objects

from .things import (
    NEW,
    OLD,
    Json,
    condition,
    element,
    event,
    owned,
    pod,
    proof,
    record,
    report,
    service,
    shifting,
    track,
)

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
SPEC = {"runtime": "cpu", "model": {"digest": "sha256:" + "a" * 64}, "engine": {"workers": 2}}
NEW_SPEC = {**SPEC, "model": {"digest": "sha256:" + "b" * 64}, "engine": {"workers": 4}}
SAMPLES = ("hello.json", "chinese.json", "a-very-long-name-of-a-sample-indeed.json")


SERVICE = "/services/shop/ocr"
REPORT = f"{SERVICE}/reports/{NEW}"
PAGES = ("/", SERVICE, REPORT, f"{SERVICE}/changes", "/nowhere")


class Known:
    """Services and what belongs to them. A test replaces parts of it."""

    def __init__(self, *services: Json) -> None:
        self.things = {(item["metadata"]["namespace"], item["metadata"]["name"]): Objects(item) for item in services}
        self.sentences: tuple[str, ...] = ()

    def put(self, objects: Objects) -> None:
        metadata = objects.service["metadata"]
        self.things[metadata["namespace"], metadata["name"]] = objects

    def services(self) -> list[Json]:
        return [dict(objects.service) for objects in self.things.values()]

    def objects(self, namespace: str, name: str) -> Objects | None:
        return self.things.get((namespace, name))

    def gaps(self) -> tuple[str, ...]:
        return self.sentences


def row(sample: str, tensor: str, against: str, far: float | None, **fields: object) -> Json:
    """A comparison, whose worst element is so far off."""
    size = {"maxAbsoluteError": far, "maxRelativeError": far, "equal": far == 0, "elements": 40, "differing": 3}
    got = "0.9992426" if far == 0 else "0.9992519"
    values = element(sample=sample, tensor=tensor, expected="0.9992426", got=got, absolute=far, relative=far)
    return {**values, **size, "against": against, "ulp": 2, **fields}


def full_report(revision: str = NEW) -> Json:
    """Every kind of difference that a report can have."""
    served = [row(sample, tensor, "reference", 0.0) for sample in SAMPLES for tensor in ("score", "text")]
    text = {"expected": "飞桨服务化部署", "got": "飞桨服务诧部署", "ulp": None}
    recorded = [
        row("hello.json", "score", "recorded", 1.2e-7, equal=True),
        row("chinese.json", "score", "recorded", 0.0031, equal=True),
        row(SAMPLES[2], "score", "recorded", 0.49, equal=False),
        row("hello.json", "text", "recorded", 0.0, expected="ab", got="ab"),
        row("chinese.json", "text", "recorded", None, equal=False, **text),
        row(SAMPLES[2], "text", "recorded", 0.0, expected="ab", got="ab"),
    ]
    return report(revision, comparisons=[*served, *recorded])


def canary() -> Objects:
    """A canary in its first step, with everything that belongs to it."""
    return Objects(
        service=shifting(),
        revisions=(
            record(1, "0000000000", "9"),
            record(2, OLD, "a", SPEC),
            record(3, NEW, "b", NEW_SPEC),
        ),
        reports=(full_report(),),
        pods=(pod("ocr-1-x2k4p", OLD, **READY), pod("ocr-1-z8n6q", OLD, **READY), pod("ocr-2-m5t7w", NEW)),
        events=(
            event("RolloutStarted", f"Revision {NEW} is started.", "2026-11-29T11:58:00Z"),
            event("StepEntered", "Step 1 of 2.", "2026-11-29T11:59:00Z", type="Warning"),
            event("Elsewhere", "Of another service.", "2026-11-29T11:59:30Z", involvedObject={"uid": "another"}),
        ),
    )


def healthy() -> Json:
    """The service of `canary` after its rollout."""
    status = {
        "observedGeneration": 2,
        "phase": "Healthy",
        "stable": track(NEW, "b", 2, 100),
        "rollout": {"stable": NEW, "stage": "Idle"},
        "verification": proof(NEW),
        "conditions": [],
    }
    return service(status, shifting()["spec"])


def beside(name: str, namespace: str, **status: object) -> Json:
    """Another service."""
    return service(dict(status), None, name=name, namespace=namespace, uid=f"uid-{name}")


def secretive() -> Objects:
    """A service and its things with a secret wherever one could be."""
    password = {"name": "PASSWORD", "value": "hunter2-env"}
    address = "https://user:hunter2-url@models.example/m.tgz?X-Amz-Signature=hunter2-query"
    before = {**SPEC, "pod": {"env": [password], "annotations": {"example.com/token": "hunter2-annotation"}}}
    after = {
        **SPEC,
        "pod": {"env": [{**password, "value": "hunter2-new"}]},
        "model": {"source": {"http": {"url": address}}},
    }
    raw = shifting()
    raw["metadata"]["annotations"] = {"serving.paddlepaddle.org/verb": "promote hunter2-token"}
    raw["status"]["conditions"][1]["message"] = f"Fetching {address} failed."
    raw["status"]["rollout"]["heard"] = "hunter2-token"
    raw["spec"]["pod"] = {"env": [password]}
    container = {"name": "serve", "env": [password], "args": ["--key", "hunter2-argument"]}
    made = pod("ocr-2-m5t7w", NEW)
    made["spec"]["containers"] = [container]
    text = json.loads(full_report()["data"]["report.json"]) | {"environment": {"FLAGS_x": "hunter2-flag"}}
    secret = owned("ocr-secret", NEW, kind="Secret", data={"password": "hunter2-secret"})
    told = owned("ocr-2-report", NEW, data={"report.json": json.dumps(text), "other": "hunter2-other"})
    records = (record(2, OLD, "a", before), record(3, NEW, "b", after))
    events = (event("Failed", f"Fetching {address} failed.", "2026-11-29T11:59:00Z"),)
    return Objects(raw, records, (secret, told), (made,), events)


EVIL = "\"'><script>alert(1)</script>&{{7*7}}"


def everywhere() -> Objects:
    """Markup in every text that somebody else may write."""
    raw = shifting()
    raw["status"]["conditions"] = [condition(EVIL, EVIL, EVIL, EVIL)]
    raw["status"] |= {"phase": EVIL, "step": EVIL, "url": EVIL, "stable": track(EVIL, "a", 2, 80, image=EVIL)}
    raw["status"]["rollout"] |= {"candidate": EVIL}
    worst = element(sample=EVIL, tensor=EVIL, index=EVIL, expected=EVIL, got=EVIL + "x")
    row = {**worst, "against": "recorded", "equal": False, "maxAbsoluteError": 1.0}
    body = json.loads(report(EVIL)["data"]["report.json"])
    body |= {"verdict": EVIL, "backend": EVIL, "differences": [EVIL], "warnings": [EVIL], "comparisons": [row]}
    told = report(EVIL)
    told["data"]["report.json"] = json.dumps(body)
    made = pod(EVIL, EVIL, phase=EVIL)
    records = (record(1, EVIL, "a", {"image": EVIL}), record(2, NEW, "b", {"image": "x"}))
    return Objects(raw, records, (told,), (made,), (event(EVIL, EVIL, EVIL),))


def site(*objects: Objects) -> Site:
    known = Known()
    for item in objects:
        known.put(item)
    return Site(known, lambda: NOW)


def text(answer: Answer) -> str:
    """What there is to read, without tags and with single spaces."""
    body = answer.body.decode()
    return " ".join(re.sub(r"<[^>]*>", " ", body[body.index("<main") :]).split())


def read(made: Site, path: str, status: HTTPStatus = HTTPStatus.OK) -> str:
    answer = made.answer(path)
    assert answer.status is status, text(answer)
    return text(answer)

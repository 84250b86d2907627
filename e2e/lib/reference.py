"""What Paddle Inference answers, in a pod of its own that no server runs in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from e2e.lib import answers
from e2e.lib.pods import PYTHON, SCRATCH, Pod, image

if TYPE_CHECKING:
    from e2e.lib.answers import Answer
    from e2e.lib.cluster import Namespace

WITHIN_SECONDS = 120.0


def reference_of(namespace: Namespace, service: str) -> dict[str, Answer]:
    """The runtime's own reference of an example's model image: answers by the name of the sample."""
    output = f"{SCRATCH}/reference.json"
    command = f"paddle-serving-runtime reference --model-dir {SCRATCH}/{service} --output {output} >&2 && cat {output}"
    printed = _run_in_pod(namespace, f"reference-{service}", service, command)
    report = json.loads(printed.strip().splitlines()[-1])
    return {sample: answers.of_reference(tensors) for sample, tensors in report["answers"].items()}


def author_script_of(namespace: Namespace, service: str, sample: str) -> Answer:
    """What the author's own infer.py, a plain Paddle Inference script, prints for a golden sample."""
    package = f"{SCRATCH}/{service}"
    name = f"infer-{sample.removesuffix('.json')}"
    printed = _run_in_pod(namespace, name, service, f"{PYTHON} {package}/infer.py {package}/golden/{sample}")
    return answers.of_literals(json.loads(printed.strip().splitlines()[-1]))


def _run_in_pod(namespace: Namespace, name: str, service: str, command: str) -> str:
    models = {service: image(f"paddle-serving-example-{service}")}
    namespace.apply(Pod(name, ["sh", "-c", command], models=models).manifest())
    return namespace.pod_succeeds(name, within=WITHIN_SECONDS)

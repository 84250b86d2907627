"""From a machine with Docker, or root and a package registry, to a verified answer of a real model.

Makes the cluster, builds and loads the images, installs the operator, applies the OCR example, sends it a picture,
and compares what the Service answers with Paddle Inference. Every step can be repeated; a second run reuses
what the first one made.
"""

from __future__ import annotations

import argparse
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.commands import ROOT, StepError, leave_out_proxies, output, require_free_port, run
from e2e.steps import Steps

SYSTEM_NAMESPACE = "paddle-system"
IMAGES = ["paddle-serving-runtime", "paddle-serving-operator", "paddle-serving-example-ocr-rec"]
RELEASE = "paddle-serving-operator"
READY_SECONDS = 180
FORWARD_SECONDS = 60.0

NEXT = """
What you can type now (first: eval "$(make -s cluster-env)")

  kubectl get paddleservices                               the service, its phase, revision and verdict
  kubectl describe paddleservice ocr-rec                   conditions and events: what happened and why
  kubectl port-forward svc/ocr-rec {port}:80 &
  curl -d @examples/ocr-rec/golden/hello.json http://127.0.0.1:{port}/ocr-rec/prediction
  kubectl apply -f examples/uci-housing.yaml               a model without code (its image: make images)
  make e2e                                                 everything that must never happen, tried
  make cluster-down                                        the cluster goes, the caches stay
"""


def cluster_environment() -> dict[str, str]:
    """This process's environment after the shell lines of `e2e/kind env`: PATH and KUBECONFIG of the cluster."""
    lines = output(sys.executable, "e2e/kind", "env")
    variables = output("bash", "-c", 'eval "$1" && env --null', "bash", lines)
    return dict(variable.split("=", 1) for variable in variables.split("\0") if variable)


def wait_until_ready(environment: dict[str, str]) -> None:
    """Shows every change of the service's state until it is Ready; raises StepError with its conditions."""
    template = '{.metadata.generation}{" "}{.status.observedGeneration}{" "}{.status.phase}{" "}'
    template += '{range .status.conditions[?(@.type=="Ready")]}{.status}{" "}{.reason}: {.message}{end}'
    command = ["kubectl", "get", "paddleservice", "ocr-rec", "--output", f"jsonpath={template}"]
    deadline, last = time.monotonic() + READY_SECONDS, ""
    while time.monotonic() < deadline:
        newest, seen, state = [*output(*command, environment=environment).split(" ", 2), "", ""][:3]
        if newest != seen:  # the status still speaks of an earlier spec
            state = ""
        if state != last:
            print(f"      {state}", flush=True)
            last = state
        phase, ready = [*state.split(), "", ""][:2]
        if (phase, ready) == ("Healthy", "True"):
            return
        time.sleep(0.2)
    raise StepError(
        f"ocr-rec was not Ready within {READY_SECONDS} s; last seen: {last}\n"
        "  Look at `kubectl describe paddleservice ocr-rec`, and at the pods with "
        "`kubectl describe pod --selector serving.paddlepaddle.org/service=ocr-rec`."
    )


@contextmanager
def port_forward(port: int, environment: dict[str, str]) -> Iterator[None]:
    """Keeps `kubectl port-forward` to the Service open on 127.0.0.1:port while the body runs."""
    command = ["kubectl", "port-forward", "svc/ocr-rec", f"{port}:80"]
    print(f"      $ {' '.join(command)} &", flush=True)
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout is None or not select.select([process.stdout], [], [], FORWARD_SECONDS)[0]:
            raise StepError(f"`{' '.join(command)}` was not ready within {FORWARD_SECONDS:.0f} s.")
        if not process.stdout.readline().startswith("Forwarding"):
            raise StepError(f"`{' '.join(command)}` ended; its error is above.")
        yield
    finally:
        process.terminate()
        process.wait()


def copy_model(image: str, folder: Path) -> None:
    """Copies /model out of a model image into `folder`, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    container = output("docker", "create", image)
    try:
        output("docker", "cp", f"{container}:/model", str(folder))
    finally:
        output("docker", "rm", container)


def check_consistency(port: int, references: dict[str, str]) -> None:
    """Paddle Inference in a container of the same image against what the Service answers, as a table."""
    folder = ROOT / "build" / "quickstart" / "model"
    copy_model(references["paddle-serving-example-ocr-rec"], folder)
    # The host's network, because the port-forward listens on the host's loopback address only.
    command = ["docker", "run", "--rm", "--network", "host", "--volume", f"{folder}:/models:ro"]
    url = f"http://127.0.0.1:{port}"
    runtime = references["paddle-serving-runtime"]
    run(*command, runtime, "check", "--url", url, "--model-dir", "/models", "--name", "ocr-rec")


def quickstart(port: int, steps: Steps) -> None:
    """The whole way; see the module's docstring. Raises StepError."""
    require_free_port(port)
    with steps.step("a Kubernetes cluster in Docker (kind)"):
        run(sys.executable, "e2e/kind", "up")
        run(sys.executable, "e2e/kind", "base-image")
    with steps.step("images of the runtime, the operator and the model"):
        run(sys.executable, "-m", "images", "build", *IMAGES)
    references = dict(zip(IMAGES, output(sys.executable, "-m", "images", "list", *IMAGES).split(), strict=True))
    with steps.step("images into the cluster"):
        run(sys.executable, "e2e/kind", "load", *references.values())
    environment = cluster_environment()
    with steps.step("helm install: the operator"):
        chart = [RELEASE, "charts/paddle-serving-operator", "--namespace", SYSTEM_NAMESPACE, "--create-namespace"]
        run("helm", "upgrade", "--install", *chart, "--wait", "--timeout", "3m", environment=environment)
    with steps.step("kubectl apply: PP-OCRv4 text recognition, until it is Ready"):
        run("kubectl", "apply", "--filename", "examples/ocr-rec.yaml", environment=environment)
        wait_until_ready(environment)
    with port_forward(port, environment):
        with steps.step("query: a picture in, its text out"):
            client = ["examples/ocr-rec/pipeline_http_client.py", "--image", "examples/ocr-rec/images/hello.png"]
            run(sys.executable, *client, "--url", f"http://127.0.0.1:{port}/ocr-rec/prediction")
        with steps.step("verdict: is the Service's answer what Paddle Inference answers?"):
            check_consistency(port, references)
    run("kubectl", "get", "paddleservices", environment=environment)


def main() -> int:
    """The exit status: 0 answered and consistent, 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="make quickstart", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="local port of the port-forward")
    port = parser.parse_args().port
    steps = Steps(total=7)
    leave_out_proxies()
    try:
        quickstart(port, steps)
    except StepError as error:
        print(f"\nquickstart: {error}", file=sys.stderr)
        return 1
    steps.write(ROOT / "build" / "quickstart" / "times.json")
    print(NEXT.format(port=port))
    return 0


if __name__ == "__main__":
    sys.exit(main())

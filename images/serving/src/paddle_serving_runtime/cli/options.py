"""Flags that serve and check share, and what they mean."""

import argparse
import math
import os
import re
from collections.abc import Sequence

from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.paddle_model.batching import OFF, Batching
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.paddle_model.plugin import require_plugin
from paddle_serving_runtime.paddle_model.switches import Asked
from paddle_serving_runtime.paddle_model.warmup import MOST_SHAPES, WarmShape
from paddle_serving_runtime.supervisor.settings import StableService
from paddle_serving_runtime.verdict.consistency import Consistency, Require

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?")
_OVERRIDE = re.compile(r"([A-Za-z0-9_@][A-Za-z0-9_.@-]*)=(.*)", re.DOTALL)
_IMAGE_DIGEST = re.compile(r"(?:.*@)?(sha256:[0-9a-f]{64})")
_DEFAULT_RTOL = 1e-5
_DEFAULT_ATOL = 1e-7
MAX_TOLERANCE = 0.05
BACKENDS: tuple[Asked, ...] = ("Default", "OpenVINO", "NewExecutor")
"""What a process computes with."""

SERVED_BACKENDS: tuple[Asked, ...] = (*BACKENDS, "Auto")
"""What `serve` takes: it chooses once, and tells every process."""


def add_computing(parser: argparse.ArgumentParser, backends: Sequence[Asked] = BACKENDS) -> None:
    """What changes what is computed, and how Paddle Inference does it; `backends` may be asked for."""
    parser.add_argument("--threads-per-worker", type=int, default=1)
    parser.add_argument(
        "--backend",
        choices=backends,
        default="Default",
        help="Default: Paddle's own kernels; OpenVINO: Paddle's OpenVINO engine at float32, where it can compute the "
        "model; Auto: the fastest one whose answers agree with the recorded ones; a report says which one it is",
    )
    add_switches(parser)


def add_switches(parser: argparse.ArgumentParser) -> None:
    """The part of it that every setting which is compared for speed has in common."""
    parser.add_argument(
        "--device",
        default=os.environ.get("SERVING_DEVICE", "cpu"),
        help="cpu, gpu:0, or gpu:0,1 (workers take them in turn), where config.yml does not say; $SERVING_DEVICE",
    )
    parser.add_argument("--ir-optim", type=boolean, default=True, metavar="true|false")
    parser.add_argument("--onednn", type=boolean, default=True, metavar="true|false")
    parser.add_argument(
        "--script",
        default="",
        metavar="COMMAND",
        help="the package's script with its arguments, as after `python`: 'web_service_det.py --config=det.yml'; "
        "default: web_service.py",
    )
    parser.add_argument(
        "--overrides", nargs="*", default=[], metavar="KEY=VALUE", help="keys of config.yml: op.rec.concurrency=1"
    )


def computing_from(arguments: argparse.Namespace) -> Computing:
    """The values of those flags, checked. Raises InvalidOption naming the flag."""
    require(arguments.threads_per_worker >= 1, "--threads-per-worker must be at least 1")
    if arguments.backend == "OpenVINO":
        require_plugin()
    return computing_of(arguments, arguments.threads_per_worker, arguments.backend)


def computing_of(arguments: argparse.Namespace, threads: int, backend: Asked) -> Computing:
    """The values of the flags of `add_switches`, checked, with these threads and backend. Raises InvalidOption."""
    return Computing(
        ir_optim=arguments.ir_optim,
        onednn=arguments.onednn,
        threads=threads,
        device=_checked_device(arguments.device),
        overrides=_overrides_from(arguments.overrides),
        script=arguments.script,
        backend=backend,
    )


def _checked_device(device: str) -> str:
    """The device as it was given. Raises InvalidOption where it is none."""
    if device == "cpu":
        return device
    from paddle_serving_runtime.graph.devices import UnknownDeviceError, worker_device  # noqa: PLC0415 - slow import

    try:
        worker_device(device, 0)
    except UnknownDeviceError:
        raise InvalidOption(f"--device {device!r} is not a device. Use cpu, gpu:0, or gpu:0,1 for several.") from None
    return device


def add_batching(parser: argparse.ArgumentParser) -> None:
    """Which requests share a run of a model."""
    parser.add_argument(
        "--batching",
        metavar="Auto|Off|ROWS[,SECONDS]",
        help="while a model computes, requests gather, and those that fit share its next run, at most ROWS rows "
        "(Auto: 16); only numbers of rows that the golden samples have proved, bit for bit. SECONDS: how long the "
        "first waits for others; without it for nobody. A batch_size in config.yml holds instead. "
        "Default: Auto, and Off with --engine pipeline",
    )


def batching_from(arguments: argparse.Namespace) -> Batching:
    """The value of that flag, checked. Raises InvalidOption naming it."""
    direct = arguments.engine == "direct"
    if arguments.batching is None:
        return Batching.parse("Auto") if direct else OFF
    try:
        batching = Batching.parse(arguments.batching)
    except ValueError as error:
        raise InvalidOption(f"--batching {error}.") from None
    require(
        direct or not batching.on, "--batching belongs to --engine direct; Paddle Serving's pipeline has batch_size"
    )
    return batching


def add_warmup(parser: argparse.ArgumentParser) -> None:
    """What is computed before the first request."""
    parser.add_argument(
        "--warmup",
        nargs="*",
        default=[],
        metavar="[OP:]INPUT=SHAPE[,INPUT=SHAPE]",
        help="shapes that each worker computes before it is Ready, beside those of the golden samples, batch included: "
        "x=1x3x48x320, or rec:x=1x3x48x320 for the model of the Op rec of a service with several",
    )


def warmup_from(arguments: argparse.Namespace) -> tuple[WarmShape, ...]:
    """The shapes of that flag, checked. Raises InvalidOption naming it."""
    texts = arguments.warmup
    require(len(texts) <= MOST_SHAPES, f"--warmup has {len(texts)} shapes; {MOST_SHAPES} are the most")
    require(arguments.engine == "direct" or not texts, "--warmup belongs to --engine direct")
    try:
        return tuple(WarmShape.parse(text) for text in texts)
    except ValueError as error:
        raise InvalidOption(f"--warmup {error}.") from None


def add_consistency(parser: argparse.ArgumentParser) -> None:
    """How answers are compared."""
    parser.add_argument("--consistency", choices=("exact", "tolerance"), default="exact")
    parser.add_argument("--rtol", type=float, help="only with --consistency tolerance; default 1e-5")
    parser.add_argument("--atol", type=float, help="only with --consistency tolerance; default 1e-7")
    parser.add_argument(
        "--max-tolerance",
        type=float,
        default=MAX_TOLERANCE,
        help="relative difference that no tolerance in the package may exceed: a larger rtol, or an atol of more than "
        "that share of a tensor's largest value, is refused; default: %(default)s",
    )


def add_image_digest(parser: argparse.ArgumentParser) -> None:
    """Which image this process runs in; nothing inside of a container knows."""
    parser.add_argument(
        "--image-digest",
        default=os.environ.get("SERVING_IMAGE_DIGEST", ""),
        metavar="SHA256",
        help="sha256:<hex> of the image that this process runs in, or its reference with @sha256:<hex>, for the "
        "report; $SERVING_IMAGE_DIGEST",
    )


def checked_image_digest(text: str) -> str:
    """sha256:<hex>, or nothing for nothing. Raises InvalidOption for a text without a digest at its end."""
    match = _IMAGE_DIGEST.fullmatch(text)
    fine = not text or match is not None
    require(fine, f"--image-digest {text!r} does not end with the digest of an image, sha256: and 64 digits 0-9a-f")
    return match[1] if match else ""


def add_stable(parser: argparse.ArgumentParser) -> None:
    """The revision to compare answers with."""
    parser.add_argument(
        "--stable-service",
        default="",
        metavar="NAME",
        help="host name of the Service of the revision that serves now; POST /drift on the admin port compares answers "
        "with it",
    )
    parser.add_argument("--stable-http-port", type=int, default=80, help="its port for HTTP; default: %(default)s")
    parser.add_argument(
        "--stable-admin-port", type=int, default=8081, help="the admin port of its pods; default: %(default)s"
    )


def stable_service(arguments: argparse.Namespace) -> StableService | None:
    """The revision to compare with; None where there is none. Raises InvalidOption."""
    host = arguments.stable_service
    if not host:
        return None
    require(_HOST.fullmatch(host) is not None, f"--stable-service {host[:80]!r} is not a host name")
    for flag in ("stable_http_port", "stable_admin_port"):
        require(0 < getattr(arguments, flag) < 2**16, f"--{flag.replace('_', '-')} must be between 1 and 65535")
    return StableService(host, arguments.stable_http_port, arguments.stable_admin_port)


def boolean(text: str) -> bool:
    """True or False for `true` or `false`; raises ArgumentTypeError for anything else."""
    if text not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


def require(condition: bool, complaint: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raises InvalidOption with the complaint where the condition does not hold."""
    if not condition:
        raise InvalidOption(f"{complaint}.")


def service_name(name: str) -> str:
    """The name, which must be a DNS label: it is part of URLs and of Kubernetes objects. Raises InvalidOption."""
    require(_NAME.fullmatch(name) is not None, f"--name {name!r} is not a DNS label (a-z, 0-9 and -, at most 63)")
    require(name != "v2", "--name 'v2' is how the paths of the Open Inference Protocol begin; give another one")
    return name


def _overrides_from(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Keys and values of --overrides; raises InvalidOption for what is not KEY=VALUE."""
    pairs = []
    for text in texts:
        match = _OVERRIDE.fullmatch(text)
        require(match is not None, f"--overrides {text!r} is not KEY=VALUE, for example op.rec.concurrency=1")
        pairs.append((match[1], match[2]) if match else ("", ""))
    return tuple(pairs)


def consistency_from(arguments: argparse.Namespace, require_: Require, *, required: bool) -> Consistency:
    """How to compare; raises InvalidOption for a tolerance that has no meaning."""
    exact = arguments.consistency == "exact"
    given = [value for value in (arguments.rtol, arguments.atol) if value is not None]
    require(not (exact and given), "--rtol and --atol belong to --consistency tolerance")
    require(all(0 <= value < math.inf for value in given), "--rtol and --atol must be finite and not negative")
    limit = arguments.max_tolerance
    require(0 <= limit <= 1, f"--max-tolerance {limit:g} must be between 0 and 1")
    return Consistency(
        exact=exact,
        rtol=_DEFAULT_RTOL if arguments.rtol is None else arguments.rtol,
        atol=_DEFAULT_ATOL if arguments.atol is None else arguments.atol,
        require=require_,
        required=required,
        max_tolerance=limit,
    )

"""Flags that serve and check share, and what they mean."""

import argparse
import os
import re
from collections.abc import Sequence

from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.supervisor.settings import Consistency, Require

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_OVERRIDE = re.compile(r"([A-Za-z0-9_.-]+)=(.*)", re.DOTALL)
_DEFAULT_RTOL = 1e-5
_DEFAULT_ATOL = 1e-7


def add_switches(parser: argparse.ArgumentParser) -> None:
    """What changes how Paddle Inference computes."""
    parser.add_argument("--threads-per-worker", type=int, default=1)
    parser.add_argument(
        "--device",
        default=os.environ.get("SERVING_DEVICE", "cpu"),
        help="cpu, gpu:0, or gpu:0,1 (workers take them in turn), where config.yml does not say; $SERVING_DEVICE",
    )
    parser.add_argument("--ir-optim", type=boolean, default=True, metavar="true|false")
    parser.add_argument("--onednn", type=boolean, default=True, metavar="true|false")
    parser.add_argument(
        "--overrides", nargs="*", default=[], metavar="KEY=VALUE", help="keys of config.yml: op.rec.concurrency=1"
    )


def checked_device(device: str) -> str:
    """The device as it was given. Raises InvalidOption where it is none."""
    if device == "cpu":
        return device
    from paddle_serving_runtime.graph.devices import UnknownDeviceError, worker_device  # noqa: PLC0415 - slow import

    try:
        worker_device(device, 0)
    except UnknownDeviceError:
        raise InvalidOption(f"--device {device!r} is none: cpu, gpu:0, or gpu:0,1 for several.") from None
    return device


def add_consistency(parser: argparse.ArgumentParser) -> None:
    """How answers are compared."""
    parser.add_argument("--consistency", choices=("exact", "tolerance"), default="exact")
    parser.add_argument("--rtol", type=float, help="only with --consistency tolerance; default 1e-5")
    parser.add_argument("--atol", type=float, help="only with --consistency tolerance; default 1e-7")


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
    """The name, which must be a DNS label: it is part of URLs and of Kubernetes objects."""
    require(_NAME.fullmatch(name) is not None, f"--name {name!r} is not a DNS label (a-z, 0-9 and -, at most 63)")
    return name


def overrides_from(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
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
    require(all(value >= 0 for value in given), "--rtol and --atol must not be negative")
    return Consistency(
        exact=exact,
        rtol=_DEFAULT_RTOL if arguments.rtol is None else arguments.rtol,
        atol=_DEFAULT_ATOL if arguments.atol is None else arguments.atol,
        require=require_,
        required=required,
    )

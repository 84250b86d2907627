"""What test_serving.sh runs: CONFIG [GPU_ID] [--target local|kubernetes]."""

import argparse
import os
import signal
import sys
from pathlib import Path

from tipc import config as configs
from tipc import results
from tipc.checks import check_files
from tipc.config import Config, ConfigError
from tipc.local import LocalTarget
from tipc.results import StatusLog
from tipc.runner import OUTPUT, Runner, clean, convert
from tipc.target import Target, TargetError

FAILED, USAGE = 1, 2
TARGETS = ("local", "kubernetes")


def parse_arguments(argv: list[str], environment: dict[str, str]) -> argparse.Namespace:
    """The command line; TIPC_TARGET gives the default of --target."""
    parser = argparse.ArgumentParser(prog="test_serving.sh", description="Runs a serving test from its configuration.")
    parser.add_argument(
        "config", type=Path, help="test_tipc/configs/<model>/model_..._serving_python_linux_gpu_cpu.txt"
    )
    parser.add_argument("gpu_id", nargs="?", default="", help="sets CUDA_VISIBLE_DEVICES")
    parser.add_argument("--target", choices=TARGETS, default=environment.get("TIPC_TARGET") or "local")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for a service to start and answer (300)")
    arguments = parser.parse_args(argv)
    if arguments.target not in TARGETS:
        parser.error(f"TIPC_TARGET is {arguments.target!r}; choose from {', '.join(TARGETS)}")
    return arguments


def make_target(name: str, root: Path, config: Config, seconds: float) -> Target:
    """The place where the services of this run live."""
    if name == "local":
        return LocalTarget(root, config, root / OUTPUT, seconds)
    from tipc.kubernetes import KubernetesTarget  # noqa: PLC0415 - needs kubectl and docker, a local run does not

    return KubernetesTarget(root, config, root / OUTPUT, seconds)


def main(argv: list[str]) -> int:
    """Exit status: 0 where every answer equals Paddle Inference, 1 where something failed, 2 for the configuration."""
    arguments = parse_arguments(argv, dict(os.environ))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    root = Path.cwd()
    if arguments.gpu_id:
        os.environ["CUDA_VISIBLE_DEVICES"] = arguments.gpu_id
    try:
        config = configs.read(arguments.config)
        check_files(root, config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    clean(root / OUTPUT)
    log = StatusLog(root / OUTPUT / "results_serving.log")
    print("################### run test ###################", flush=True)
    if convert(root, config, log):
        try:
            runner = Runner(root, config, make_target(arguments.target, root, config, arguments.timeout), log)
            runner.run()
            print(results.markdown(runner.rows), flush=True)
        except TargetError as error:
            log.check(ok=False, command=f"prepare target {arguments.target}", why=str(error))
    return FAILED if log.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

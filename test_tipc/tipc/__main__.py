"""What test_serving.sh runs: CONFIG [GPU_ID] [--target local|kubernetes]; later scripts have MODE before GPU_ID."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tipc import author, results, stopping
from tipc import config as configs
from tipc import later as later_configs
from tipc.adapting import adapted
from tipc.checks import check_files, check_haproxy, replaced, with_interpreters
from tipc.config import OUTPUT, Config, ConfigError
from tipc.generations import LATER_SCRIPT
from tipc.local import LocalTarget
from tipc.results import Row, StatusLog
from tipc.runner import Runner, clean, convert
from tipc.target import Target, TargetError

FAILED, USAGE = 1, 2
TARGETS = ("local", "kubernetes")
MODE = "serving_infer"


def parse_arguments(argv: list[str], environment: dict[str, str], *, later: bool = False) -> argparse.Namespace:
    """The command line; TIPC_TARGET gives the default of --target."""
    script = LATER_SCRIPT if later else "test_serving.sh"
    parser = argparse.ArgumentParser(prog=script, description="Runs a serving test from its configuration.")
    parser.add_argument(
        "config", type=Path, help="test_tipc/configs/<model>/model_..._serving_python_linux_gpu_cpu.txt"
    )
    if later:
        parser.add_argument("mode", nargs="?", default=MODE, help=f"names the folder of the logs ({MODE})")
    parser.add_argument("gpu_id", nargs="?", default="", help="sets CUDA_VISIBLE_DEVICES")
    parser.add_argument("--target", choices=TARGETS, default=environment.get("TIPC_TARGET") or "local")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for a service to start and answer (300)")
    parser.add_argument(
        "--client-timeout",
        type=float,
        default=120.0,
        help="seconds for each run of a client (120)",
    )
    arguments = parser.parse_args(argv)
    if arguments.target not in TARGETS:
        parser.error(f"TIPC_TARGET is {arguments.target!r}; choose from {', '.join(TARGETS)}")
    if later and not re.fullmatch(r"[A-Za-z_][\w.-]*", arguments.mode):
        parser.error(f"MODE is {arguments.mode!r}; write a word such as {MODE}. GPU_ID is the third argument.")
    return arguments


def make_target(name: str, root: Path, config: Config, seconds: float) -> Target:
    """The place where the services of this run live."""
    if name == "local":
        return LocalTarget(root, config, root / config.output, seconds)
    from tipc.kubernetes import KubernetesTarget  # noqa: PLC0415 - needs kubectl and docker, a local run does not

    return KubernetesTarget(root, config, root / config.output, seconds)


def main(argv: list[str], *, later: bool = False) -> int:
    """Exit status: 0 where every answer equals Paddle Inference, 1 where something failed, 2 for the configuration."""
    arguments = parse_arguments(argv, dict(os.environ), later=later)
    root = Path.cwd()
    if arguments.gpu_id:
        os.environ["CUDA_VISIBLE_DEVICES"] = arguments.gpu_id
    clean(root / OUTPUT)
    if later and (folder := later_configs.folder(arguments.config, arguments.mode)):
        clean(root / folder)
    try:
        read = later_configs.read(arguments.config, root, arguments.mode) if later else configs.read(arguments.config)
        config = with_interpreters(read)
        check_files(root, config)
        author.find(root, config)
        if arguments.target == "local":
            check_haproxy(config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    log = StatusLog(root / config.output / config.status_log, f"{config.model_name} - " if later else "")
    print("################### run test ###################", *replaced(config), sep="\n", flush=True)
    rows: list[Row] = []
    try:
        target = make_target(arguments.target, root, config, arguments.timeout)
        runner = Runner(root, config, target, log, arguments.client_timeout)
        rows = runner.rows
        if convert(root, config, log):
            with adapted(root, config) as changes:
                print(*changes, sep="\n", end="\n" if changes else "", flush=True)
                runner.run()
        else:
            runner.not_run("the model was not converted")
        print(results.markdown(rows), flush=True)
    except TargetError as error:
        log.check(ok=False, command=f"prepare target {arguments.target}", why=str(error))
    return verdict(log, rows)


def verdict(log: StatusLog, rows: Sequence[Row]) -> int:
    """The exit status: 0 only if something ran, and all that ran is equal."""
    if log.failures:
        return FAILED
    if not any(row.status == results.PASSED for row in rows):
        print("Nothing was tested: every combination of the configuration was skipped.", flush=True)
        return FAILED
    return 0


if __name__ == "__main__":
    stopping.listen()
    sys.exit(main(sys.argv[1:]))

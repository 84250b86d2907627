"""`kubectl paddle`: looks at PaddleServices, follows their rollouts and gives them orders."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from paddle_serving_operator.plugin.commands.describe import describe
from paddle_serving_operator.plugin.commands.digest import digest
from paddle_serving_operator.plugin.commands.get import get
from paddle_serving_operator.plugin.commands.history import diff, history
from paddle_serving_operator.plugin.commands.report import report
from paddle_serving_operator.plugin.commands.undo import undo
from paddle_serving_operator.plugin.commands.verbs import VERBS, verb_command
from paddle_serving_operator.plugin.commands.wait import wait
from paddle_serving_operator.plugin.commands.watch import watch
from paddle_serving_operator.plugin.options import with_options
from paddle_serving_operator.plugin.printing import say
from paddle_serving_operator.plugin.problems import Exit, ProblemError

PROGRAM = "kubectl paddle"


@click.group(PROGRAM, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@with_options
def program(**_: Any) -> None:  # noqa: ANN401 - the options, which the commands read
    """Look at PaddleServices, follow their rollouts and give them orders.

    Exit status: 0 done, 1 a problem, 2 wrong usage, 3 the rollout failed, 4 the time is up.
    """


for made in (get, describe, watch, wait, history, diff, digest, report, undo, *map(verb_command, VERBS)):
    program.add_command(made)


def run(arguments: Sequence[str]) -> int:
    """The exit status."""
    try:
        program.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except ProblemError as error:
        say(f"error: {error}", err=True)
        return error.code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough; nothing is left to be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.DONE


def main() -> NoReturn:
    """The console script."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

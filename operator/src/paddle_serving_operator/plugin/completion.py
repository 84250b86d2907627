"""`kubectl_complete-paddle`: what kubectl's own shell completion asks for the words after `kubectl paddle`.

kubectl gives the words so far, the last one unfinished, and reads candidates from stdout, each with its description
behind a tab, then a line with a directive (https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins).
"""

import sys
from collections.abc import Sequence

import click
from click.shell_completion import ShellComplete

from paddle_serving_operator.plugin.main import PROGRAM, program

NO_FILES = 4  # cobra's ShellCompDirectiveNoFileComp
FILES = 0


def candidates(words: Sequence[str]) -> str:
    """The answer for these words."""
    *before, incomplete = words or [""]
    items = ShellComplete(program, {}, PROGRAM, "").get_completions(before, incomplete)
    if any(item.type in {"file", "dir"} for item in items):
        return f":{FILES}"
    lines = [f"{item.value}\t{item.help}" if item.help else str(item.value) for item in items]
    return "\n".join([*lines, f":{NO_FILES}"])


def main() -> None:
    """The console script."""
    click.echo(candidates(sys.argv[1:]))

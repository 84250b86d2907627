"""Tests every model, or those that are named: python test_tipc/tools/run_all.py [MODEL ...] [--target kubernetes].

Exit status 1 where one failed; the table of all is test_tipc/output/summary.md.
"""

import argparse
import sys

from runs import OUTPUT, models, run

HEADING = 2
"""Lines of a table before its first row."""


def main() -> int:
    """Runs; returns the exit status."""
    parser = argparse.ArgumentParser(description="Tests every model of test_tipc/configs.")
    parser.add_argument("models", nargs="*", help=f"{', '.join(models())}; none: all")
    parser.add_argument("--target", choices=("local", "kubernetes"), default="local")
    options = parser.parse_args()
    if unknown := set(options.models) - set(models()):
        parser.error(f"test_tipc/configs has no {', '.join(sorted(unknown))}; there are {', '.join(models())}")
    runs = [run(model, "--target", options.target) for model in options.models or models()]
    rows = [line for done in runs for line in done.table.splitlines() if line.startswith("|")]
    heading = rows[:HEADING]
    table = "\n".join([*heading, *(line for line in rows if line not in heading)]) + "\n"
    (OUTPUT / "summary.md").write_text(table, encoding="utf-8")
    print(table)
    failed = [done.model for done in runs if done.status]
    print(
        f"{len(runs) - len(failed)} of {len(runs)} models passed" + (f"; failed: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

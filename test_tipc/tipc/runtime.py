"""The runtime's command line with this interpreter: its script need not be on PATH. No import of the runtime here."""

import sys

ENTRY = "import sys; from paddle_serving_runtime.cli.main import main; sys.exit(main())"


def command(*arguments: str) -> list[str]:
    """`paddle-serving-runtime ARGUMENTS`; -P keeps modules of the working directory from shadowing its own."""
    return [sys.executable, "-P", "-c", ENTRY, *arguments]

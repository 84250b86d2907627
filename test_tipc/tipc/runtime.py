"""The runtime's command line with this interpreter: its script need not be on PATH. No import of the runtime here."""

import sys
from collections.abc import Mapping

ENTRY = "import sys; from paddle_serving_runtime.cli.main import main; sys.exit(main())"


def command(*arguments: str) -> list[str]:
    """`paddle-serving-runtime ARGUMENTS`; -P keeps modules of the working directory from shadowing its own."""
    return [sys.executable, "-P", "-c", ENTRY, *arguments]


def service(script: str, overrides: Mapping[str, str]) -> list[str]:
    """Arguments of `serve` and `reference` for a script with its own arguments, and for config.yml keys."""
    pairs = [f"{key}={value}" for key, value in overrides.items()]
    return [f"--script={script}", *(["--overrides", *pairs] if pairs else [])]

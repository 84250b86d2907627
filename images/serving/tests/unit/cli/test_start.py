import subprocess
import sys

SLOW = ("numpy", "paddle", "uvicorn", "grpc")


def test_serve_imports_nothing_slow_before_it_starts_the_workers() -> None:
    program = f"import sys, paddle_serving_runtime.cli.serve; print([name for name in {SLOW} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "[]\n"

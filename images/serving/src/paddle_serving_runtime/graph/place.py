import traceback
from pathlib import Path


def script_place(error: BaseException, root: Path) -> str:
    """`file:line`, relative to `root`, of the innermost frame that is in the package; empty where none is."""
    if isinstance(error, SyntaxError) and error.filename:
        path = Path(error.filename)
        return f"{path.relative_to(root) if path.is_relative_to(root) else path.name}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(root)]
    return f"{Path(frames[-1].filename).relative_to(root)}:{frames[-1].lineno}" if frames else ""

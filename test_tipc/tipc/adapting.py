"""What PaddleClas's test writes into files before it starts the service: done for one run, and undone after it."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tipc.config import Config
from tipc.target import TargetError

FETCH = re.compile(r"fetch_var\s*\{[^}]*\}")
FEED_NAME = re.compile(r'feed_var\s*\{[^}]*?\bname:\s*"([^"]*)"')
ALIAS = re.compile(r'alias_name:\s*"[^"]*"')
FEED = re.compile(r"\{[^{}:]*: input_imgs\}")
"""How PaddleClas's services name the model's input."""


@contextmanager
def adapted(root: Path, config: Config) -> Iterator[list[str]]:
    """The converted model's output has the configuration's alias, and the service names its input as the model does.

    The service is as it was afterwards. Yields a sentence for what is different from the files in the repository.
    Raises TargetError where the model has not exactly one output.
    """
    if not config.alias:
        yield []
        return
    options = dict(config.convert)
    server = root / options["--serving_server"] / "serving_server_conf.prototxt"
    for path in (server, root / options["--serving_client"] / "serving_client_conf.prototxt"):
        path.write_text(aliased(path, path.read_text(encoding="utf-8"), config.alias), encoding="utf-8")
    script = root / config.serving_dir / shlex.split(config.web_service)[0]
    before = script.read_text(encoding="utf-8")
    feed = FEED_NAME.search(server.read_text(encoding="utf-8"))
    after = FEED.sub(f'{{"{feed[1]}": input_imgs}}', before) if feed else before
    if after == before or feed is None:
        yield []
        return
    script.write_text(after, encoding="utf-8")
    try:
        yield [f'{script.relative_to(root)}: for this run its input is named "{feed[1]}", as the model\'s is.']
    finally:
        if script.read_text(encoding="utf-8") == after:
            script.write_text(before, encoding="utf-8")


def aliased(path: Path, prototxt: str, alias: str) -> str:
    """The prototxt with another alias for its only output. Raises TargetError where it has another number of them."""
    count = len(FETCH.findall(prototxt))
    if count != 1:
        raise TargetError(f"{path}: the model has {count} outputs; the services of PaddleClas read one, {alias}.")
    return FETCH.sub(lambda found: ALIAS.sub(f'alias_name: "{alias}"', found[0]), prototxt)

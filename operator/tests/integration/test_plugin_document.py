"""docs/kubectl-paddle.md shows what the commands print. `pytest --update-golden` writes it anew."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.documents import printing

from .plugin import Plugin
from .scene import NAME, NEW, Scene
from .world import World

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[3] / "docs" / "kubectl-paddle.md"
TYPED = "kubectl paddle "
CHANGING = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\b\d+[smhdy](\d+[smhdy])?\b")
NAMESPACE = "default"
CODES = {"wait": 3, "watch": 4, "describe ocr-red": 1, "get --context nowhere": 1}

STATES: dict[str, Callable[[Scene], None]] = {
    "While a canary is on its way": Scene.shifting,
    "Verbs": Scene.shifting,
    "When it is stopped": Scene.stopped,
    "Afterwards": Scene.healthy,
    "When it cannot": Scene.healthy,
}


def alike(text: str) -> list[str]:
    """Without ages, times and the widths of columns, which follow from them."""
    return [re.sub(r"\s{2,}", "  ", CHANGING.sub("TIME", line)).rstrip() for line in text.strip().splitlines()]


def printed(plugin: Plugin, scene: Scene, command: str) -> str:
    """What a command prints, on both, in a namespace that is called as the document's."""
    words = shlex.split(command)
    code = next((code for start, code in CODES.items() if command.startswith(start)), 0)
    with scene.obeying(lambda _: promoted(scene)):
        out, said = plugin.finish(plugin.start(*words), code)
    own, width = scene.world.namespace, len("NAMESPACE")
    return (out + said).replace(own.ljust(width), NAMESPACE.ljust(width)).replace(own, NAMESPACE)


def promoted(scene: Scene) -> None:
    memory = {"stage": "Promoting", "step": None, "arrived": None}
    scene.status(rollout=memory)


def test_the_document_shows_what_is_printed(world: World, plugin: Plugin, request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    scene = Scene(world)
    scene.everything()
    wrong = []
    for block in printing("docs/kubectl-paddle.md"):
        shown, command = block.commands[0].printed or "", block.text
        STATES[block.heading](scene)
        found = printed(plugin, scene, command.removeprefix(TYPED))
        text = text.replace(f"$ {command}\n{shown}```", f"$ {command}\n{found}```")
        if alike(found) != alike(shown):
            wrong.append(f"$ {command}\n{found}")
    assert set(STATES) == {block.heading for block in printing("docs/kubectl-paddle.md")}
    if request.config.getoption("--update-golden"):
        PAGE.write_text(text, encoding="utf-8")
    else:
        assert not wrong, "run pytest --update-golden and read the page:\n" + "\n".join(wrong)
    assert NAME in text
    assert NEW in text

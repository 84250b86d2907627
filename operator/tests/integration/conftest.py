from collections.abc import Iterator
from pathlib import Path

import pytest

from .control_plane import ControlPlane
from .crowd import crowd
from .gate import Gate
from .plugin import Plugin
from .world import World


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def world(control_plane: ControlPlane) -> Iterator[World]:
    made = World(control_plane)
    yield made
    made.close()


@pytest.fixture
def plugin(world: World, tmp_path: Path) -> Plugin:
    return Plugin(world, tmp_path)


@pytest.fixture
def gate(control_plane: ControlPlane) -> Iterator[Gate]:
    made = Gate(control_plane)
    yield made
    made.close()


# ends with the file that needs it: beside all other tests it would take a tenth of a core
@pytest.fixture(scope="module")
def crowd_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A second control plane, with a scheduler and kwok."""
    plane = crowd(tmp_path_factory.mktemp("crowd"))
    yield plane
    plane.stop()


@pytest.fixture
def crowded(crowd_plane: ControlPlane) -> Iterator[World]:
    """A namespace in which every pod runs, by the thousand."""
    made = World(crowd_plane, plays_kubelet=False)
    yield made
    made.close()

from collections.abc import Iterator

import pytest

from .control_plane import ControlPlane
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

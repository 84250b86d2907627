from collections.abc import Iterator

import pytest

from images.serving.tests.unit.supervisor.control_pod import LOADED, Pod


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    pod = Pod(tmp_path_factory.mktemp("control"))
    yield pod
    pod.close()


@pytest.fixture
def pod(running: Pod) -> Pod:
    running.ready, running.loaded, running.counted = True, LOADED, {}
    return running
